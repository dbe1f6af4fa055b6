import Joi from 'joi';
import type {
  historyController,
  ListMessagesInput,
  MessageInput,
} from '../controllers/history.controller.js';
import { endpoint, type Endpoint } from '../utils/endpoint.js';
import { id, listOf, message, messageDetail, page, recipient } from './shapes.js';

export const historyRoutes = (history: ReturnType<typeof historyController>): Endpoint[] => [
  endpoint<ListMessagesInput>({
    method: 'get',
    path: '/api/messages',
    access: 'messages:read',
    tag: 'Messages',
    summary: 'List messages, newest first',
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
        chat: recipient,
      }),
    },
    output: { 200: listOf(message) },
    problems: ['invalid_request', 'unauthenticated', 'forbidden', 'too_many_requests', 'unavailable'],
    handler: history.list,
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
