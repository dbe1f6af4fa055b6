import type { Request, Response } from 'express';
import type { Health } from '../services/health.js';

export const healthController = ({ health }: { health: Health }) => ({
  async all(_req: Request, res: Response) {
    const view = await health.view();
    res.status(view.status === 'down' ? 503 : 200).json(view);
  },

  live(_req: Request, res: Response) {
    res.json({ status: 'ok' });
  },

  async ready(_req: Request, res: Response) {
    const isReady = await health.isReady();
    res.status(isReady ? 200 : 503).json({ status: isReady ? 'ok' : 'unavailable' });
  },
});
