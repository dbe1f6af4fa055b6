import Joi from 'joi';
import type { InboundInput, inboundController } from '../controllers/inbound.controller.js';
import { endpoint, type Endpoint } from '../utils/endpoint.js';
import { statusOnly } from './shapes.js';

/** What nodes post, on the internal listener only. A node never retries a 400 or 401, so those are final here. */
export const inboundRoutes = (inbound: ReturnType<typeof inboundController>): Endpoint[] => [
  endpoint<InboundInput>({
    method: 'post',
    path: '/inbound/:placement',
    access: 'node',
    limit: 'none',
    tag: 'Inside',
    summary: 'A fact from a node',
    input: {
      params: Joi.object({ placement: Joi.string().max(60).required() }),
      body: Joi.object().unknown(),
    },
    output: { 200: statusOnly },
    problems: ['unauthenticated', 'unavailable'],
    handler: inbound.take,
  }),
];
