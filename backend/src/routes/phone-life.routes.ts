import Joi from 'joi';
import type { ConnectInput, LifeInput, phoneLifeController } from '../controllers/phone-life.controller.js';
import { endpoint, type Endpoint } from '../utils/endpoint.js';
import type { ProblemCode } from '../utils/problem.js';
import { id, phone, qr } from './shapes.js';

const params = Joi.object({ id: id.required() });
const problems: ProblemCode[] = [
  'invalid_request',
  'unauthenticated',
  'forbidden',
  'not_found',
  'too_many_requests',
  'unavailable',
];

export const phoneLifeRoutes = (life: ReturnType<typeof phoneLifeController>): Endpoint[] => [
  endpoint<ConnectInput>({
    method: 'post',
    path: '/api/phones/:id/connect',
    access: 'phones:write',
    tag: 'Phones',
    summary: 'Pair a phone, for the first time or again',
    description:
      'Then watch `status` and fetch the QR code to scan; with the method `pairingCode` there is a code to type as well: Linked devices, Link with phone number.',
    input: {
      params,
      body: Joi.object({ method: Joi.string().valid('qr', 'pairingCode').default('qr') }),
    },
    output: { 200: phone },
    problems: [...problems, 'phone_connected', 'phone_offline'],
    handler: life.connect,
  }),
  endpoint<LifeInput>({
    method: 'get',
    path: '/api/phones/:id/qr',
    access: 'phones:write',
    tag: 'Phones',
    summary: 'Fetch the QR code to scan',
    description: 'A QR code is a credential: it is never pushed, and never cached.',
    input: { params },
    output: { 200: qr },
    problems: [
      'invalid_request',
      'unauthenticated',
      'forbidden',
      'not_found',
      'phone_connected',
      'qr_unavailable',
      'too_many_requests',
      'unavailable',
    ],
    handler: life.qr,
  }),
  endpoint<LifeInput>({
    method: 'post',
    path: '/api/phones/:id/restart',
    access: 'phones:write',
    tag: 'Phones',
    summary: 'Open the connection of a phone anew',
    input: { params },
    output: { 200: phone },
    problems: [...problems, 'phone_offline'],
    handler: life.restart,
  }),
  endpoint<LifeInput>({
    method: 'post',
    path: '/api/phones/:id/logout',
    access: 'phones:write',
    tag: 'Phones',
    summary: 'Unlink a phone from WhatsApp',
    description: 'What waits to go out waits on, until it expires. Connect it to pair it again.',
    input: { params },
    output: { 200: phone },
    problems: [...problems, 'phone_offline'],
    handler: life.logout,
  }),
  endpoint<LifeInput>({
    method: 'delete',
    path: '/api/phones/:id',
    access: 'phones:write',
    tag: 'Phones',
    summary: 'Remove a phone',
    description:
      'At once, also when its node is away: that unlinks it when it is back. What waits to go out is cancelled, its webhooks go; its messages stay as long as others.',
    input: { params },
    output: { 204: null },
    problems,
    handler: life.remove,
  }),
];
