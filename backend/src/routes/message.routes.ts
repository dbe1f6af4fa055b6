import Joi from 'joi';
import type { messageController, SendInput } from '../controllers/message.controller.js';
import { endpoint, type Endpoint } from '../utils/endpoint.js';
import { id, idempotencyHeaders, message, recipient } from './shapes.js';

/** WhatsApp takes 65 536 characters; one more is refused here, by name, rather than by the node. */
const TEXT_LIMIT = 65_536;

export const messageRoutes = (messages: ReturnType<typeof messageController>): Endpoint[] => [
  endpoint<SendInput>({
    method: 'post',
    path: '/api/messages/send',
    access: 'messages:write',
    limit: 'send',
    tag: 'Messages',
    summary: 'Queue a message for sending',
    description:
      'When this answers 202 the message is stored, and goes out once, in order within its chat. It waits for the phone ' +
      'if that is not connected, until `expiresAt`. With an `Idempotency-Key`, a repeated request is the same message.',
    input: {
      headers: idempotencyHeaders,
      body: Joi.object({
        phoneId: id.required().example(1),
        to: recipient.required(),
        type: Joi.string().valid('text').default('text'),
        message: Joi.string().min(1).max(TEXT_LIMIT).required().example('Hello World!'),
      }),
    },
    output: { 202: message },
    problems: [
      'invalid_request',
      'unauthenticated',
      'forbidden',
      'not_found',
      'phone_logged_out',
      'idempotency_mismatch',
      'too_many_requests',
      'unavailable',
    ],
    handler: messages.send,
  }),
];
