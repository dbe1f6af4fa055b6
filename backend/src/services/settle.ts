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
  await models.messages.note(message, { status: fact.status === 'error' ? 'failed' : fact.status, reason, at: fact.at });
  if (!status) return { message, events: [] };
  return moveTo(models, message, { status, reason, at: fact.at, ...(fact.whatsappId ? { whatsappId: fact.whatsappId } : {}) });
}

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

/** Acks that came before their message had its id take effect now. */
export async function applyParked(models: Models, message: Message): Promise<{ message: Message; events: NewEvent[] }> {
  if (!message.whatsappId) return { message, events: [] };
  const parked = await models.messages.takeParkedAcks(message.phoneId, message.whatsappId);
  const order: StatusFact[] = ['sent', 'delivered', 'read', 'played', 'error'];
  parked.sort((a, b) => order.indexOf(a.status as StatusFact) - order.indexOf(b.status as StatusFact));
  let current = message;
  const events: NewEvent[] = [];
  for (const ack of parked) {
    const step = await applyFact(models, current, { status: ack.status as StatusFact, at: ack.at });
    current = step.message;
    events.push(...step.events);
  }
  return { message: current, events };
}
