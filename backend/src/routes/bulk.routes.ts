import Joi from 'joi';
import type { bulkController, BulkInput, SendBulkInput } from '../controllers/bulk.controller.js';
import type { SendRequest } from '../services/message.js';
import { endpoint, type Endpoint } from '../utils/endpoint.js';
import type { ProblemCode } from '../utils/problem.js';
import { draftBody } from './drafts.js';
import { id, idempotencyHeaders, sendOptions, time } from './shapes.js';

const MOST = 1000;

/** One draft of a bulk, as every send is checked. */
export const bulkDraft = draftBody<SendRequest>(
  { phoneId: id.required(), ...sendOptions },
  { phoneId: 1, to: '+628987654321', message: 'Hello World!', type: 'text' },
);

export const bulkFields = {
  id: id.required(),
  name: Joi.string().allow(null).required(),
  total: Joi.number().integer().required(),
  accepted: Joi.number().integer().required(),
  refused: Joi.number().integer().required(),
  progress: Joi.object()
    .pattern(Joi.string(), Joi.number().integer())
    .required()
    .description('How many messages are in each status'),
  cancelledAt: time.allow(null).required(),
  finishedAt: time.allow(null).required().description('When nothing of it waited any more'),
  createdAt: time.required(),
};
const bulk = Joi.object(bulkFields).id('Bulk');
const acceptedBulk = Joi.object({
  ...bulkFields,
  results: Joi.array()
    .items(
      Joi.object({
        index: Joi.number().integer().required(),
        to: Joi.string().allow(null, '').required(),
        messageId: id.allow(null).required(),
        status: Joi.string().allow(null).required(),
        errors: Joi.array()
          .items(
            Joi.object({
              pointer: Joi.string().allow('').required(),
              code: Joi.string().required(),
              params: Joi.object().unknown(),
              detail: Joi.string().required(),
            }),
          )
          .required(),
      }),
    )
    .required()
    .description('Of each draft, in the order of the call'),
}).id('AcceptedBulk');

const problems: ProblemCode[] = [
  'invalid_request',
  'unauthenticated',
  'forbidden',
  'not_found',
  'too_many_requests',
  'unavailable',
];
const params = Joi.object({ id: id.required() });

export const bulkRoutes = (bulks: ReturnType<typeof bulkController>): Endpoint[] => [
  endpoint<SendBulkInput>({
    method: 'post',
    path: '/api/messages/bulk',
    access: 'messages:write',
    limit: 'send',
    tag: 'Messages',
    summary: 'Queue up to 1000 messages for sending',
    description:
      'Each element of `messages` is a send of its own, with the fields of `POST /api/messages/send`; what is in ' +
      '`defaults` need not be repeated. `{{name}}` in any text is replaced by that of `variables`. Each is accepted or ' +
      'refused by itself, as `results` says; one Idempotency-Key is for all. The priority is `bulk` unless given.',
    input: {
      headers: idempotencyHeaders,
      body: Joi.object({
        name: Joi.string().max(200),
        defaults: Joi.object().unknown().description('Fields of a send that all drafts have'),
        messages: Joi.array()
          .items(
            Joi.object({
              variables: Joi.object().pattern(
                Joi.string().max(64),
                Joi.alternatives(Joi.string().max(4096).allow(''), Joi.number()),
              ),
            }).unknown(),
          )
          .min(1)
          .max(MOST)
          .required()
          .example([
            { phoneId: 1, to: '+628987654321', message: 'Hi {{name}}!', variables: { name: 'Ann' } },
          ]),
      }),
    },
    output: { 202: acceptedBulk },
    problems: ['quota_exceeded', ...problems.filter((code) => code !== 'not_found'), 'idempotency_mismatch'],
    handler: bulks.send,
  }),
  endpoint<BulkInput>({
    method: 'get',
    path: '/api/messages/bulk/:id',
    access: 'messages:read',
    tag: 'Messages',
    summary: 'Find a bulk, with its progress',
    input: { params },
    output: { 200: bulk },
    problems,
    handler: bulks.find,
  }),
  endpoint<BulkInput>({
    method: 'post',
    path: '/api/messages/bulk/:id/cancel',
    access: 'messages:write',
    tag: 'Messages',
    summary: 'Take back what still waits of a bulk',
    input: { params },
    output: { 200: bulk },
    problems,
    handler: bulks.cancel,
  }),
];
