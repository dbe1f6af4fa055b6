import type { Response } from 'express';
import type { Outbox } from '../services/outbox.js';
import type { Req } from '../utils/endpoint.js';
import type { MessageInput } from './history.controller.js';

export const outboxController = ({ outbox }: { outbox: Outbox }) => ({
  async cancel(req: Req<MessageInput>, res: Response) {
    res.json(await outbox.cancel(req.caller.userId, req.input.params.id));
  },

  async resend(req: Req<MessageInput>, res: Response) {
    res.status(202).json(await outbox.resend(req.caller.userId, req.input.params.id));
  },
});
