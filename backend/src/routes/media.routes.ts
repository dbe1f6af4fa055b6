import Joi from 'joi';
import type {
  CreateMediaInput,
  ListMediaInput,
  mediaController,
  MediaInput,
  OpenMediaInput,
} from '../controllers/media.controller.js';
import { endpoint, type Endpoint } from '../utils/endpoint.js';
import { MEDIA_KINDS } from '../utils/media-type.js';
import { BODY_LIMIT, mediaFields } from './media.fields.js';
import { id, idempotencyHeaders, listOf, media, page } from './shapes.js';

type Controller = ReturnType<typeof mediaController>;

const params = Joi.object({ id: id.required() });
const file = Joi.binary();

/** What a signed link carries. */
export const signed = Joi.object({
  expires: Joi.number().integer().min(0).max(99_999_999_999).description('Seconds since 1970'),
  signature: Joi.string()
    .pattern(/^[\w-]{1,80}$/, 'a signature')
    .description('Of a link from `url`; it stands for a credential'),
}).and('expires', 'signature');

export const mediaRoutes = (controller: Controller): Endpoint[] => [
  endpoint<CreateMediaInput>({
    method: 'post',
    path: '/api/media',
    access: 'messages:write',
    bodyLimit: BODY_LIMIT,
    upload: true,
    tag: 'Media',
    summary: 'Store a file for messages to carry',
    description:
      'As a multipart form with the field `file` (streamed, of any size that the limits allow), or as JSON with `media` ' +
      '(base64) or `mediaUrl`, which is fetched in the background. In a form `type` stands before the file. A file that ' +
      'is not what its type, or the ending of its name, says is refused.',
    input: {
      headers: idempotencyHeaders,
      body: Joi.object({
        ...mediaFields,
        type: Joi.string()
          .valid(...MEDIA_KINDS)
          .description('What it is to be sent as; its limits apply. Without it, what the file is by nature'),
      })
        .xor('file', 'media', 'mediaUrl')
        .example({ media: 'aGVsbG8=', fileName: 'hello.txt' }) as Joi.ObjectSchema<CreateMediaInput['body']>,
    },
    output: { 201: media },
    problems: ['idempotency_mismatch', 'unprocessable', 'invalid_url', 'quota_exceeded'],
    handler: controller.create,
  }),
  endpoint<ListMediaInput>({
    method: 'get',
    path: '/api/media',
    access: 'messages:read',
    tag: 'Media',
    summary: 'List media, newest first',
    input: { query: Joi.object(page) },
    output: { 200: listOf(media) },
    problems: [],
    handler: controller.list,
  }),
  endpoint<OpenMediaInput>({
    method: 'get',
    path: '/api/media/:id',
    access: 'messages:read',
    isLinked: true,
    tag: 'Media',
    summary: 'Download the file of a media',
    description:
      'With credentials, or by a signed link, which expires. Always an attachment. Takes a `Range` of bytes. Answers ' +
      '409 with `Retry-After` while the file is being fetched.',
    input: { params, query: signed },
    output: { 200: file, 206: file },
    problems: ['not_found', 'media_not_stored', 'range_not_satisfiable'],
    handler: controller.open,
  }),
  endpoint<MediaInput>({
    method: 'get',
    path: '/api/media/:id/info',
    access: 'messages:read',
    tag: 'Media',
    summary: 'What is known of a media, with a fresh link to its file',
    input: { params },
    output: { 200: media },
    problems: ['not_found'],
    handler: controller.find,
  }),
  endpoint<MediaInput>({
    method: 'delete',
    path: '/api/media/:id',
    access: 'messages:write',
    tag: 'Media',
    summary: 'Remove a media and its file',
    description: 'Messages that carried it stay. Refused while a message that has not gone out needs it.',
    input: { params },
    output: { 204: null },
    problems: ['not_found', 'conflict'],
    handler: controller.remove,
  }),
];

/** On the internal listener: where nodes get the files of what they are to send. */
export const nodeMediaRoutes = (controller: Controller): Endpoint[] => [
  endpoint<OpenMediaInput>({
    method: 'get',
    path: '/media/:id',
    operationId: 'getNodeMediaById',
    access: 'node',
    limit: 'none',
    tag: 'Inside',
    summary: 'The file of a message, for the node that sends it',
    input: { params, query: signed },
    output: { 200: file, 206: file },
    problems: ['not_found', 'media_not_stored', 'range_not_satisfiable'],
    handler: controller.openForNode,
  }),
];
