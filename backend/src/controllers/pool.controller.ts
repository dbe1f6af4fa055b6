import type { Response } from 'express';
import type { Adopting, Adoption } from '../services/adopting.js';
import type { NewNode, NodeUpdate, Pool } from '../services/pool.js';
import type { Req } from '../utils/endpoint.js';

export interface NodeInput {
  params: { id: number };
}
export interface MovePhoneInput {
  params: { id: number };
  body: { nodeId: number | null };
}

export interface AddNodeInput {
  body: NewNode;
}
export interface UpdateNodeInput extends NodeInput {
  body: NodeUpdate;
}
export interface RebalanceInput {
  body: { limit: number };
}
export interface AdoptInput extends NodeInput {
  body: { phones: Adoption[] };
}

export const poolController = ({ pool, adopting }: { pool: Pool; adopting: Adopting }) => ({
  async add(req: Req<AddNodeInput>, res: Response) {
    res.status(201).json(await pool.add(req.input.body));
  },

  async update(req: Req<UpdateNodeInput>, res: Response) {
    res.json(await pool.update(req.input.params.id, req.input.body));
  },

  async remove(req: Req<NodeInput>, res: Response) {
    await pool.remove(req.input.params.id);
    res.status(204).end();
  },

  async rebalance(req: Req<RebalanceInput>, res: Response) {
    res.status(202).json(await pool.rebalance(req.input.body.limit));
  },

  async listAdoptable(req: Req<NodeInput>, res: Response) {
    res.json({ data: await adopting.list(req.input.params.id) });
  },

  async adopt(req: Req<AdoptInput>, res: Response) {
    const { phones } = req.input.body;
    const data = await adopting.adopt(req.input.params.id, phones);
    const affects = phones.filter((_, i) => data[i]!.phoneId !== null).map(({ userId }) => userId);
    if (affects.length > 0) req.affects = affects;
    res.json({ data });
  },

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
    req.affects = [await pool.move(req.input.params.id, req.input.body.nodeId)];
    res.status(202).json({ phoneId: req.input.params.id, status: 'moving' });
  },
});
