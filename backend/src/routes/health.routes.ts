import type { healthController } from '../controllers/health.controller.js';
import { endpoint, type Endpoint } from '../utils/endpoint.js';
import { health, statusOnly } from './shapes.js';

export const healthRoutes = (controller: ReturnType<typeof healthController>): Endpoint[] => [
  endpoint({
    method: 'get',
    path: '/health',
    access: 'public',
    limit: 'none',
    tag: 'Service',
    summary: 'How the gateway, its database, Redis and the nodes are doing',
    input: {},
    output: { 200: health, 503: health },
    problems: [],
    handler: controller.all,
  }),
  endpoint({
    method: 'get',
    path: '/health/live',
    access: 'public',
    limit: 'none',
    tag: 'Service',
    summary: 'Whether the process runs',
    input: {},
    output: { 200: statusOnly },
    problems: [],
    handler: controller.live,
  }),
  endpoint({
    method: 'get',
    path: '/health/ready',
    access: 'public',
    limit: 'none',
    tag: 'Service',
    summary: 'Whether requests can be served',
    input: {},
    output: { 200: statusOnly, 503: statusOnly },
    problems: [],
    handler: controller.ready,
  }),
];
