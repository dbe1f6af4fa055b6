import Joi from 'joi';
import type {
  CreateWebhookInput,
  DeliveryInput,
  ListDeliveriesInput,
  ListWebhooksInput,
  ReplayInput,
  RollSecretInput,
  UpdateWebhookInput,
  webhookController,
  WebhookInput,
} from '../controllers/webhook.controller.js';
import { endpoint, type Endpoint } from '../utils/endpoint.js';
import type { ProblemCode } from '../utils/problem.js';
import { announcements } from './event-shapes.js';
import { id, idempotencyHeaders, instant, listOf, page, time } from './shapes.js';

const params = Joi.object({ id: id.required() });
const deliveryParams = Joi.object({
  id: Joi.string()
    .pattern(/^dlv_[0-9a-z]{1,64}$/)
    .required()
    .example('dlv_0123456789abcdef0123456789abcdef'),
});
const problems: ProblemCode[] = [
  'invalid_request',
  'unauthenticated',
  'forbidden',
  'not_found',
  'too_many_requests',
  'unavailable',
];

/** What a webhook can hear: everything but what is for sockets only. */
export const HEARD = announcements.map(({ name }) => name).sort();
const STATES = ['pending', 'held', 'delivered', 'exhausted', 'expired', 'removed'];

const fields = {
  url: Joi.string().max(2048).example('https://your-domain.com/webhook'),
  events: Joi.array()
    .items(Joi.string().valid(...HEARD))
    .min(1)
    .unique()
    .allow(null)
    .description('null: all')
    .example(['message', 'message.ack']),
  headers: Joi.object()
    .pattern(Joi.string().max(200), Joi.string().max(4096).allow(''))
    .max(20)
    .description('Sent with every post; stored sealed')
    .example({ authorization: 'Bearer of-your-receiver' }),
  isOrdered: Joi.boolean().description('One at a time, in order; what comes waits for what is tried again'),
};

const webhookFields = {
  id: id.required(),
  phoneId: id.allow(null).required().description('null: it hears all your phones'),
  url: Joi.string().required(),
  events: Joi.array().items(Joi.string()).allow(null).required().description('null: all'),
  headers: Joi.object().unknown().required().description('Their values are masked'),
  isEnabled: Joi.boolean().required(),
  isOrdered: Joi.boolean().required(),
  reason: Joi.string().allow(null).required().description('Why it is switched off'),
  remedy: Joi.string().allow(null).required(),
  disabledAt: time.allow(null).required(),
  previousSecretUntil: time.allow(null).required().description('So long the former secret signs as well'),
  createdAt: time.required(),
  updatedAt: time.required(),
};
const webhook = Joi.object(webhookFields).id('Webhook');
const createdWebhook = Joi.object({
  ...webhookFields,
  secret: Joi.string().description('Verifies its signatures (Standard Webhooks); shown this once'),
  secretOmitted: Joi.boolean().description('On a replay: the secret was shown before'),
}).id('CreatedWebhook');

const deliveryFields = {
  id: Joi.string().required(),
  webhookId: id.required(),
  phoneId: id.allow(null).required(),
  eventId: Joi.string().required().description('The `webhook-id` of every try'),
  event: Joi.string().required(),
  sequence: Joi.number().integer().required(),
  state: Joi.string()
    .valid(...STATES)
    .required(),
  attempts: Joi.number().integer().required(),
  nextAt: time.allow(null).required(),
  createdAt: time.required(),
  endedAt: time.allow(null).required(),
};
const delivery = Joi.object(deliveryFields).id('Delivery');

const triedFields = {
  durationMs: Joi.number().integer().required(),
  statusCode: Joi.number().integer().allow(null).required(),
  errorClass: Joi.string().allow(null).required().description('Why it failed; null when it was delivered'),
  detail: Joi.string().allow(null).required(),
  answer: Joi.string().allow(null, '').required().description('What the receiver said, cut'),
};
const deliveryDetail = Joi.object({
  ...deliveryFields,
  body: Joi.object().unknown().required().description('The event, as it is posted'),
  tries: Joi.array()
    .items(Joi.object({ ...triedFields, number: Joi.number().integer().required(), at: time.required() }))
    .required(),
}).id('DeliveryDetail');
const tested = Joi.object({ ...triedFields, ok: Joi.boolean().required() }).id('WebhookTest');

export const webhookRoutes = (webhooks: ReturnType<typeof webhookController>): Endpoint[] => [
  endpoint<CreateWebhookInput>({
    method: 'post',
    path: '/api/webhooks',
    access: 'webhooks:write',
    tag: 'Webhooks',
    summary: 'Add a webhook',
    description: 'Of one phone, or, without `phoneId`, of all. Its secret is shown this once.',
    input: {
      headers: idempotencyHeaders,
      body: Joi.object({ ...fields, url: fields.url.required(), phoneId: id.allow(null).example(1) }),
    },
    output: { 201: createdWebhook },
    problems: [...problems, 'invalid_url', 'unprocessable', 'conflict', 'idempotency_mismatch'],
    handler: webhooks.create,
  }),
  endpoint<ListWebhooksInput>({
    method: 'get',
    path: '/api/webhooks',
    access: 'webhooks:read',
    tag: 'Webhooks',
    summary: 'List webhooks',
    input: { query: Joi.object({ ...page, phoneId: id }) },
    output: { 200: listOf(webhook) },
    problems: problems.filter((code) => code !== 'not_found'),
    handler: webhooks.list,
  }),
  endpoint({
    method: 'get',
    path: '/api/webhooks/catalogue',
    access: 'webhooks:read',
    tag: 'Webhooks',
    summary: 'List the events that a webhook can hear',
    input: {},
    output: { 200: Joi.object({ data: Joi.array().items(Joi.string()).required() }).id('EventCatalogue') },
    problems: ['unauthenticated', 'forbidden', 'too_many_requests', 'unavailable'],
    handler: webhooks.catalogue,
  }),
  endpoint<WebhookInput>({
    method: 'get',
    path: '/api/webhooks/:id',
    access: 'webhooks:read',
    tag: 'Webhooks',
    summary: 'Find a webhook',
    input: { params },
    output: { 200: webhook },
    problems,
    handler: webhooks.find,
  }),
  endpoint<UpdateWebhookInput>({
    method: 'patch',
    path: '/api/webhooks/:id',
    access: 'webhooks:write',
    tag: 'Webhooks',
    summary: 'Change a webhook, or switch it off and on',
    description:
      'What is left out stays as it is. While it is switched off, what it is owed is held; switched on, that goes out in order.',
    input: {
      params,
      body: Joi.object({ ...fields, isEnabled: Joi.boolean() })
        .min(1)
        .example({ isEnabled: false }),
    },
    output: { 200: webhook },
    problems: [...problems, 'invalid_url', 'unprocessable'],
    handler: webhooks.update,
  }),
  endpoint<RollSecretInput>({
    method: 'post',
    path: '/api/webhooks/:id/roll-secret',
    access: 'webhooks:write',
    tag: 'Webhooks',
    summary: 'Give a webhook another secret',
    description: 'For `overlap` seconds each post carries a signature by either secret.',
    input: {
      params,
      body: Joi.object({ overlap: Joi.number().integer().min(0).max(604_800).default(86_400) }),
    },
    output: { 200: createdWebhook },
    problems,
    handler: webhooks.rollSecret,
  }),
  endpoint<WebhookInput>({
    method: 'post',
    path: '/api/webhooks/:id/test',
    access: 'webhooks:write',
    tag: 'Webhooks',
    summary: 'Post a `webhook.test` now, and tell what came of it',
    description: 'It has sequence 0, is in no ledger, and is not tried again.',
    input: { params },
    output: { 200: tested },
    problems,
    handler: webhooks.test,
  }),
  endpoint<ReplayInput>({
    method: 'post',
    path: '/api/webhooks/:id/replay',
    access: 'webhooks:write',
    tag: 'Webhooks',
    summary: 'Send what happened in a period again, or all that was not delivered',
    description:
      'Of a period: all that it hears by now, also what came before it was made. Without one: what was tried or held in vain. ' +
      'Each goes out under its own id, so that a receiver knows what it has.',
    input: { params, body: Joi.object({ since: instant, until: instant }) },
    output: {
      202: Joi.object({ deliveries: Joi.number().integer().required().description('How many go out') }).id(
        'Replay',
      ),
    },
    problems,
    handler: webhooks.replay,
  }),
  endpoint<ListDeliveriesInput>({
    method: 'get',
    path: '/api/webhooks/:id/deliveries',
    access: 'webhooks:read',
    tag: 'Webhooks',
    summary: 'List what a webhook is and was owed, newest first',
    input: {
      params,
      query: Joi.object({ limit: page.limit, cursor: page.cursor, state: Joi.string().valid(...STATES) }),
    },
    output: { 200: listOf(delivery) },
    problems,
    handler: webhooks.listDeliveries,
  }),
  endpoint<DeliveryInput>({
    method: 'get',
    path: '/api/deliveries/:id',
    access: 'webhooks:read',
    tag: 'Webhooks',
    summary: 'Find a delivery, with every try of it',
    input: { params: deliveryParams },
    output: { 200: deliveryDetail },
    problems,
    handler: webhooks.findDelivery,
  }),
  endpoint<DeliveryInput>({
    method: 'post',
    path: '/api/deliveries/:id/resend',
    access: 'webhooks:write',
    tag: 'Webhooks',
    summary: 'Send a delivery again',
    description: 'With the same id and bytes. One that has not ended yet is left alone.',
    input: { params: deliveryParams },
    output: { 202: delivery },
    problems,
    handler: webhooks.resend,
  }),
  endpoint<WebhookInput>({
    method: 'delete',
    path: '/api/webhooks/:id',
    access: 'webhooks:write',
    tag: 'Webhooks',
    summary: 'Remove a webhook, with all it is owed',
    input: { params },
    output: { 204: null },
    problems,
    handler: webhooks.remove,
  }),
];
