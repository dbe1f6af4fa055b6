import Joi from 'joi';
import type {
  AddNodeInput,
  AdoptInput,
  MovePhoneInput,
  NodeInput,
  poolController,
  RebalanceInput,
  UpdateNodeInput,
} from '../controllers/pool.controller.js';
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
  origin: Joi.string().valid('settings', 'admin').required().description('Who listed it'),
  weight: Joi.number().required().description('Its share of the phones, beside the others'),
  capacity: count.allow(null).required().description('How many phones it takes; null: no limit'),
  hasOwnKey: Joi.boolean().required().description('null in `apiKey` takes it away again'),
  version: Joi.string().allow(null).required(),
  held: count.allow(null).required().description('How many numbers its process holds, as its metrics say'),
  faults: Joi.array()
    .items(Joi.object({ code: Joi.string().required(), remedy: Joi.string().required() }))
    .required()
    .description('What is wrong with it though it answers'),
}).id('Node');

const name = Joi.string()
  .pattern(/^[\w.-]{1,60}$/, 'letters, digits, dots and dashes')
  .example('node-3');
const url = Joi.string()
  .pattern(/^https?:\/\/[^\s/]+$/, 'http://host:port')
  .max(200)
  .example('http://evolution-api-3:3000');
const apiKey = Joi.string().min(8).max(200).allow(null).description('Kept sealed; null: EVOLUTION_API_KEY');
const weight = Joi.number().min(0.01).max(1000);
const capacity = count.max(1_000_000).allow(null);

const adoptable = Joi.object({
  name: Joi.string().required(),
  phoneNumber: Joi.string().allow(null).required(),
  profileName: Joi.string().allow(null).required(),
  isOpen: Joi.boolean().required(),
  isOurs: Joi.boolean().required().description('It is a phone of this gateway already'),
}).id('Adoptable');

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
  endpoint<AddNodeInput>({
    method: 'post',
    path: '/api/admin/nodes',
    access: 'admin',
    tag: 'Admin',
    summary: 'Add a node',
    description: 'It takes phones from its first answer on; nothing is restarted.',
    input: {
      body: Joi.object({
        name: name.required(),
        url: url.required(),
        apiKey,
        weight: weight.default(1),
        capacity: capacity.default(null),
      }),
    },
    output: { 201: node },
    problems: ['conflict'],
    handler: pool.add,
  }),
  endpoint<UpdateNodeInput>({
    method: 'patch',
    path: '/api/admin/nodes/:id',
    access: 'admin',
    tag: 'Admin',
    summary: 'Rename a node, or change its address, its key, its weight, its capacity',
    description: 'What is left out stays. Name and URL of one that the settings list are ruled by them.',
    input: {
      params,
      body: Joi.object({ name, url, apiKey, weight, capacity }).min(1).example({ weight: 2 }),
    },
    output: { 200: node },
    problems: ['not_found', 'conflict'],
    handler: pool.update,
  }),
  endpoint<NodeInput>({
    method: 'delete',
    path: '/api/admin/nodes/:id',
    access: 'admin',
    tag: 'Admin',
    summary: 'Remove a node that is empty',
    input: { params },
    output: { 204: null },
    problems: ['not_found', 'conflict'],
    handler: pool.remove,
  }),
  endpoint<RebalanceInput>({
    method: 'post',
    path: '/api/admin/nodes/rebalance',
    access: 'admin',
    tag: 'Admin',
    summary: 'Move phones to where there are too few, by weight',
    description: 'None that need not; `remaining` says how many more it takes.',
    input: { body: Joi.object({ limit: Joi.number().integer().min(1).max(1000).default(100) }) },
    output: {
      202: Joi.object({
        moves: Joi.array()
          .items(Joi.object({ phoneId: id.required(), from: id.required(), to: id.required() }))
          .required(),
        remaining: count.required(),
      }).id('Rebalanced'),
    },
    problems: ['conflict'],
    handler: pool.rebalance,
  }),
  endpoint<NodeInput>({
    method: 'get',
    path: '/api/admin/nodes/:id/adoptable',
    access: 'admin',
    tag: 'Admin',
    summary: 'List what a node holds, to be adopted',
    input: { params },
    output: { 200: Joi.object({ data: Joi.array().items(adoptable).required() }) },
    problems: ['not_found'],
    handler: pool.listAdoptable,
  }),
  endpoint<AdoptInput>({
    method: 'post',
    path: '/api/admin/nodes/:id/adopt',
    access: 'admin',
    tag: 'Admin',
    summary: 'Give numbers that are paired on a node to users',
    description:
      'Without a QR code: they keep their name and their node, which is told to post here. What became of each is told one by one.',
    input: {
      params,
      body: Joi.object({
        phones: Joi.array()
          .items(
            Joi.object({
              name: Joi.string().min(1).max(60).required(),
              userId: id.required(),
              deviceName: Joi.string().trim().min(1).max(100),
            }),
          )
          .min(1)
          .max(200)
          .required()
          .example([{ name: 'shop', userId: 1 }]),
      }),
    },
    output: {
      200: Joi.object({
        data: Joi.array()
          .items(
            Joi.object({
              name: Joi.string().required(),
              phoneId: id.allow(null).required(),
              fault: Joi.string().allow(null).required().description('Why it was not adopted'),
            }),
          )
          .required(),
      }).id('Adopted'),
    },
    problems: ['not_found'],
    handler: pool.adopt,
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
