import type { Response } from 'express';
import type { Pace, SendingChange } from '../services/pace.js';
import type { Phones } from '../services/phone.js';
import type { Tuning, TuningChange } from '../services/tuning.js';
import type { Req } from '../utils/endpoint.js';
import type { PhoneInput } from './phone.controller.js';

export interface UpdatePhoneInput extends PhoneInput {
  body: { deviceName?: string; webhookUrl?: string | null; sending?: SendingChange } & TuningChange;
}

export const paceController = (deps: { pace: Pace; phones: Phones; tuning: Tuning }) => {
  const { pace, phones, tuning } = deps;
  return {
    async update(req: Req<UpdatePhoneInput>, res: Response) {
      const { userId } = req.caller;
      const { id } = req.input.params;
      const { sending, settings, proxy, ...rest } = req.input.body;
      // All that can be refused is, before anything is changed.
      phones.checkUrl(rest.webhookUrl ?? null);
      tuning.checkProxy(proxy);
      if (sending) await pace.setSending(userId, id, sending);
      const to = { ...(settings ? { settings } : {}), ...(proxy === undefined ? {} : { proxy }) };
      if (Object.keys(to).length > 0) await tuning.change(userId, id, to);
      res.json(await phones.update(userId, id, rest));
    },

    async pause(req: Req<PhoneInput>, res: Response) {
      res.json(await pace.pause(req.caller.userId, req.input.params.id));
    },

    async resume(req: Req<PhoneInput>, res: Response) {
      res.json(await pace.resume(req.caller.userId, req.input.params.id));
    },
  };
};
