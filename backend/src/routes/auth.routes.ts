import Joi from 'joi';
import type {
  authController,
  ExchangeInput,
  LoginInput,
  RegisterInput,
} from '../controllers/auth.controller.js';
import { endpoint, type Endpoint } from '../utils/endpoint.js';
import { registered, signedIn } from './shapes.js';

const email = Joi.string().trim().lowercase().email({ tlds: false }).max(254).prefs({ convert: true });
const password = Joi.string().min(8).max(200);

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
        username: Joi.string()
          .pattern(/^[A-Za-z0-9_.-]{3,40}$/, 'letters, digits, dot, dash, underscore')
          .required()
          .example('john_doe'),
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
    output: { 200: signedIn },
    problems: ['invalid_request', 'unauthenticated', 'too_many_requests', 'unavailable'],
    handler: auth.exchange,
  }),
];
