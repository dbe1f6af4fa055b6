import type { Response } from 'express';
import type { History } from '../services/history.js';
import type { Req } from '../utils/endpoint.js';
import { readPlace, sendPlacedPage, type PageQuery } from './page.js';

export interface ListMessagesInput {
  query: PageQuery & {
    phoneId?: number;
    direction?: 'in' | 'out';
    status?: string;
    type?: string;
    chat?: string;
    since?: Date;
    until?: Date;
    text?: string;
  };
}
export interface MessageInput {
  params: { id: number };
}
export interface ListChatsInput {
  params: { id: number };
  query: PageQuery;
}

export const historyController = ({ history }: { history: History }) => ({
  async list(req: Req<ListMessagesInput>, res: Response) {
    const { cursor: _cursor, ...filter } = req.input.query;
    const after = readPlace(req.input.query);
    sendPlacedPage(res, await history.list(req.caller.userId, { ...filter, after }));
  },

  async listChats(req: Req<ListChatsInput>, res: Response) {
    const { limit, offset } = req.input.query;
    const after = readPlace(req.input.query);
    const request = { phoneId: req.input.params.id, after, limit, offset };
    sendPlacedPage(res, await history.listChats(req.caller.userId, request));
  },

  async find(req: Req<MessageInput>, res: Response) {
    res.json(await history.find(req.caller.userId, req.input.params.id));
  },
});
