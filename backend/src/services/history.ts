import type { Tenancy } from '../models/index.js';
import type { MessageFilter } from '../models/history.js';
import type { Place } from '../utils/place.js';
import { Problem } from '../utils/problem.js';
import { soughtWords } from '../utils/words.js';
import { messageView, timelineOf, type Links, type MessageDetail, type MessageView } from './message-view.js';
import type { Notes } from './notes.js';

export type ListRequest = Omit<MessageFilter, 'userId'> & { text?: string | undefined };

export interface ListChatsRequest {
  phoneId: number;
  after?: Place | undefined;
  limit: number;
  offset: number;
}

export interface ChatView {
  phoneId: number;
  chat: string;
  unread: number;
  lastAt: string;
  lastMessage: MessageView;
}

/** `next`: where the page after this one begins; null after the last. */
export interface Page<T> {
  data: T[];
  next: Place | null;
}

export type History = ReturnType<typeof createHistory>;

/** One more than the limit was read, to know whether more follow. */
const nextOf = <T>(rows: readonly T[], limit: number, placeOf: (row: T) => Place): Place | null =>
  rows.length > limit ? placeOf(rows[limit - 1]!) : null;

interface Dependencies {
  tenancy: Pick<Tenancy, 'inTenant' | 'reading'>;
  notes: Notes;
  links: Links;
}

/** What was said on a user's phones, for reading. */
export const createHistory = ({ tenancy, notes, links }: Dependencies) => ({
  /** Messages, newest first. `text`: those with all its words. */
  async list(userId: number, { text, ...request }: ListRequest): Promise<Page<MessageView>> {
    const filter = { ...request, userId, limit: request.limit + 1 };
    if (text !== undefined) await notes.catchUp(userId);
    const rows = await tenancy.reading(userId, ({ history }) =>
      text === undefined ? history.list(filter) : history.search(filter, soughtWords(text)),
    );
    return {
      data: rows.slice(0, request.limit).map((message) => messageView(message, links)),
      next: nextOf(rows, request.limit, ({ place, id }) => ({ at: place, id })),
    };
  },

  /** The chats of a phone, the latest first. Problems: not_found. */
  async listChats(userId: number, request: ListChatsRequest): Promise<Page<ChatView>> {
    const { phoneId, limit } = request;
    await notes.catchUp(userId);
    return tenancy.reading(userId, async ({ phones, chats, history }) => {
      if (!(await phones.find(phoneId))) throw new Problem('not_found', `There is no phone ${phoneId}`);
      const rows = await chats.list({ ...request, userId, limit: limit + 1 });
      const page = rows.slice(0, limit);
      const last = await history.findMany(page.map((row) => row.lastMessageId));
      const views = new Map(last.map((message) => [message.id, messageView(message, links)]));
      return {
        data: page.flatMap(({ chat, unread, lastAt, lastMessageId }) => {
          const lastMessage = views.get(lastMessageId);
          return lastMessage ? [{ phoneId, chat, unread, lastAt: lastAt.toISOString(), lastMessage }] : [];
        }),
        next: nextOf(rows, limit, ({ place, lastMessageId }) => ({ at: place, id: lastMessageId })),
      };
    });
  },

  /** A message with every time of every status. Problems: not_found. */
  async find(userId: number, id: number): Promise<MessageDetail> {
    return tenancy.inTenant(userId, async ({ messages, history }) => {
      const message = await messages.find(id);
      if (!message) throw new Problem('not_found', `There is no message ${id}`);
      const entries = await history.timeline(id);
      return {
        ...messageView(message, links),
        attempts: message.attempts,
        timeline: timelineOf(message, entries),
      };
    });
  },
});
