import Joi from 'joi';
import type {
  CreatePhoneInput,
  ListPhonesInput,
  phoneController,
  PhoneInput,
} from '../controllers/phone.controller.js';
import { endpoint, type Endpoint } from '../utils/endpoint.js';
import {
  createdPhone,
  id,
  idempotencyHeaders,
  listOf,
  page,
  phone,
  mobileNumber,
  phoneStatus,
} from './shapes.js';

const params = Joi.object({ id: id.required() });

export const phoneRoutes = (phones: ReturnType<typeof phoneController>): Endpoint[] => [
  endpoint<CreatePhoneInput>({
    method: 'post',
    path: '/api/phones',
    access: 'phones:write',
    tag: 'Phones',
    summary: 'Add a phone number',
    description:
      'It is placed on a node in the background; watch `status`, or the `phone.status` event, and fetch the QR code. ' +
      'A `webhookUrl` makes a webhook of this phone, whose secret is shown this once.',
    input: {
      headers: idempotencyHeaders,
      body: Joi.object({
        phoneNumber: mobileNumber.required(),
        deviceName: Joi.string().trim().min(1).max(100).prefs({ convert: true }).example('My Device'),
        webhookUrl: Joi.string().max(2048).allow(null).example('https://your-domain.com/webhook'),
      }),
    },
    output: { 201: createdPhone },
    problems: [
      'quota_exceeded',
      'invalid_request',
      'unauthenticated',
      'forbidden',
      'phone_exists',
      'number_taken',
      'invalid_url',
      'idempotency_mismatch',
      'too_many_requests',
      'unavailable',
    ],
    handler: phones.create,
  }),
  endpoint<ListPhonesInput>({
    method: 'get',
    path: '/api/phones',
    access: 'phones:read',
    tag: 'Phones',
    summary: 'List phones, and search them',
    input: {
      query: Joi.object({
        ...page,
        status: phoneStatus,
        search: Joi.string().trim().min(1).max(100).description('Anywhere in a name or a number'),
      }),
    },
    output: { 200: listOf(phone) },
    problems: ['invalid_request', 'unauthenticated', 'forbidden', 'too_many_requests', 'unavailable'],
    handler: phones.list,
  }),
  endpoint<PhoneInput>({
    method: 'get',
    path: '/api/phones/:id',
    access: 'phones:read',
    tag: 'Phones',
    summary: 'Find a phone',
    input: { params },
    output: { 200: phone },
    problems: [
      'invalid_request',
      'unauthenticated',
      'forbidden',
      'not_found',
      'too_many_requests',
      'unavailable',
    ],
    handler: phones.find,
  }),
];
