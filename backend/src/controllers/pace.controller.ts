import type { Response } from 'express';
import type { Pace, SendingChange } from '../services/pace.js';
import type { Req } from '../utils/endpoint.js';
import type { PhoneInput } from './phone.controller.js';

export interface UpdatePhoneInput extends PhoneInput {
  body: { sending: SendingChange };
}

export const paceController = ({ pace }: { pace: Pace }) => ({
  async update(req: Req<UpdatePhoneInput>, res: Response) {
    res.json(await pace.setSending(req.caller.userId, req.input.params.id, req.input.body.sending));
  },

  async pause(req: Req<PhoneInput>, res: Response) {
    res.json(await pace.pause(req.caller.userId, req.input.params.id));
  },

  async resume(req: Req<PhoneInput>, res: Response) {
    res.json(await pace.resume(req.caller.userId, req.input.params.id));
  },
});
