import type { Response } from 'express';
import type { PairingMethod, PhoneLife } from '../services/phone-life.js';
import type { Req } from '../utils/endpoint.js';

export interface LifeInput {
  params: { id: number };
}
export interface ConnectInput extends LifeInput {
  body: { method: PairingMethod };
}

export const phoneLifeController = ({ life }: { life: PhoneLife }) => ({
  async connect(req: Req<ConnectInput>, res: Response) {
    res.json(await life.connect(req.caller.userId, req.input.params.id, req.input.body.method));
  },

  async qr(req: Req<LifeInput>, res: Response) {
    res.setHeader('Cache-Control', 'no-store');
    res.json(await life.qr(req.caller.userId, req.input.params.id));
  },

  async restart(req: Req<LifeInput>, res: Response) {
    res.json(await life.restart(req.caller.userId, req.input.params.id));
  },

  async logout(req: Req<LifeInput>, res: Response) {
    res.json(await life.logout(req.caller.userId, req.input.params.id));
  },

  async remove(req: Req<LifeInput>, res: Response) {
    await life.remove(req.caller.userId, req.input.params.id);
    res.status(204).end();
  },
});
