import type { Response } from 'express';
import type { Pace, SendingChange } from '../services/pace.js';
import type { Phones } from '../services/phone.js';
import type { Req } from '../utils/endpoint.js';
import type { PhoneInput } from './phone.controller.js';

export interface UpdatePhoneInput extends PhoneInput {
  body: { deviceName?: string; webhookUrl?: string | null; sending?: SendingChange };
}

export const paceController = ({ pace, phones }: { pace: Pace; phones: Phones }) => ({
  async update(req: Req<UpdatePhoneInput>, res: Response) {
    const { userId } = req.caller;
    const { id } = req.input.params;
    const { sending, ...rest } = req.input.body;
    // All that can be refused is, before anything is changed.
    phones.checkUrl(rest.webhookUrl ?? null);
    if (sending) await pace.setSending(userId, id, sending);
    res.json(await phones.update(userId, id, rest));
  },

  async pause(req: Req<PhoneInput>, res: Response) {
    res.json(await pace.pause(req.caller.userId, req.input.params.id));
  },

  async resume(req: Req<PhoneInput>, res: Response) {
    res.json(await pace.resume(req.caller.userId, req.input.params.id));
  },
});
