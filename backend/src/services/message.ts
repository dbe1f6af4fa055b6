import { createHash } from 'node:crypto';
import type { Wake } from '../clients/wake.js';
import type { Tenancy } from '../models/index.js';
import type { Acceptance, Draft, Message, TimelineEntry } from '../models/message.js';
import { batcher } from '../utils/batch.js';
import { Problem } from '../utils/problem.js';
import { phoneReasons, remedyOf } from './reason.js';

/** A message as its user sees it. `messageId` elsewhere in JSON is this `id`; WhatsApp's own is `whatsappId`. */
export interface MessageView {
  id: number;
  phoneId: number;
  direction: 'in' | 'out';
  source: string;
  chat: string;
  from: string;
  to: string;
  type: string;
  message: string | null;
  status: string;
  reason: string | null;
  remedy: string | null;
  whatsappId: string | null;
  createdAt: string;
  updatedAt: string;
  expiresAt: string | null;
}
export interface MessageDetail extends MessageView {
  attempts: number;
  timeline: { status: string; reason: string | null; at: string }[];
}

export interface SendRequest {
  phoneId: number;
  to: string;
  type: string;
  message: string;
}

export interface Asking {
  requestId: string;
  idempotencyKey: string | null;
}

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

export type Messages = ReturnType<typeof createMessages>;

const view = (message: Message): MessageView => ({
  id: message.id,
  phoneId: message.phoneId,
  direction: message.direction,
  source: message.source,
  chat: message.chat,
  from: message.from,
  to: message.to,
  type: message.type,
  message: message.content,
  status: message.status,
  reason: message.reason,
  remedy: remedyOf(message.reason),
  whatsappId: message.whatsappId,
  createdAt: message.createdAt.toISOString(),
  updatedAt: message.updatedAt.toISOString(),
  expiresAt: message.expiresAt?.toISOString() ?? null,
});

/** The first answer, which a replay repeats whatever became of the message since. */
const acceptedView = (accepted: Acceptance): MessageView => ({
  id: accepted.id,
  phoneId: accepted.phoneId,
  direction: 'out',
  source: 'api',
  chat: accepted.chat,
  from: accepted.from,
  to: accepted.to,
  type: accepted.type,
  message: accepted.content,
  status: 'queued',
  reason: null,
  remedy: null,
  whatsappId: null,
  createdAt: accepted.createdAt.toISOString(),
  updatedAt: accepted.createdAt.toISOString(),
  expiresAt: accepted.expiresAt?.toISOString() ?? null,
});

const REFUSALS: Record<string, string> = {
  logged_out: phoneReasons.logged_out_on_phone,
  banned: phoneReasons.refused_by_whatsapp,
  mismatch: phoneReasons.other_number,
};

/** Two requests are the same when they ask for the same, in whatever order their fields came. */
const requestHash = (request: SendRequest): string =>
  createHash('sha256')
    .update(
      JSON.stringify(['POST /api/messages/send', request.phoneId, request.to, request.type, request.message]),
    )
    .digest('hex');

export function createMessages(deps: {
  tenancy: Pick<Tenancy, 'inTenant' | 'shared'>;
  wake: Pick<Wake, 'hint'>;
  /** Seconds. */
  settings: { messageTtl: number; idempotencyTtl: number };
}) {
  const { tenancy, wake, settings } = deps;
  /**
   * A group that failed for the database's sake may have been committed: it is answered 503 and not tried again by us,
   * as a second try could be a second message. Any other failure is a bad draft, found by trying each alone.
   */
  const isolate = (error: unknown) => !(error instanceof Problem && error.code === 'unavailable');
  const group = batcher<Draft, Acceptance>({ flush: acceptGroup, maxBatch: 64, maxQueue: 2000, isolate });

  /** A statement names each key once: the second of a pair in one group goes into a later statement, and waits. */
  async function acceptGroup(drafts: Draft[]): Promise<Acceptance[]> {
    const seen = new Set<string>();
    const later: number[] = [];
    const first: number[] = [];
    drafts.forEach((draft, i) => {
      const name = `${draft.userId} ${draft.key}`;
      (draft.key !== null && seen.has(name) ? later : first).push(i);
      seen.add(name);
    });
    const answers: Acceptance[] = [];
    const accepted = await tenancy.shared.accept(first.map((i) => drafts[i]!));
    first.forEach((i, n) => (answers[i] = accepted[n]!));
    if (later.length > 0) {
      const rest = await acceptGroup(later.map((i) => drafts[i]!));
      later.forEach((i, n) => (answers[i] = rest[n]!));
    }
    return answers;
  }

  return {
    /**
     * Takes a message for sending; when this resolves it is committed. `replayed`: the key was used before with the
     * same request, and this is that answer. Problems: not_found, phone_logged_out, idempotency_mismatch, unavailable.
     */
    async accept(
      userId: number,
      request: SendRequest,
      asking: Asking,
    ): Promise<{ message: MessageView; replayed: boolean }> {
      const accepted = await group.add({
        userId,
        phoneId: request.phoneId,
        chat: request.to,
        type: request.type,
        content: request.message,
        payload: null,
        priority: 1,
        ttl: settings.messageTtl,
        requestId: asking.requestId,
        key: asking.idempotencyKey,
        hash: asking.idempotencyKey === null ? null : requestHash(request),
        keyTtl: settings.idempotencyTtl,
      });
      switch (accepted.outcome) {
        case 'phone_missing':
          throw new Problem('not_found', `There is no phone ${request.phoneId}`);
        case 'phone_refuses':
          throw new Problem(
            'phone_logged_out',
            REFUSALS[accepted.phoneStatus ?? ''] ?? 'The phone cannot send',
          );
        case 'key_mismatch':
          throw new Problem('idempotency_mismatch', 'This Idempotency-Key was used with another request');
        case 'replayed':
          return { message: acceptedView(accepted), replayed: true };
        case 'accepted':
          break;
      }
      wake.hint('lane');
      return { message: acceptedView(accepted), replayed: false };
    },

    /** Newest first. One more than the limit is read, to know whether more follow. */
    async list(userId: number, request: ListRequest): Promise<{ data: MessageView[]; hasMore: boolean }> {
      const rows = await tenancy.inTenant(userId, (models) =>
        models.messages.list({ ...request, limit: request.limit + 1 }),
      );
      return { data: rows.slice(0, request.limit).map(view), hasMore: rows.length > request.limit };
    },

    async find(userId: number, id: number): Promise<MessageDetail> {
      return tenancy.inTenant(userId, async ({ messages }) => {
        const message = await messages.find(id);
        if (!message) throw new Problem('not_found', `There is no message ${id}`);
        const entries = await messages.timeline(id);
        return { ...view(message), attempts: message.attempts, timeline: timelineOf(message, entries) };
      });
    },

    /** Resolves when every accepted request is committed. */
    drain: () => group.drain(),
  };
}

/** The order in which a message can reach its statuses; facts are learned in any order. */
const COURSE = [
  'received',
  'queued',
  'unknown',
  'cancelled',
  'expired',
  'sent',
  'failed',
  'delivered',
  'read',
  'played',
];

/** Each status a message reached, in the course of a message: it reached each no later than those after it. */
const timelineOf = (message: Message, entries: TimelineEntry[]) => {
  const first = {
    status: message.direction === 'in' ? 'received' : 'queued',
    reason: null,
    at: message.createdAt,
  };
  const all = message.source === 'api' || entries.length === 0 ? [first, ...entries] : entries;
  const ordered = all.sort((a, b) => COURSE.indexOf(a.status) - COURSE.indexOf(b.status));
  return ordered.map(({ status, reason }, i) => {
    const at = new Date(Math.min(...ordered.slice(i).map((entry) => entry.at.getTime())));
    return { status, reason, at: at.toISOString() };
  });
};
