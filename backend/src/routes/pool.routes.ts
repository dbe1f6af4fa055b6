import Joi from 'joi';
import type { MovePhoneInput, NodeInput, poolController } from '../controllers/pool.controller.js';
import { endpoint, type Endpoint } from '../utils/endpoint.js';
import { id, time } from './shapes.js';

const params = Joi.object({ id: id.required() });
const count = Joi.number().integer().min(0);

const node = Joi.object({
  id: id.required(),
  name: Joi.string().required(),
  url: Joi.string().required(),
  status: Joi.string().valid('unknown', 'up', 'down').required(),
  since: time.required(),
  latencyMs: count.allow(null).required(),
  detail: Joi.string().allow(null).required(),
  isLost: Joi.boolean().required().description('It gives no answer: its phones are moved'),
  isDraining: Joi.boolean().required().description('Its phones are moved, and it takes none'),
  phones: count.required().description('How many live there'),
  leftovers: count.required().description('Of how many that live elsewhere it may still hold something'),
}).id('Node');

export const poolRoutes = (pool: ReturnType<typeof poolController>): Endpoint[] => [
  endpoint({
    method: 'get',
    path: '/api/admin/nodes',
    access: 'admin',
    tag: 'Admin',
    summary: 'List the nodes',
    input: {},
    output: { 200: Joi.object({ data: Joi.array().items(node).required() }) },
    problems: [],
    handler: pool.list,
  }),
  endpoint<NodeInput>({
    method: 'post',
    path: '/api/admin/nodes/:id/drain',
    access: 'admin',
    tag: 'Admin',
    summary: 'Move all phones of a node to others',
    description:
      'Without a QR code, and without losing what is being sent. It is empty when `phones` and `leftovers` are 0; it takes none until it is resumed.',
    input: { params },
    output: { 202: node },
    problems: ['not_found', 'conflict'],
    handler: pool.drain,
  }),
  endpoint<NodeInput>({
    method: 'post',
    path: '/api/admin/nodes/:id/resume',
    access: 'admin',
    tag: 'Admin',
    summary: 'Let a node take phones again',
    input: { params },
    output: { 200: node },
    problems: ['not_found'],
    handler: pool.resume,
  }),
  endpoint<MovePhoneInput>({
    method: 'post',
    path: '/api/admin/phones/:id/move',
    access: 'admin',
    tag: 'Admin',
    summary: 'Move a phone to another node',
    description: 'To the least loaded one, unless `nodeId` says where. `phone.moved` tells when it is there.',
    input: {
      params,
      body: Joi.object({ nodeId: id.allow(null).default(null) }),
    },
    output: { 202: Joi.object({ phoneId: id.required(), status: Joi.string().valid('moving').required() }) },
    problems: ['not_found', 'conflict', 'unprocessable'],
    handler: pool.move,
  }),
];
