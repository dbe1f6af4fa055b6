import type { Response } from 'express';
import type { History } from '../services/history.js';
import type { Req } from '../utils/endpoint.js';
import { readCursor, sendPage, type PageQuery } from './page.js';

export interface ListMessagesInput {
  query: PageQuery & { phoneId?: number; direction?: 'in' | 'out'; status?: string; chat?: string };
}
export interface MessageInput {
  params: { id: number };
}

export const historyController = ({ history }: { history: History }) => ({
  async list(req: Req<ListMessagesInput>, res: Response) {
    const { cursor: _cursor, ...filter } = req.input.query;
    sendPage(res, await history.list(req.caller.userId, { ...filter, before: readCursor(req.input.query) }));
  },

  async find(req: Req<MessageInput>, res: Response) {
    res.json(await history.find(req.caller.userId, req.input.params.id));
  },
});
