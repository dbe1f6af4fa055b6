import Joi from 'joi';
import type { eventController, ListEventsInput } from '../controllers/event.controller.js';
import { endpoint, type Endpoint } from '../utils/endpoint.js';
import { anyEvent } from './event-shapes.js';
import { limit } from './shapes.js';

export const eventRoutes = (events: ReturnType<typeof eventController>): Endpoint[] => [
  endpoint<ListEventsInput>({
    method: 'get',
    path: '/api/events',
    access: 'events:read',
    tag: 'Events',
    summary: 'Read the ledger of events after a sequence number',
    description:
      'The same ledger, in the same order, that webhooks and sockets read. The sequence has no gap.',
    input: {
      query: Joi.object({
        after: Joi.number().integer().min(0).max(Number.MAX_SAFE_INTEGER).default(0),
        limit,
      }),
    },
    output: {
      200: Joi.object({
        data: Joi.array().items(anyEvent).required(),
        hasMore: Joi.boolean().required(),
        oldestSequence: Joi.number().integer().required(),
        lastSequence: Joi.number().integer().required(),
      }),
    },
    problems: [
      'invalid_request',
      'unauthenticated',
      'forbidden',
      'events_gone',
      'too_many_requests',
      'unavailable',
    ],
    handler: events.list,
  }),
];
