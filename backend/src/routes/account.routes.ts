import Joi from 'joi';
import type {
  accountController,
  KeepInput,
  ListAllAuditInput,
  ListAuditInput,
  ListUsersInput,
  RenameInput,
  UpdateUserInput,
} from '../controllers/account.controller.js';
import { endpoint, type Endpoint } from '../utils/endpoint.js';
import { email, username } from './auth.routes.js';
import { cursor, id, limit, listOf, page, time, user } from './shapes.js';

const latest = { limit, cursor, offset: page.offset.valid(0) };

const used = Joi.number().integer().required();
const amount = Joi.number().integer().allow(null).required().description('Null: as many as you like');
/** Two at least: an Idempotency-Key finds its message for a day. */
const days = Joi.number().integer().min(2).max(3650).allow(null);
const keeping = Joi.object({
  messages: Joi.number().integer().allow(null).required().description('Days; null: for ever'),
  media: Joi.number().integer().allow(null).required(),
  events: Joi.number().integer().allow(null).required(),
}).id('Retention');
const quota = Joi.number().integer().min(0).max(Number.MAX_SAFE_INTEGER).allow(null);

const own = Joi.number().integer().allow(null).required();
const adminUser = user
  .keys({
    quotas: Joi.object({ phones: own, messagesPerDay: own, mediaBytes: own })
      .required()
      .description('What an admin said of this user; 0: as many as they like; null: as the settings say'),
  })
  .id('AdminUser');

const entry = Joi.object({
  id: id.required(),
  userId: id.required().description('In whose view it is'),
  actorId: id.allow(null).required().description('Who did it'),
  credential: Joi.string().allow(null).required().description('The key or the session that they used'),
  action: Joi.string().required().example('POST /api/keys'),
  target: Joi.string().allow(null).required().description('What it was done to'),
  fields: Joi.array().items(Joi.string()).required().description('Which fields the request gave'),
  status: Joi.number().integer().required(),
  ip: Joi.string().allow(null).required(),
  requestId: Joi.string().allow(null).required(),
  at: time.required(),
}).id('AuditEntry');

export const accountRoutes = (account: ReturnType<typeof accountController>): Endpoint[] => [
  endpoint({
    method: 'get',
    path: '/api/me',
    access: 'account:read',
    tag: 'Account',
    summary: 'Who you are',
    input: {},
    output: { 200: user },
    problems: ['not_found'],
    handler: account.find,
  }),
  endpoint<RenameInput>({
    method: 'patch',
    path: '/api/me',
    access: 'account:write',
    tag: 'Account',
    summary: 'Change your name',
    input: { body: Joi.object({ username: username.required() }) },
    output: { 200: user },
    problems: ['already_registered', 'not_found'],
    handler: account.rename,
  }),
  endpoint({
    method: 'get',
    path: '/api/me/quotas',
    access: 'account:read',
    tag: 'Account',
    summary: 'How much you may have, and what of it is used',
    input: {},
    output: {
      200: Joi.object({
        phones: Joi.object({ limit: amount, used }).required(),
        messagesPerDay: Joi.object({ limit: amount, used, resetsAt: time.required() })
          .required()
          .description('Accepted today (UTC); counted where there is a limit'),
        mediaBytes: Joi.object({ limit: amount, used }).required(),
      }).id('Quotas'),
    },
    problems: [],
    handler: account.quotas,
  }),
  endpoint({
    method: 'get',
    path: '/api/me/retention',
    access: 'account:read',
    tag: 'Account',
    summary: 'For how many days your messages, media and events are kept',
    input: {},
    output: { 200: keeping },
    problems: [],
    handler: account.keeping,
  }),
  endpoint<KeepInput>({
    method: 'put',
    path: '/api/me/retention',
    access: 'account:write',
    tag: 'Account',
    summary: 'Have your messages, media and events kept for fewer days',
    description:
      'Never longer than the gateway keeps them; null is as long as it does. Takes effect with the next round of housekeeping.',
    input: {
      body: Joi.object({
        messages: days.default(null),
        media: days.default(null),
        events: days.default(null),
      }).example({ messages: 30, media: 7, events: null }),
    },
    output: { 200: keeping },
    problems: [],
    handler: account.keep,
  }),
  endpoint<ListAuditInput>({
    method: 'get',
    path: '/api/me/audit',
    access: 'account:read',
    tag: 'Account',
    summary: 'Who did what in your account, newest first',
    description: 'Every change of the account, keys, phones and webhooks. Nothing in it is ever changed.',
    input: { query: Joi.object(latest) },
    output: { 200: listOf(entry) },
    problems: [],
    handler: account.listAudit,
  }),
  endpoint<ListAllAuditInput>({
    method: 'get',
    path: '/api/admin/audit',
    access: 'admin',
    tag: 'Admin',
    summary: 'Who did what, of all users or of one, newest first',
    input: { query: Joi.object({ ...latest, userId: id }) },
    output: { 200: listOf(entry) },
    problems: [],
    handler: account.listAllAudit,
  }),
  endpoint<ListUsersInput>({
    method: 'get',
    path: '/api/admin/users',
    access: 'admin',
    tag: 'Admin',
    summary: 'List users',
    input: {
      query: Joi.object({ ...latest, email: email.description('Only whoever has this address') }),
    },
    output: { 200: listOf(adminUser) },
    problems: [],
    handler: account.listUsers,
  }),
  endpoint<UpdateUserInput>({
    method: 'patch',
    path: '/api/admin/users/:id',
    access: 'admin',
    tag: 'Admin',
    summary: 'Disable or enable a user, change their role, or how much they may have',
    description:
      'Disabled, their tokens, keys and sockets stop within a second, and their phones stop sending. Nothing is lost: enabled again, what waited goes out. A new number of messages a day holds within a second; counted are those accepted while there is a limit.',
    input: {
      params: Joi.object({ id: id.required() }),
      body: Joi.object({
        isActive: Joi.boolean(),
        role: Joi.string().valid('user', 'admin'),
        quotas: Joi.object({ phones: quota, messagesPerDay: quota, mediaBytes: quota })
          .min(1)
          .description('0: as many as they like; null: as many as the settings say. What is left out stays'),
      })
        .min(1)
        .example({ isActive: false }),
    },
    output: { 200: adminUser },
    problems: ['not_found', 'conflict'],
    handler: account.updateUser,
  }),
];
