import Joi from 'joi';
import type {
  CreateKeyInput,
  keyController,
  KeyInput,
  ListKeysInput,
  RollKeyInput,
  UpdateKeyInput,
} from '../controllers/key.controller.js';
import { endpoint, type Endpoint } from '../utils/endpoint.js';
import { readNetwork } from '../utils/network.js';
import { SCOPES } from '../utils/scope.js';
import { id as phoneId, idempotencyHeaders, instant, listOf, page, time } from './shapes.js';

const id = Joi.string()
  .pattern(/^key_[0-9a-z]{26}$/, 'key_…')
  .required();
const params = Joi.object({ id });

/** An address alone is a network of one. */
const network = Joi.string()
  .max(50)
  .custom((value: string, helpers) => {
    return readNetwork(value) ?? helpers.error('network');
  })
  .messages({
    network: '{{#label}} must be an address, or a network such as 203.0.113.0/24 with no host in it',
  })
  .example('203.0.113.0/24');

const fields = {
  name: Joi.string().trim().min(1).max(100).prefs({ convert: true }).example('CI'),
  scopes: Joi.array()
    .items(Joi.string().valid(...SCOPES))
    .min(1)
    .unique()
    .allow(null)
    .description('What it may do; null: everything its user may, but for `admin`'),
  allowedIps: Joi.array()
    .items(network)
    .min(1)
    .max(20)
    .allow(null)
    .description('From where it may be used; null: from anywhere'),
  phoneIds: Joi.array()
    .items(phoneId)
    .min(1)
    .max(100)
    .unique()
    .allow(null)
    .description(
      'The phones that it can be used for; null: all of them. Limited, it is for nothing about the account',
    ),
  expiresAt: instant.allow(null),
};

const shown = {
  id,
  name: Joi.string().required(),
  scopes: Joi.array().items(Joi.string()).allow(null).required(),
  allowedIps: Joi.array().items(Joi.string()).allow(null).required(),
  phoneIds: Joi.array().items(phoneId).allow(null).required(),
  phoneId: phoneId.allow(null).required().description('The phone whose own token it is'),
  createdAt: time.required(),
  expiresAt: time.allow(null).required(),
  lastUsedAt: time.allow(null).required().description('Within a minute'),
  rolledFrom: Joi.string().allow(null).required().description('The key that it replaces'),
};
const key = Joi.object(shown).id('Key');
const createdKey = Joi.object({
  ...shown,
  key: Joi.string().description('Shown this once'),
  secretOmitted: Joi.boolean().description('On a replay: the key was shown before'),
}).id('CreatedKey');

export const keyRoutes = (keys: ReturnType<typeof keyController>): Endpoint[] => [
  endpoint<CreateKeyInput>({
    method: 'post',
    path: '/api/keys',
    access: 'keys:write',
    tag: 'Keys',
    summary: 'Make an API key',
    description: 'With no more than you have yourself. The key is shown this once.',
    input: {
      headers: idempotencyHeaders,
      body: Joi.object({
        name: fields.name.required(),
        scopes: fields.scopes.default(null),
        allowedIps: fields.allowedIps.default(null),
        phoneIds: fields.phoneIds.default(null),
        expiresAt: fields.expiresAt.default(null),
      }),
    },
    output: { 201: createdKey },
    problems: ['not_found', 'forbidden', 'quota_exceeded', 'unprocessable', 'idempotency_mismatch'],
    handler: keys.create,
  }),
  endpoint<ListKeysInput>({
    method: 'get',
    path: '/api/keys',
    access: 'keys:read',
    tag: 'Keys',
    summary: 'List API keys, newest first',
    input: { query: Joi.object(page) },
    output: { 200: listOf(key) },
    problems: [],
    handler: keys.list,
  }),
  endpoint<UpdateKeyInput>({
    method: 'patch',
    path: '/api/keys/:id',
    access: 'keys:write',
    tag: 'Keys',
    summary: 'Change an API key',
    description: 'Takes effect within a second, in every process. What is left out stays.',
    input: { params, body: Joi.object(fields).min(1).example({ name: 'CI' }) },
    output: { 200: key },
    problems: ['not_found', 'forbidden', 'unprocessable', 'conflict'],
    handler: keys.update,
  }),
  endpoint<RollKeyInput>({
    method: 'post',
    path: '/api/keys/:id/roll',
    access: 'keys:write',
    tag: 'Keys',
    summary: 'Replace an API key by a new one',
    description:
      'That may do the same. The old one goes on for `overlap` seconds, so that programs can change over. A key is rolled once: after that, what replaced it is.',
    input: {
      params,
      body: Joi.object({
        overlap: Joi.number().integer().min(0).max(2_592_000).default(0).description('Seconds'),
      }).example({ overlap: 3600 }),
    },
    output: { 201: createdKey },
    problems: ['not_found', 'forbidden', 'conflict', 'quota_exceeded'],
    handler: keys.roll,
  }),
  endpoint<KeyInput>({
    method: 'delete',
    path: '/api/keys/:id',
    access: 'keys:write',
    tag: 'Keys',
    summary: 'Revoke an API key',
    description: 'Within a second, in every process; its sockets are disconnected too.',
    input: { params },
    output: { 204: null },
    problems: ['not_found', 'forbidden'],
    handler: keys.revoke,
  }),
];
