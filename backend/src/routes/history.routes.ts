import Joi from 'joi';
import type {
  historyController,
  ListChatsInput,
  ListMessagesInput,
  MessageInput,
} from '../controllers/history.controller.js';
import { endpoint, type Endpoint } from '../utils/endpoint.js';
import { soughtWords } from '../utils/words.js';
import { chat, id, listOf, message, messageDetail, moment, page, recipient } from './shapes.js';

/** A text without a word would find everything, or nothing. */
const text = Joi.string()
  .max(200)
  .custom((value: string, helpers) => (soughtWords(value).length > 0 ? value : helpers.error('text')))
  .messages({ text: '{{#label}} must have a letter or a digit in it' })
  .description('Messages with all of these words, whatever their case and order')
  .example('invoice 42');

export const historyRoutes = (history: ReturnType<typeof historyController>): Endpoint[] => [
  endpoint<ListMessagesInput>({
    method: 'get',
    path: '/api/messages',
    access: 'messages:read',
    tag: 'Messages',
    summary: 'List messages, newest first',
    description:
      'Newest by `createdAt`. A walk by `cursor` meets each message once, whatever is stored meanwhile. All filters ' +
      'may be combined.',
    input: {
      query: Joi.object({
        ...page,
        phoneId: id,
        direction: Joi.string().valid('in', 'out'),
        status: Joi.string().valid(
          'scheduled',
          'queued',
          'sending',
          'sent',
          'delivered',
          'read',
          'played',
          'failed',
          'cancelled',
          'expired',
          'unknown',
          'received',
        ),
        type: Joi.string().max(40).example('text'),
        chat: recipient.allow('status'),
        since: moment.description('The first moment that is in'),
        until: moment.description('The first moment that is out'),
        text,
      }),
    },
    output: { 200: listOf(message) },
    problems: ['invalid_request', 'unauthenticated', 'forbidden', 'too_many_requests', 'unavailable'],
    handler: history.list,
  }),
  endpoint<ListChatsInput>({
    method: 'get',
    path: '/api/phones/:id/chats',
    access: 'messages:read',
    tag: 'Messages',
    summary: 'List the chats of a phone, the latest first',
    description:
      'Each with its last message, and how many were received since the last that was marked as read, or since the ' +
      'owner last wrote there on the phone itself.',
    input: { params: Joi.object({ id: id.required() }), query: Joi.object(page) },
    output: { 200: listOf(chat) },
    problems: [
      'invalid_request',
      'unauthenticated',
      'forbidden',
      'not_found',
      'too_many_requests',
      'unavailable',
    ],
    handler: history.listChats,
  }),
  endpoint<MessageInput>({
    method: 'get',
    path: '/api/messages/:id',
    access: 'messages:read',
    tag: 'Messages',
    summary: 'Find a message, with every time of every status',
    input: { params: Joi.object({ id: id.required() }) },
    output: { 200: messageDetail },
    problems: [
      'invalid_request',
      'unauthenticated',
      'forbidden',
      'not_found',
      'too_many_requests',
      'unavailable',
    ],
    handler: history.find,
  }),
];
