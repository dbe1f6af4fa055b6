import Joi from 'joi';
import type {
  ActionInput,
  EditInput,
  messageActionController,
  PresenceInput,
} from '../controllers/message-action.controller.js';
import { endpoint, type Endpoint } from '../utils/endpoint.js';
import type { ProblemCode } from '../utils/problem.js';
import { TEXT_LIMIT } from './drafts.js';
import { id, message, readMark, recipient } from './shapes.js';

const params = Joi.object({ id: id.required() });
const problems: ProblemCode[] = [
  'invalid_request',
  'unauthenticated',
  'forbidden',
  'not_found',
  'phone_offline',
  'too_many_requests',
  'unavailable',
];

export const messageActionRoutes = (actions: ReturnType<typeof messageActionController>): Endpoint[] => [
  endpoint<EditInput>({
    method: 'patch',
    path: '/api/messages/:id',
    access: 'messages:write',
    limit: 'send',
    tag: 'Messages',
    summary: 'Edit a text that was sent',
    description:
      'Within 15 minutes after it was sent, as WhatsApp has it. Done at once, so the phone must be connected.',
    input: {
      params,
      body: Joi.object({
        message: Joi.string().min(1).max(TEXT_LIMIT).required().example('Hello again!'),
      }),
    },
    output: { 200: message },
    problems: [...problems, 'conflict', 'unprocessable'],
    handler: actions.edit,
  }),
  endpoint<ActionInput>({
    method: 'delete',
    path: '/api/messages/:id',
    access: 'messages:write',
    limit: 'send',
    tag: 'Messages',
    summary: 'Delete a sent message for everyone',
    description: 'It stays in the list, with `deletedAt`. One that is not sent yet is cancelled instead.',
    input: { params },
    output: { 200: message },
    problems: [...problems, 'conflict', 'unprocessable'],
    handler: actions.remove,
  }),
  endpoint<ActionInput>({
    method: 'post',
    path: '/api/messages/:id/read',
    access: 'messages:write',
    tag: 'Messages',
    summary: 'Mark a received message as read',
    description: 'And what came before it in its chat, at most 200 messages a call; their senders are told.',
    input: { params },
    output: { 200: readMark },
    problems: [...problems, 'unprocessable'],
    handler: actions.read,
  }),
  endpoint<PresenceInput>({
    method: 'post',
    path: '/api/phones/:id/presence',
    access: 'messages:write',
    tag: 'Phones',
    summary: 'Show typing or recording in a chat',
    description:
      'Answers when the time is over. For a message that is queued, give it a `presence` of its own.',
    input: {
      params,
      body: Joi.object({
        to: recipient.required(),
        state: Joi.string().valid('typing', 'recording', 'paused').required().example('typing'),
        durationMs: Joi.number().integer().min(0).max(10_000).default(1000),
      }),
    },
    output: { 204: null },
    problems,
    handler: actions.presence,
  }),
];
