import type { Response } from 'express';
import type { Events } from '../services/event.js';
import type { Req } from '../utils/endpoint.js';

export interface ListEventsInput {
  query: { after: number; limit: number };
}

export const eventController = ({ events }: { events: Events }) => ({
  async list(req: Req<ListEventsInput>, res: Response) {
    const { after, limit } = req.input.query;
    res.json(await events.listAfter(req.caller.userId, after, limit));
  },
});
