import Joi from 'joi';
import type { paceController, UpdatePhoneInput } from '../controllers/pace.controller.js';
import type { PhoneInput } from '../controllers/phone.controller.js';
import { endpoint, type Endpoint } from '../utils/endpoint.js';
import type { ProblemCode } from '../utils/problem.js';
import { id, phone, proxyFields, sendingFields, settingsFields, updatedPhone } from './shapes.js';

const params = Joi.object({ id: id.required() });
const problems: ProblemCode[] = [
  'invalid_request',
  'unauthenticated',
  'forbidden',
  'not_found',
  'too_many_requests',
  'unavailable',
];

export const paceRoutes = (pace: ReturnType<typeof paceController>): Endpoint[] => [
  endpoint<UpdatePhoneInput>({
    method: 'patch',
    path: '/api/phones/:id',
    access: 'phones:write',
    tag: 'Phones',
    summary: 'Change a phone: its name, its webhook, how it sends and behaves',
    description:
      'What is left out stays as it is; null switches it off. What waits is judged anew at once. A first `webhookUrl` ' +
      'makes a webhook of this phone, whose secret is shown this once; another one keeps the secret; null takes it away.',
    input: {
      params,
      body: Joi.object({
        deviceName: Joi.string().trim().min(1).max(100).prefs({ convert: true }).example('My Device'),
        webhookUrl: Joi.string().max(2048).allow(null).example('https://your-domain.com/webhook'),
        sending: Joi.object(sendingFields).min(1).example({ perMinute: 20, jitter: 0.2 }),
        settings: Joi.object(settingsFields).min(1).example({ rejectCalls: true }),
        proxy: Joi.object(proxyFields)
          .allow(null)
          .description('null: none any more; the connection is opened anew'),
      })
        .min(1)
        .example({ deviceName: 'My Device' }),
    },
    output: { 200: updatedPhone },
    problems: [...problems, 'unprocessable', 'invalid_url'],
    handler: pace.update,
  }),
  endpoint<PhoneInput>({
    method: 'post',
    path: '/api/phones/:id/pause',
    access: 'phones:write',
    tag: 'Phones',
    summary: 'Let nothing leave for a while',
    description: 'Messages are still accepted, and wait until they expire.',
    input: { params },
    output: { 200: phone },
    problems,
    handler: pace.pause,
  }),
  endpoint<PhoneInput>({
    method: 'post',
    path: '/api/phones/:id/resume',
    access: 'phones:write',
    tag: 'Phones',
    summary: 'Send again after a pause',
    input: { params },
    output: { 200: phone },
    problems,
    handler: pace.resume,
  }),
];
