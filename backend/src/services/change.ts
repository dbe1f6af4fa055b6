import type { Fact } from '../clients/evolution.fact.js';
import type { Models } from '../models/index.js';
import type { Change } from '../models/change.js';
import type { NewEvent } from '../models/event.js';
import type { Message } from '../models/message.js';
import type { Phone } from '../models/phone.js';
import { deletedEvent, editedEvent } from './event-data.js';

type ChangeFact = Extract<Fact, { kind: 'edited' | 'deleted' }>;

/**
 * Gives an edit or a deletion its effect on a locked message, once: however often it is told, and by whom. Returns the
 * events to append.
 */
export async function applyChange(models: Models, message: Message, change: Change): Promise<NewEvent[]> {
  const { at, content } = change;
  if (change.kind === 'deleted') {
    return (await models.changes.remove(message.id, at)) ? [deletedEvent(message, at)] : [];
  }
  return (await models.changes.edit(message.id, { content, at }))
    ? [editedEvent(message, { content, at })]
    : [];
}

/** What a node says became of a message. Of one that is not here (yet) it is kept, and told all the same. */
export async function changeFact(models: Models, phone: Phone, fact: ChangeFact): Promise<NewEvent[]> {
  const found = await models.messages.findByWhatsappId(phone.id, fact.whatsappId);
  const change: Change = {
    kind: fact.kind,
    content: fact.kind === 'edited' ? fact.content : null,
    at: fact.at,
  };
  if (found) return applyChange(models, found, change);
  const { whatsappId, chat, fromMe } = fact;
  await models.changes.park({ ...change, whatsappId, userId: phone.userId, phoneId: phone.id });
  const stranger = {
    id: null,
    phoneId: phone.id,
    whatsappId,
    chat,
    direction: fromMe ? ('out' as const) : ('in' as const),
    from: fromMe ? phone.phoneNumber : chat,
  };
  return [change.kind === 'edited' ? editedEvent(stranger, change) : deletedEvent(stranger, change.at)];
}

/** A message as it is after the changes that came before it; they were told when they came. */
export async function withParked(models: Models, message: Message): Promise<Message> {
  const parked = await models.changes.takeParked(message.phoneId, message.whatsappId!);
  let now = message;
  for (const { kind, content, at } of parked) {
    if (kind === 'deleted') {
      await models.changes.remove(message.id, at);
      now = { ...now, deletedAt: at };
    } else {
      await models.changes.edit(message.id, { content, at });
      now = { ...now, content, editedAt: at };
    }
  }
  return now;
}
