import type { Response } from 'express';
import type { Pool } from '../services/pool.js';
import type { Req } from '../utils/endpoint.js';

export interface NodeInput {
  params: { id: number };
}
export interface MovePhoneInput {
  params: { id: number };
  body: { nodeId: number | null };
}

export const poolController = ({ pool }: { pool: Pool }) => ({
  async list(_req: Req, res: Response) {
    res.json({ data: await pool.list() });
  },

  async drain(req: Req<NodeInput>, res: Response) {
    res.status(202).json(await pool.drain(req.input.params.id));
  },

  async resume(req: Req<NodeInput>, res: Response) {
    res.json(await pool.resume(req.input.params.id));
  },

  async move(req: Req<MovePhoneInput>, res: Response) {
    await pool.move(req.input.params.id, req.input.body.nodeId);
    res.status(202).json({ phoneId: req.input.params.id, status: 'moving' });
  },
});
