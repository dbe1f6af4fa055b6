import type { NewEvent } from '../models/event.js';
import type { Message } from '../models/message.js';
import type { Phone } from '../models/phone.js';
import type { Webhook } from '../models/webhook.js';
import { contentsView, detailOf, type Links } from './message-view.js';
import { remedyOf } from './reason.js';

/** The data of each event, as receivers see it (docs: the catalogue of events). */
const iso = (at: Date) => at.toISOString();

const event = (
  type: string,
  of: { phoneId: number; messageId?: number | null },
  data: Record<string, unknown>,
): NewEvent => ({
  type,
  phoneId: of.phoneId,
  messageId: of.messageId ?? null,
  data: { phoneId: of.phoneId, ...data },
});

/** Something was said to the phone, or on it by its owner. */
export const messageEvent = (
  message: Message,
  { senderName, at }: { senderName: string | null; at: Date },
  links: Links,
): NewEvent =>
  event(
    'message',
    { phoneId: message.phoneId, messageId: message.id },
    {
      messageId: message.id,
      whatsappId: message.whatsappId,
      direction: message.direction,
      source: message.source,
      from: message.from,
      to: message.to,
      chat: message.chat,
      senderName,
      type: message.type,
      message: message.content,
      ...contentsView(message, links),
      timestamp: iso(at),
      ...(message.recovered ? { recovered: true } : {}),
    },
  );

const progress = (type: string, message: Message, at: Date, more: Record<string, unknown> = {}): NewEvent =>
  event(
    type,
    { phoneId: message.phoneId, messageId: message.id },
    {
      messageId: message.id,
      whatsappId: message.whatsappId,
      to: message.to,
      status: message.status,
      timestamp: iso(at),
      ...more,
    },
  );

const TYPES: Partial<Record<Message['status'], string>> = {
  sent: 'message.sent',
  delivered: 'message.ack',
  read: 'message.ack',
  played: 'message.ack',
  failed: 'message.failed',
  unknown: 'message.unknown',
  expired: 'message.expired',
  cancelled: 'message.cancelled',
};

/** The event of a status that was just reached; null for a status nobody is told of. */
export function statusEvent(message: Message, at: Date): NewEvent | null {
  const type = TYPES[message.status];
  if (!type) return null;
  return progress(
    type,
    message,
    at,
    message.reason ? { reason: message.reason, remedy: remedyOf(message.reason), ...detailOf(message) } : {},
  );
}

/** What is known of a message that was changed; `id` is null when it is not here. */
type Changed = Pick<Message, 'phoneId' | 'whatsappId' | 'direction'> & {
  id: number | null;
  chat: string | null;
  from: string | null;
};

const changed = (type: string, message: Changed, more: Record<string, unknown>): NewEvent =>
  event(
    type,
    { phoneId: message.phoneId, messageId: message.id },
    {
      messageId: message.id,
      whatsappId: message.whatsappId,
      direction: message.direction,
      chat: message.chat,
      from: message.from,
      ...more,
    },
  );

/** A message has other words now. */
export const editedEvent = (message: Changed, edit: { content: string | null; at: Date }): NewEvent =>
  changed('message.edited', message, { message: edit.content, timestamp: iso(edit.at) });

/** A message was deleted for everyone. */
export const deletedEvent = (message: Changed, at: Date): NewEvent =>
  changed('message.deleted', message, { timestamp: iso(at) });
/** How far a bulk has come. */
export const bulkEvent = (bulk: { id: number }, phoneId: number | null): NewEvent => {
  const { id, ...rest } = bulk;
  return {
    type: 'bulk.progress',
    phoneId,
    messageId: null,
    data: { phoneId, bulkId: id, ...rest, timestamp: iso(new Date()) },
  };
};

/** No ack came in time. It informs, and changes nothing: the recipient may just be offline. */
export const overdueEvent = (message: Message): NewEvent =>
  progress('message.overdue', message, new Date(), { remedy: remedyOf('no_ack') });

export const reactionEvent = (reaction: {
  phoneId: number;
  messageId: number | null;
  whatsappId: string;
  chat: string;
  from: string;
  emoji: string;
  at: Date;
}): NewEvent =>
  event(
    'message.reaction',
    { phoneId: reaction.phoneId, messageId: reaction.messageId },
    {
      messageId: reaction.messageId,
      whatsappId: reaction.whatsappId,
      chat: reaction.chat,
      from: reaction.from,
      reaction: reaction.emoji,
      removed: reaction.emoji === '',
      timestamp: iso(reaction.at),
    },
  );

export const participantsEvent = (change: {
  phoneId: number;
  group: string;
  action: string;
  author: string | null;
  participants: string[];
  at: Date;
}): NewEvent =>
  event(
    'group.participants',
    { phoneId: change.phoneId },
    {
      group: change.group,
      action: change.action,
      author: change.author,
      participants: change.participants,
      timestamp: iso(change.at),
    },
  );

export const phoneStatusEvent = (phone: Phone): NewEvent =>
  event(
    'phone.status',
    { phoneId: phone.id },
    {
      phoneNumber: phone.phoneNumber,
      status: phone.status,
      isConnected: phone.isConnected,
      reason: phone.statusReason,
      remedy: remedyOf(phone.statusReason),
      timestamp: iso(phone.statusSince),
    },
  );

/** It lives on another node from now on; nobody had to scan anything. */
export const phoneMovedEvent = (phone: Phone): NewEvent =>
  event('phone.moved', { phoneId: phone.id }, { phoneNumber: phone.phoneNumber, timestamp: iso(new Date()) });

/** It says it is connected, hears nothing, and failed a probe: its connection is being opened anew. */
export const phoneDeafEvent = (phone: Phone): NewEvent =>
  event('phone.deaf', { phoneId: phone.id }, { phoneNumber: phone.phoneNumber, timestamp: iso(new Date()) });

/** Without the code: a QR is a credential. Sockets only; the client fetches the code itself. */
export const qrEvent = (phoneId: number, expiresAt: Date): NewEvent =>
  event('phone.qr', { phoneId }, { expiresAt: iso(expiresAt) });

/** Nobody took what a webhook was owed; what comes is held until it is switched on again. */
export const webhookDisabledEvent = (webhook: Webhook): NewEvent => ({
  type: 'webhook.disabled',
  phoneId: webhook.phoneId,
  messageId: null,
  data: {
    phoneId: webhook.phoneId,
    webhookId: webhook.id,
    url: webhook.url,
    reason: webhook.disabledReason,
    remedy: remedyOf(webhook.disabledReason),
    timestamp: iso(webhook.disabledAt ?? new Date()),
  },
});
