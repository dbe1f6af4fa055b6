import Joi from 'joi';
import type { paceController, UpdatePhoneInput } from '../controllers/pace.controller.js';
import type { PhoneInput } from '../controllers/phone.controller.js';
import { endpoint, type Endpoint } from '../utils/endpoint.js';
import type { ProblemCode } from '../utils/problem.js';
import { id, phone, sendingFields } from './shapes.js';

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
    summary: 'Change how a phone sends',
    description: 'What is left out stays as it is; null switches it off. What waits is judged anew at once.',
    input: {
      params,
      body: Joi.object({
        sending: Joi.object(sendingFields).min(1).required().example({ perMinute: 20, jitter: 0.2 }),
      }),
    },
    output: { 200: phone },
    problems: [...problems, 'unprocessable'],
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
