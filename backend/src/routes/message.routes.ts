import type { messageController, SendInput } from '../controllers/message.controller.js';
import { endpoint, type Endpoint } from '../utils/endpoint.js';
import { draftBody } from './drafts.js';
import { BODY_LIMIT } from './media.fields.js';
import { id, idempotencyHeaders, message, sendOptions } from './shapes.js';

export const messageRoutes = (messages: ReturnType<typeof messageController>): Endpoint[] => [
  endpoint<SendInput>({
    method: 'post',
    path: '/api/messages/send',
    access: 'messages:write',
    limit: 'send',
    bodyLimit: BODY_LIMIT,
    upload: true,
    tag: 'Messages',
    summary: 'Queue a message for sending',
    description:
      'When this answers 202 the message is stored, and goes out once, in order within its chat. It waits for the phone ' +
      'if that is not connected, until `expiresAt`. With an `Idempotency-Key`, a repeated request is the same message. ' +
      'A message with a file names a media (`mediaId`), links to it (`mediaUrl`; it goes out once that is fetched), has it ' +
      'as base64 (`media`), or comes as a multipart form with the field `file`, other fields as text, nested ones as JSON.',
    input: {
      headers: idempotencyHeaders,
      body: draftBody(
        { phoneId: id.required().example(1), ...sendOptions },
        { phoneId: 1, to: '+628987654321', message: 'Hello World!', type: 'text' },
      ),
    },
    output: { 202: message },
    problems: [
      'invalid_request',
      'unauthenticated',
      'forbidden',
      'not_found',
      'phone_logged_out',
      'invalid_url',
      'quota_exceeded',
      'unprocessable',
      'idempotency_mismatch',
      'too_many_requests',
      'unavailable',
    ],
    handler: messages.send,
  }),
];
