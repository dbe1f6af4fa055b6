import type { Response } from 'express';
import type { Phones, PhoneView } from '../services/phone.js';
import type { Req } from '../utils/endpoint.js';
import { idempotencyKey, readCursor, sendPage, type IdempotencyHeaders, type PageQuery } from './page.js';

export interface CreatePhoneInput {
  headers: IdempotencyHeaders;
  body: { phoneNumber: string; deviceName?: string; webhookUrl?: string | null };
}
export interface ListPhonesInput {
  query: PageQuery & { status?: PhoneView['status']; search?: string };
}
export interface PhoneInput {
  params: { id: number };
}

export const phoneController = ({ phones }: { phones: Phones }) => ({
  async create(req: Req<CreatePhoneInput>, res: Response) {
    const { phoneNumber, deviceName, webhookUrl } = req.input.body;
    const request = { phoneNumber, deviceName: deviceName ?? phoneNumber, webhookUrl: webhookUrl ?? null };
    const { phone, replayed } = await phones.create(req.caller, request, idempotencyKey(req));
    if (replayed) res.setHeader('Idempotent-Replayed', 'true');
    res.status(201).location(`/api/phones/${phone.id}`).json(phone);
  },

  async list(req: Req<ListPhonesInput>, res: Response) {
    const { cursor: _cursor, ...filter } = req.input.query;
    const after = readCursor(req.input.query) ?? 0;
    sendPage(res, await phones.list(req.caller.userId, { ...filter, after }));
  },

  async find(req: Req<PhoneInput>, res: Response) {
    res.json(await phones.find(req.caller.userId, req.input.params.id));
  },
});
