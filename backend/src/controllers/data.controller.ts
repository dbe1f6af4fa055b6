import { pipeline } from 'node:stream/promises';
import type { Response } from 'express';
import type { Erasing } from '../services/erasing.js';
import type { Exports } from '../services/export.js';
import type { Removing } from '../services/removing.js';
import type { Req } from '../utils/endpoint.js';
import type { SignedQuery } from '../utils/link.js';

export interface LoadExportInput {
  params: { id: number };
  query: SignedQuery;
}
export interface RemoveAccountInput {
  body: { currentPassword: string; code?: string };
}
export interface EraseContactInput {
  body: { contact: string };
}
export interface GetErasureInput {
  params: { id: number };
}

/** What users do about all that is known of them, and of their contacts. */
export const dataController = (deps: { exports: Exports; removing: Removing; erasing: Erasing }) => ({
  async beginExport(req: Req, res: Response) {
    res.status(202).json(await deps.exports.begin(req.caller.userId));
  },

  async latestExport(req: Req, res: Response) {
    res.json(await deps.exports.latest(req.caller.userId));
  },

  async loadExport(req: Req<LoadExportInput>, res: Response) {
    const { stream, size, name } = await deps.exports.open(req.input.params.id, req.input.query);
    res.setHeader('Content-Type', 'application/zip');
    res.setHeader('Content-Length', size);
    res.setHeader('Content-Disposition', `attachment; filename="${name}"`);
    res.setHeader('Referrer-Policy', 'no-referrer');
    await pipeline(stream, res).catch(() => res.destroy());
  },

  async removeAccount(req: Req<RemoveAccountInput>, res: Response) {
    await deps.removing.begin(req.caller.userId, req.input.body);
    res.status(202).end();
  },

  async eraseContact(req: Req<EraseContactInput>, res: Response) {
    res.status(202).json(await deps.erasing.begin(req.caller.userId, req.input.body.contact));
  },

  async getErasure(req: Req<GetErasureInput>, res: Response) {
    res.json(await deps.erasing.get(req.caller.userId, req.input.params.id));
  },
});
