import type { Tenancy } from '../models/index.js';
import { Problem } from '../utils/problem.js';
import { messageView, timelineOf, type MessageDetail, type MessageView } from './message-view.js';

export interface ListRequest {
  phoneId?: number | undefined;
  direction?: 'in' | 'out' | undefined;
  status?: string | undefined;
  chat?: string | undefined;
  limit: number;
  offset: number;
  /** The id that the page before ended with. */
  before?: number | undefined;
}

export type History = ReturnType<typeof createHistory>;

/** What was said on a user's phones, for reading. */
export const createHistory = ({ tenancy }: { tenancy: Pick<Tenancy, 'inTenant'> }) => ({
  /** Newest first. One more than the limit is read, to know whether more follow. */
  async list(userId: number, request: ListRequest): Promise<{ data: MessageView[]; hasMore: boolean }> {
    const rows = await tenancy.inTenant(userId, (models) =>
      models.history.list({ ...request, limit: request.limit + 1 }),
    );
    return { data: rows.slice(0, request.limit).map(messageView), hasMore: rows.length > request.limit };
  },

  async find(userId: number, id: number): Promise<MessageDetail> {
    return tenancy.inTenant(userId, async ({ messages, history }) => {
      const message = await messages.find(id);
      if (!message) throw new Problem('not_found', `There is no message ${id}`);
      const entries = await history.timeline(id);
      return { ...messageView(message), attempts: message.attempts, timeline: timelineOf(message, entries) };
    });
  },
});
