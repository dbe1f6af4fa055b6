import type { Models } from '../models/index.js';
import type { Message, MessageStatus } from '../models/message.js';
import type { NewEvent } from '../models/event.js';
import { statusEvent } from './event-data.js';
import { statusAfter, UNDECIDED, type StatusFact } from './status.js';

/**
 * Applies a fact to a message whose row is locked, in a transaction that holds the user's counter: status, timeline,
 * id. Returns the message as it is now and the events to append (none when the fact changed nothing).
 */
export async function applyFact(
  models: Models,
  message: Message,
  fact: { status: StatusFact; at: Date; whatsappId?: string },
): Promise<{ message: Message; events: NewEvent[] }> {
  const status = statusAfter(message, fact.status);
  const reason = fact.status === 'error' ? UNDECIDED : null;
  await models.messages.note(message, {
    status: fact.status === 'error' ? 'failed' : fact.status,
    reason,
    at: fact.at,
  });
  if (!status) return { message, events: [] };
  return moveTo(models, message, {
    status,
    reason,
    at: fact.at,
    ...(fact.whatsappId ? { whatsappId: fact.whatsappId } : {}),
  });
}

/** It has not been handed to a node, or is to be handed over again. */
export const isWaiting = ({ status }: Pick<Message, 'status'>): boolean =>
  status === 'scheduled' || status === 'queued';

/** Gives a locked message a status that the caller has decided on, and says so. */
export async function moveTo(
  models: Models,
  message: Message,
  to: { status: MessageStatus; reason: string | null; at: Date; whatsappId?: string },
): Promise<{ message: Message; events: NewEvent[] }> {
  const moved = (await models.messages.setStatus(message.id, to))!;
  await models.messages.note(moved, { status: to.status, reason: to.reason, at: to.at });
  const event = statusEvent(moved, to.at);
  return { message: moved, events: event ? [event] : [] };
}

/** The node's own answer: the message is sent, and acks that came before it take effect now. */
export async function applyAnswer(
  models: Models,
  message: Message,
  answer: { whatsappId: string; key: Record<string, unknown> | null; at: Date },
): Promise<NewEvent[]> {
  // A second try has another name than the first.
  if (answer.key || message.key) await models.changes.setKey(message.id, answer.key);
  const parked = await models.messages.takeParkedAcks(message.phoneId, answer.whatsappId);
  const { whatsappId, at } = answer;
  const first = await applyFact(models, message, { status: 'sent', whatsappId, at });
  const events = [...first.events];
  let current = first.message;
  for (const status of RISING) {
    const ack = parked.find((one) => one.status === status);
    if (!ack) continue;
    const step = await applyFact(models, current, { status, at: ack.at });
    current = step.message;
    events.push(...step.events);
  }
  return events;
}

/** Applied in this order, the events of a message rise. */
const RISING: readonly StatusFact[] = ['sent', 'delivered', 'read', 'played', 'error'];
