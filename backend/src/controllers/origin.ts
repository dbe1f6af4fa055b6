import type { Request } from 'express';
import type { Origin } from '../services/session.js';

/** From where somebody asks. */
export const originOf = (req: Request): Origin => ({
  ip: req.ip ?? null,
  device: req.get('user-agent') ?? null,
});
