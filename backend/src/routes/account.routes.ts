import Joi from 'joi';
import type {
  accountController,
  ListAllAuditInput,
  ListAuditInput,
  ListUsersInput,
  RenameInput,
  UpdateUserInput,
} from '../controllers/account.controller.js';
import { endpoint, type Endpoint } from '../utils/endpoint.js';
import { username } from './auth.routes.js';
import { cursor, id, limit, listOf, page, time, user } from './shapes.js';

const latest = { limit, cursor, offset: page.offset.valid(0) };

const entry = Joi.object({
  id: id.required(),
  userId: id.required().description('In whose view it is'),
  actorId: id.allow(null).required().description('Who did it'),
  credential: Joi.string().allow(null).required().description('The key or the session that they used'),
  action: Joi.string().required().example('POST /api/keys'),
  target: Joi.string().allow(null).required().description('What it was done to'),
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
    input: { query: Joi.object(latest) },
    output: { 200: listOf(user) },
    problems: [],
    handler: account.listUsers,
  }),
  endpoint<UpdateUserInput>({
    method: 'patch',
    path: '/api/admin/users/:id',
    access: 'admin',
    tag: 'Admin',
    summary: 'Disable or enable a user, or change their role',
    description:
      'Disabled, their tokens, keys and sockets stop within a second, and their phones stop sending. Nothing is lost: enabled again, what waited goes out.',
    input: {
      params: Joi.object({ id: id.required() }),
      body: Joi.object({ isActive: Joi.boolean(), role: Joi.string().valid('user', 'admin') })
        .min(1)
        .example({ isActive: false }),
    },
    output: { 200: user },
    problems: ['not_found', 'conflict'],
    handler: account.updateUser,
  }),
];
