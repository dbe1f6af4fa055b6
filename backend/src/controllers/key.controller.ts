import type { Response } from 'express';
import type { KeyRequest, Keys } from '../services/key.js';
import type { Req } from '../utils/endpoint.js';
import { idempotencyKey, readName, sendNamedPage, type IdempotencyHeaders, type PageQuery } from './page.js';

export interface CreateKeyInput {
  headers: IdempotencyHeaders;
  body: KeyRequest;
}
export interface ListKeysInput {
  query: PageQuery;
}
export interface KeyInput {
  params: { id: string };
}
export interface UpdateKeyInput extends KeyInput {
  body: Partial<KeyRequest>;
}
export interface RollKeyInput extends KeyInput {
  body: { overlap: number };
}

export const keyController = ({ keys }: { keys: Keys }) => ({
  async create(req: Req<CreateKeyInput>, res: Response) {
    const { key, replayed } = await keys.create(req.caller, req.input.body, idempotencyKey(req));
    if (replayed) res.setHeader('Idempotent-Replayed', 'true');
    res.status(201).location(`/api/keys/${key.id}`).json(key);
  },

  async list(req: Req<ListKeysInput>, res: Response) {
    const { limit, offset } = req.input.query;
    const before = readName(req.input.query);
    sendNamedPage(res, await keys.list(req.caller.userId, { before, limit, offset }), ({ id }) => id);
  },

  async update(req: Req<UpdateKeyInput>, res: Response) {
    res.json(await keys.update(req.caller, req.input.params.id, req.input.body));
  },

  async roll(req: Req<RollKeyInput>, res: Response) {
    const key = await keys.roll(req.caller, req.input.params.id, req.input.body.overlap);
    res.status(201).location(`/api/keys/${key.id}`).json(key);
  },

  async revoke(req: Req<KeyInput>, res: Response) {
    await keys.revoke(req.caller, req.input.params.id);
    res.status(204).end();
  },
});
