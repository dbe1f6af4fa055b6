import type { Fact } from '../clients/evolution.fact.js';
import type { Models } from '../models/index.js';
import type { Change, ParkedChange } from '../models/change.js';
import type { NewEvent } from '../models/event.js';
import type { Message } from '../models/message.js';
import type { Phone } from '../models/phone.js';
import { deletedEvent, editedEvent } from './event-data.js';

type ChangeFact = Extract<Fact, { kind: 'edited' | 'deleted' }>;

/**
 * Gives an edit or a deletion its effect on a locked message, once: however often it is told, and by whom. Returns the
 * events to append: the last of a message's is its deletion, whenever its edits come.
 */
export async function applyChange(models: Models, message: Message, change: Change): Promise<NewEvent[]> {
  const { at, content } = change;
  if (change.kind === 'deleted') {
    await models.changes.remove(message.id, at);
    return message.deletedAt ? [] : [deletedEvent(message, at)];
  }
  const isNew = await models.changes.edit(message.id, { content, at });
  return isNew && !message.deletedAt ? [editedEvent(message, { content, at })] : [];
}

/** What a node says became of a message. Of one that is not here (yet) it is kept. */
export async function changeFact(models: Models, phone: Phone, fact: ChangeFact): Promise<NewEvent[]> {
  const [found] = await models.messages.listByWhatsappId([
    { phoneId: phone.id, whatsappId: fact.whatsappId },
  ]);
  const { kind, at, whatsappId, chat, fromMe } = fact;
  const change: Change = { kind, content: fact.kind === 'edited' ? fact.content : null, at };
  if (found) return applyChange(models, found, change);
  await models.changes.park({ ...change, whatsappId, chat, fromMe, userId: phone.userId, phoneId: phone.id });
  return [];
}

/** A change whose message has not come, as it is told by itself. */
export function strangerEvent(change: ParkedChange & { phoneId: number }, phoneNumber: string): NewEvent {
  const { phoneId, whatsappId, chat, fromMe } = change;
  const direction = fromMe ? ('out' as const) : ('in' as const);
  const stranger = { id: null, phoneId, whatsappId, chat, direction, from: fromMe ? phoneNumber : chat };
  return change.kind === 'edited' ? editedEvent(stranger, change) : deletedEvent(stranger, change.at);
}

/** Messages as they are after the changes that came before them, each with the event of the last of its own. */
export async function withParked(
  models: Models,
  messages: readonly Message[],
): Promise<{ message: Message; events: NewEvent[] }[]> {
  const parked = await models.changes.takeParked(messages);
  const all = [];
  for (const message of messages) {
    const own = parked.filter(
      ({ phoneId, whatsappId }) => phoneId === message.phoneId && whatsappId === message.whatsappId,
    );
    all.push(await changed(models, message, own));
  }
  return all;
}

async function changed(
  models: Models,
  message: Message,
  changes: readonly Change[],
): Promise<{ message: Message; events: NewEvent[] }> {
  let now = message;
  for (const { kind, content, at } of changes) {
    if (kind === 'deleted') {
      await models.changes.remove(message.id, at);
      now = { ...now, deletedAt: at };
    } else {
      await models.changes.edit(message.id, { content, at });
      now = { ...now, content, editedAt: at };
    }
  }
  const { deletedAt, editedAt, content } = now;
  if (deletedAt) return { message: now, events: [deletedEvent(now, deletedAt)] };
  return { message: now, events: editedAt ? [editedEvent(now, { content, at: editedAt })] : [] };
}
