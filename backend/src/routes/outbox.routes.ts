import Joi from 'joi';
import type { MessageInput } from '../controllers/history.controller.js';
import type { outboxController } from '../controllers/outbox.controller.js';
import { endpoint, type Endpoint } from '../utils/endpoint.js';
import { id, message } from './shapes.js';

const input = { params: Joi.object({ id: id.required() }) };

export const outboxRoutes = (outbox: ReturnType<typeof outboxController>): Endpoint[] => [
  endpoint<MessageInput>({
    method: 'post',
    path: '/api/messages/:id/cancel',
    access: 'messages:write',
    tag: 'Messages',
    summary: 'Take back a message that still waits',
    input,
    output: { 200: message },
    problems: [
      'invalid_request',
      'unauthenticated',
      'forbidden',
      'not_found',
      'not_cancellable',
      'too_many_requests',
      'unavailable',
    ],
    handler: outbox.cancel,
  }),
  endpoint<MessageInput>({
    method: 'post',
    path: '/api/messages/:id/resend',
    access: 'messages:write',
    limit: 'send',
    tag: 'Messages',
    summary: 'Try an unknown, failed or expired message again',
    description:
      'A new try under the same message. Of an `unknown` one the first try may have gone out: then there are two.',
    input,
    output: { 202: message },
    problems: [
      'invalid_request',
      'unauthenticated',
      'forbidden',
      'not_found',
      'not_resendable',
      'phone_logged_out',
      'too_many_requests',
      'unavailable',
    ],
    handler: outbox.resend,
  }),
];
