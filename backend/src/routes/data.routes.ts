import Joi from 'joi';
import type {
  dataController,
  EraseContactInput,
  GetErasureInput,
  LoadExportInput,
  RemoveAccountInput,
} from '../controllers/data.controller.js';
import { endpoint, type Endpoint } from '../utils/endpoint.js';
import { contactName } from './contact.routes.js';
import { signed } from './media.routes.js';
import { id, time } from './shapes.js';

const count = Joi.number().integer();
const exported = Joi.object({
  id: id.required(),
  status: Joi.string().valid('pending', 'ready', 'failed').required(),
  progress: Joi.object({ done: count.required(), total: count.allow(null).required() }).required(),
  size: count.allow(null).required().description('Bytes'),
  url: Joi.string().allow(null).required().description('Signed: whoever has it can load it until it expires'),
  createdAt: time.required(),
  expiresAt: time.allow(null).required(),
}).id('Export');

const erasure = Joi.object({
  id: id.required(),
  status: Joi.string().valid('pending', 'done').required(),
  createdAt: time.required(),
  endedAt: time.allow(null).required(),
}).id('Erasure');

export const dataRoutes = (data: ReturnType<typeof dataController>): Endpoint[] => [
  endpoint({
    method: 'post',
    path: '/api/me/export',
    access: 'session',
    tag: 'Account',
    summary: 'Have everything that is known of you put into one archive',
    description:
      'In the background, one at a time: a file of JSON lines for each kind of thing, and your media. Secrets are left out.',
    input: {},
    output: { 202: exported },
    problems: [],
    handler: data.beginExport,
  }),
  endpoint({
    method: 'get',
    path: '/api/me/export',
    access: 'session',
    tag: 'Account',
    summary: 'How the latest export goes, and where it is',
    input: {},
    output: { 200: exported },
    problems: ['not_found'],
    handler: data.latestExport,
  }),
  endpoint<LoadExportInput>({
    method: 'get',
    path: '/api/exports/:id',
    access: 'public',
    tag: 'Account',
    summary: 'Load an export by its signed link',
    input: {
      params: Joi.object({ id: id.required() }),
      query: signed.fork(['expires', 'signature'], (key) => key.required()),
    },
    output: { 200: Joi.binary().meta({ mediaType: 'application/zip' }) },
    problems: ['not_found'],
    handler: data.loadExport,
  }),
  endpoint<RemoveAccountInput>({
    method: 'delete',
    path: '/api/me',
    access: 'session',
    limit: 'auth',
    tag: 'Account',
    summary: 'Remove your account, with all that is known of you',
    description:
      'At once nothing of it can be used any more. All that is known goes in the background: here, in the media store and on the nodes, also of those that are away, when they are back.',
    input: {
      body: Joi.object({
        currentPassword: Joi.string().max(200).required().example('SecurePass123'),
        code: Joi.string().min(6).max(40).description('Where you have a second factor'),
      }),
    },
    output: { 202: null },
    problems: ['unprocessable', 'second_factor_required', 'conflict'],
    handler: data.removeAccount,
  }),
  endpoint<EraseContactInput>({
    method: 'post',
    path: '/api/erasures',
    access: 'contacts:write',
    tag: 'Account',
    summary: 'Erase all that is known of a contact',
    description:
      'In the background, on all of your phones: what was said with them and by them in groups, their files and names, here and on the nodes. What waits for them is cancelled. Of events their place is left (`event.erased`). Exports that were made before are taken away.',
    input: { body: Joi.object({ contact: contactName.required() }) },
    output: { 202: erasure },
    problems: ['unprocessable'],
    handler: data.eraseContact,
  }),
  endpoint<GetErasureInput>({
    method: 'get',
    path: '/api/erasures/:id',
    access: 'contacts:read',
    tag: 'Account',
    summary: 'Whether an erasure is done',
    description: 'Who was erased is not kept.',
    input: { params: Joi.object({ id: id.required() }) },
    output: { 200: erasure },
    problems: ['not_found'],
    handler: data.getErasure,
  }),
];
