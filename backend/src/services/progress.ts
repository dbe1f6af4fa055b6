import type { Models } from '../models/index.js';
import type { NewEvent } from '../models/event.js';
import type { Message, MessageStatus } from '../models/message.js';
import type { Ack, TimelineEntry } from '../models/progress.js';
import { statusEvent } from './event-data.js';
import { statusAfter, UNDECIDED, type StatusFact } from './status.js';

/** What became of a message whose row is locked: nothing of it is written before `record`. */
export interface Progress {
  /** As it is now. */
  message: Message;
  isChanged: boolean;
  entries: TimelineEntry[];
  events: NewEvent[];
}

export const begin = (message: Message): Progress => ({ message, isChanged: false, entries: [], events: [] });

/** Of a send in doubt something may have gone out, until it is decided. */
const DOUBTFUL: readonly MessageStatus[] = ['queued', 'sending', 'unknown'];

/** Gives a message a status that the caller has decided on, and tells of it. */
export function moveTo(
  progress: Progress,
  to: { status: MessageStatus; reason: string | null; at: Date; whatsappId?: string },
): Progress {
  const { message } = progress;
  const { status, reason, at } = to;
  const moved: Message = {
    ...message,
    status,
    reason,
    whatsappId: message.whatsappId ?? to.whatsappId ?? null,
    leaseId: status === 'sending' ? message.leaseId : null,
    isDoubted: message.isDoubted && DOUBTFUL.includes(status),
  };
  const event = statusEvent(moved, at);
  return {
    message: moved,
    isChanged: true,
    entries: [...progress.entries, { status, reason, at }],
    events: event ? [...progress.events, event] : progress.events,
  };
}

/** What a fact makes of it. Its time is kept also when it changes nothing. */
export function advance(
  progress: Progress,
  fact: { status: StatusFact; at: Date; whatsappId?: string },
): Progress {
  const status = statusAfter(progress.message, fact.status);
  const reason = fact.status === 'error' ? UNDECIDED : null;
  if (status) return moveTo(progress, { ...fact, status, reason });
  const entry = { status: fact.status === 'error' ? 'failed' : fact.status, reason, at: fact.at };
  return { ...progress, entries: [...progress.entries, entry] };
}

/** WhatsApp's own name of it, where it does not follow from chat and id. */
export const named = (progress: Progress, key: Record<string, unknown> | null): Progress =>
  key === progress.message.key
    ? progress
    : { ...progress, isChanged: true, message: { ...progress.message, key } };

/** Nothing of it left: it waits where it was. */
export const putBack = (message: Message): Progress => ({
  ...begin({ ...message, status: 'queued', reason: null, leaseId: null }),
  isChanged: true,
});

/** Applied in this order, the events of a message rise. */
const RISING: readonly StatusFact[] = ['sent', 'delivered', 'read', 'played', 'error'];

/** The node's own answer: the message is sent, and acks that came before it take effect now. */
export function answered(
  progress: Progress,
  answer: { whatsappId: string; key: Record<string, unknown> | null; at: Date; early: readonly Ack[] },
): Progress {
  const { whatsappId, at, early } = answer;
  const acks = RISING.flatMap((status) => early.find((one) => one.status === status) ?? []);
  return acks.reduce(
    (now, ack) => advance(now, { status: ack.status as StatusFact, at: ack.at }),
    // A second try has another name than the first.
    advance(named(progress, answer.key), { status: 'sent', whatsappId, at }),
  );
}

/** Writes what became of messages, and tells it, in a transaction that holds the counters of their users. */
export async function record(models: Models, progresses: readonly Progress[]): Promise<void> {
  await write(models, progresses);
  await models.events.appendAll(
    progresses.flatMap(({ message, events }) =>
      events.map((event) => ({ ...event, userId: message.userId })),
    ),
  );
}

/** As `record`, without the telling. */
export async function write(
  models: Pick<Models, 'progress'>,
  progresses: readonly Progress[],
): Promise<void> {
  await models.progress.save(progresses.flatMap((one) => (one.isChanged ? one.message : [])));
  await models.progress.note(
    progresses.flatMap(({ message, entries }) =>
      entries.map((entry) => ({ ...entry, userId: message.userId, messageId: message.id })),
    ),
  );
}

/** It has not been handed to a node, or is to be handed over again. */
export const isWaiting = ({ status }: Pick<Message, 'status'>): boolean =>
  status === 'scheduled' || status === 'queued';

/**
 * Ends a message that waits. One of which an earlier try may have gone out is in doubt again instead: evidence may still
 * come, and nothing overtakes `cancelled` and `expired`.
 */
export const endWaiting = (
  message: Message,
  to: { status: 'cancelled' | 'expired' | 'failed'; reason: string | null },
): Progress =>
  moveTo(begin(message), {
    ...(message.isDoubted ? { status: 'unknown' as const, reason: 'answer_lost' } : to),
    at: new Date(),
  });
