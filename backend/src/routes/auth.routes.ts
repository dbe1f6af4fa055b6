import Joi from 'joi';
import type {
  authController,
  ExchangeInput,
  LoginInput,
  PasswordInput,
  RefreshInput,
  RegisterInput,
  SessionInput,
} from '../controllers/auth.controller.js';
import { endpoint, type Endpoint } from '../utils/endpoint.js';
import { exchanged, issued, registered, signedIn, time } from './shapes.js';

const email = Joi.string().trim().lowercase().email({ tlds: false }).max(254).prefs({ convert: true });
const password = Joi.string().min(8).max(200);
export const username = Joi.string()
  .pattern(/^[A-Za-z0-9_.-]{3,40}$/, 'letters, digits, dot, dash, underscore')
  .example('john_doe');
const sessionId = Joi.string()
  .pattern(/^ses_[0-9a-z]{26}$/, 'ses_…')
  .required();
const session = Joi.object({
  id: sessionId,
  device: Joi.string().allow(null).required().description('As it calls itself'),
  ip: Joi.string().allow(null).required(),
  createdAt: time.required(),
  lastSeenAt: time.required().description('Within a minute'),
  expiresAt: time.required(),
  isCurrent: Joi.boolean().required().description('The one that asks'),
}).id('Session');

export const authRoutes = (auth: ReturnType<typeof authController>): Endpoint[] => [
  endpoint<RegisterInput>({
    method: 'post',
    path: '/api/auth/register',
    access: 'public',
    limit: 'auth',
    tag: 'Auth',
    summary: 'Register a user',
    description: 'Answers with a first API key and a token; the key is shown this once.',
    input: {
      body: Joi.object({
        username: username.required(),
        email: email.required().example('john@example.com'),
        password: password.required().example('SecurePass123'),
      }),
    },
    output: { 201: registered },
    problems: ['invalid_request', 'already_registered', 'too_many_requests', 'unavailable'],
    handler: auth.register,
  }),
  endpoint<LoginInput>({
    method: 'post',
    path: '/api/auth/login',
    access: 'public',
    limit: 'auth',
    tag: 'Auth',
    summary: 'Sign in with e-mail and password',
    input: {
      body: Joi.object({
        email: email.required().example('john@example.com'),
        password: Joi.string().max(200).required().example('SecurePass123'),
      }),
    },
    output: { 200: signedIn },
    problems: ['invalid_request', 'unauthenticated', 'too_many_requests', 'unavailable'],
    handler: auth.login,
  }),
  endpoint<ExchangeInput>({
    method: 'post',
    path: '/api/auth/api-key',
    access: 'public',
    limit: 'auth',
    tag: 'Auth',
    summary: 'Exchange an API key for a token',
    input: { body: Joi.object({ apiKey: Joi.string().max(200).required().example('ev_your_api_key_here') }) },
    output: { 200: exchanged },
    problems: ['invalid_request', 'unauthenticated', 'too_many_requests', 'unavailable'],
    handler: auth.exchange,
  }),
  endpoint<RefreshInput>({
    method: 'post',
    path: '/api/auth/refresh',
    access: 'public',
    limit: 'auth',
    tag: 'Auth',
    summary: 'A new token for a refresh token',
    description:
      'Each refresh token works once and is answered with the next. One that was used before ends the session: somebody else has it.',
    input: { body: Joi.object({ refreshToken: Joi.string().max(200).required().example('rt_1_ses_…') }) },
    output: { 200: issued },
    problems: ['unauthenticated'],
    handler: auth.refresh,
  }),
  endpoint({
    method: 'post',
    path: '/api/auth/logout',
    access: 'user',
    tag: 'Auth',
    summary: 'Sign out here',
    description: 'The token, its refresh token and its sockets stop within a second.',
    input: {},
    output: { 204: null },
    problems: ['conflict', 'not_found'],
    handler: auth.logout,
  }),
  endpoint({
    method: 'post',
    path: '/api/auth/logout-all',
    access: 'account:write',
    tag: 'Auth',
    summary: 'Sign out everywhere',
    description: 'Ends every session and every token. API keys live on.',
    input: {},
    output: { 204: null },
    problems: [],
    handler: auth.logoutAll,
  }),
  endpoint<PasswordInput>({
    method: 'post',
    path: '/api/auth/password',
    access: 'account:write',
    limit: 'auth',
    tag: 'Auth',
    summary: 'Change your password',
    description: 'Ends every session and every token, and answers with new ones. API keys live on.',
    input: {
      body: Joi.object({
        currentPassword: Joi.string().max(200).required().example('SecurePass123'),
        newPassword: password.required().example('Secure-Pass-456'),
      }),
    },
    output: { 200: issued },
    problems: ['unprocessable'],
    handler: auth.changePassword,
  }),
  endpoint({
    method: 'get',
    path: '/api/sessions',
    access: 'account:read',
    tag: 'Account',
    summary: 'Where you are signed in, newest first',
    input: {},
    output: { 200: Joi.object({ data: Joi.array().items(session).required() }) },
    problems: [],
    handler: auth.listSessions,
  }),
  endpoint<SessionInput>({
    method: 'delete',
    path: '/api/sessions/:id',
    access: 'account:write',
    tag: 'Account',
    summary: 'Sign out there',
    input: { params: Joi.object({ id: sessionId }) },
    output: { 204: null },
    problems: ['not_found'],
    handler: auth.revokeSession,
  }),
];
