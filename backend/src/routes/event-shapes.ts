import Joi from 'joi';
import type { Announcement } from '../utils/openapi.js';
import { bulkFields } from './bulk.routes.js';
import { contentsFields, id, phoneFields, time } from './shapes.js';

/** What each event carries, by its name: the same for webhooks, sockets and GET /api/events. */

const text = Joi.string();
const recovered = Joi.boolean()
  .valid(true)
  .description('Not told when it happened; found by comparing with what the node has stored');
const of = {
  phoneId: id.required(),
  messageId: id.required(),
  whatsappId: text.allow(null).required(),
};
const told = { timestamp: time.required(), recovered };

const said = {
  ...of,
  whatsappId: text.required(),
  direction: text.valid('in', 'out').required(),
  source: text.valid('contact', 'phone').required(),
  from: text.required(),
  to: text.required(),
  chat: text.required(),
  senderName: text.allow(null).required(),
  type: text.required(),
  message: text.allow(null, '').required(),
  ...contentsFields,
  ...told,
};

const reached = (...statuses: string[]) => ({
  ...of,
  to: text.required(),
  status: text.valid(...statuses).required(),
  reason: text,
  remedy: text.allow(null).description('What to do about it'),
  detail: text.description('What is known of the reason beyond its name'),
  ...told,
});

const changed = {
  ...of,
  messageId: id.allow(null).required().description('null: the message is not here'),
  whatsappId: text.allow(null).required(),
  direction: text.valid('in', 'out').required(),
  chat: text.allow(null).required(),
  from: text.allow(null).required(),
  ...told,
};

const { id: bulkId, ...bulk } = bulkFields;
const { phoneNumber, status, reason, remedy, isConnected } = phoneFields;
const byMember = { group: text.required(), action: text.required() };

interface Shape {
  summary: string;
  /** A credential is no business of webhooks. */
  isForSocketsOnly?: true;
  data: Joi.PartialSchemaMap;
}

const SHAPES: Record<string, Shape> = {
  'event.erased': {
    summary: 'What was told here was erased with all that was known of a contact; its id and its place stay',
    data: { phoneId: id.allow(null).required() },
  },
  message: { summary: 'Something was said to a phone, or typed on it by its owner', data: said },
  'message.sent': { summary: 'WhatsApp took a message of yours', data: reached('sent') },
  'message.ack': {
    summary: 'A message of yours was delivered, read or played',
    data: reached('delivered', 'read', 'played'),
  },
  'message.failed': { summary: 'A message of yours was not sent, and will not be', data: reached('failed') },
  'message.unknown': {
    summary: 'Nobody knows whether a message of yours was sent; later evidence still moves it on',
    data: reached('unknown'),
  },
  'message.expired': { summary: 'A message of yours waited too long', data: reached('expired') },
  'message.cancelled': { summary: 'A message of yours was taken back', data: reached('cancelled') },
  'message.overdue': {
    summary: 'No ack came for a message of yours; this informs, and changes nothing',
    data: reached('sent'),
  },
  'message.edited': {
    summary: 'A message has other words now',
    data: { ...changed, message: text.allow(null, '').required() },
  },
  'message.deleted': { summary: 'A message was deleted for everyone', data: changed },
  'message.reaction': {
    summary: 'Somebody reacted to a message, or took that back',
    data: {
      ...of,
      messageId: id.allow(null).required(),
      whatsappId: text.required().description('Of the message that is reacted to'),
      chat: text.required(),
      from: text.required(),
      reaction: text.allow('').required(),
      removed: Joi.boolean().required(),
      ...told,
    },
  },
  'group.participants': {
    summary: 'People came to a group, left it, or have another part in it',
    data: {
      phoneId: id.required(),
      ...byMember,
      author: text.allow(null).required(),
      participants: Joi.array().items(text).required(),
      ...told,
    },
  },
  'bulk.progress': {
    summary: 'How far a bulk has come',
    data: { phoneId: id.allow(null).required(), bulkId, ...bulk, timestamp: time.required() },
  },
  'phone.status': {
    summary: 'The status of a phone changed',
    data: {
      phoneId: id.required(),
      phoneNumber,
      status,
      reason,
      remedy,
      isConnected,
      timestamp: time.required(),
    },
  },
  'phone.deaf': {
    summary: 'A phone said it was connected and heard nothing; its connection is being opened anew',
    data: { phoneId: id.required(), phoneNumber, timestamp: time.required() },
  },
  'phone.moved': {
    summary: 'A phone lives on another node, with its pairing',
    data: { phoneId: id.required(), phoneNumber, timestamp: time.required() },
  },
  'webhook.disabled': {
    summary: 'A webhook was switched off, as nothing could be delivered to it; what it is owed is held',
    data: {
      phoneId: id.allow(null).required(),
      webhookId: id.required(),
      url: text.required(),
      reason: text.required(),
      remedy: text.allow(null).required(),
      timestamp: time.required(),
    },
  },
  'phone.qr': {
    summary: 'There is a QR code to scan, at `GET /api/phones/:id/qr`',
    isForSocketsOnly: true,
    data: { phoneId: id.required(), expiresAt: time.required() },
  },
};

const nameOf = (type: string): string =>
  `${type.replace(/(?:^|\.)([a-z])/g, (_all, letter: string) => letter.toUpperCase())}Event`;

const envelope = (type: string, { data }: Shape): Joi.ObjectSchema =>
  Joi.object({
    id: text.pattern(/^evt_/).required().description('The same on every try and for every reader'),
    sequence: Joi.number().integer().min(1).required().description("Your account's; without a gap"),
    event: text.valid(type).required(),
    createdAt: time.required(),
    data: Joi.object(data).required(),
  }).id(nameOf(type));

/** The whole shape of each event. */
export const eventShapes: Record<string, Joi.ObjectSchema> = Object.fromEntries(
  Object.entries(SHAPES).map(([type, shape]) => [type, envelope(type, shape)]),
);

/** Any of them. */
export const anyEvent = Joi.alternatives().try(...Object.values(eventShapes));

/** What webhooks receive. */
export const announcements: Announcement[] = Object.entries(SHAPES)
  .filter(([, shape]) => !shape.isForSocketsOnly)
  .map(([name, { summary }]) => ({ name, summary, schema: eventShapes[name]! }));
