import { Router, type Request, type RequestHandler } from 'express';
import multer from 'multer';
import { badRequest } from '../http/errors.js';
import type { Guards } from '../http/middleware.js';
import { handle } from '../http/respond.js';
import { validate, type Schema } from '../http/schema.js';
import {
  buttonsContent,
  contactContent,
  locationContent,
  pollContent,
  reactionContent,
  textContent,
} from '../node/content.js';
import { checkSource, loadFile, type FileInput, type Files, type LoadedFile } from '../node/files.js';
import type { Registry } from '../node/registry.js';
import type { Content, SendOptions } from '../node/outgoing.js';
import type { Send } from '../node/send.js';
import { asObject, type Json } from '../utils/json.js';

interface Needs {
  readonly guards: Guards;
  readonly registry: Registry;
  readonly sender: Send;
  readonly files: Files;
}

const NUMBER: Schema = {
  type: 'string',
  pattern: /^\d+[.@\w-]+|^\+?[\d\s()-]+$|^\D+$/,
  description: 'Invalid format',
};
const TEXT: Schema = { type: 'string' };

const bodySchema = (required: readonly string[], properties: Record<string, Schema> = {}): Schema => ({
  type: 'object',
  required,
  properties: { number: NUMBER, ...properties },
});

const SCHEMAS = {
  text: bodySchema(['number', 'text'], { text: TEXT }),
  media: bodySchema(['number', 'mediatype'], {
    mediatype: { type: 'string', enum: ['image', 'document', 'video', 'audio'] },
  }),
  file: bodySchema(['number']),
  location: bodySchema(['number', 'latitude', 'longitude', 'name', 'address'], {
    latitude: { type: 'number' },
    longitude: { type: 'number' },
  }),
  contact: bodySchema(['number', 'contact'], { contact: { type: 'array', minItems: 1 } }),
  poll: bodySchema(['number', 'name', 'selectableCount', 'values'], {
    selectableCount: { type: 'integer' },
    values: { type: 'array', minItems: 2, items: TEXT },
  }),
  reaction: {
    type: 'object',
    required: ['key', 'reaction'],
    properties: { key: { type: 'object', required: ['id', 'remoteJid', 'fromMe'] }, reaction: TEXT },
  },
  buttons: bodySchema(['number'], { buttons: { type: 'array' } }),
  list: bodySchema(['number', 'title', 'buttonText', 'sections']),
  status: {
    type: 'object',
    required: ['type'],
    properties: { type: { type: 'string', enum: ['text', 'image', 'audio', 'video'] } },
  },
} satisfies Record<string, Schema>;

/** Multipart bodies carry every field as text; real nodes take those too. */
const upload: RequestHandler = multer({ storage: multer.memoryStorage() }).single('file');

const optionsOf = (body: Json): SendOptions => ({
  delay: Number(body['delay'] ?? 0),
  quoted: body['quoted'] === undefined ? undefined : asObject(body['quoted']),
  mentioned: body['mentioned'] as string[] | undefined,
  mentionsEveryOne: body['mentionsEveryOne'] === true || body['mentionsEveryOne'] === 'true',
});

interface Call {
  readonly path: string;
  readonly schema: Schema;
  /** The method whose absence another node's instance shows. */
  readonly reading: string;
  /** Makes what is to be said, or throws what a real node throws for it. */
  readonly content: (body: Json, req: Request) => Promise<Content> | Content;
  /** The recipient, where it is not `number`. */
  readonly to?: (body: Json) => string;
}

const fileOf = (req: Request, field: string): FileInput => ({
  source: asObject(req.body)[field],
  upload: req.file,
});

const mediaCalls = (files: Files): Call[] => {
  const load = async (req: Request, field: string): Promise<LoadedFile> => loadFile(fileOf(req, field));
  return [
    {
      path: 'sendMedia',
      schema: SCHEMAS.media,
      reading: 'mediaMessage',
      content: async (body, req) => {
        checkSource(fileOf(req, 'media'));
        const isBase64 = !req.file && !/^https?:/.test(String(body['media']));
        if (body['mediatype'] === 'document' && isBase64 && !body['fileName'])
          throw badRequest('For base64 the file name must be informed.');
        return files.media(await load(req, 'media'), body);
      },
    },
    {
      path: 'sendWhatsAppAudio',
      schema: SCHEMAS.file,
      reading: 'audioWhatsapp',
      content: async (_body, req) => files.voice(await load(req, 'audio')),
    },
    {
      path: 'sendSticker',
      schema: SCHEMAS.file,
      reading: 'mediaSticker',
      content: async (_body, req) => files.sticker(await load(req, 'sticker')),
    },
    {
      path: 'sendPtv',
      schema: SCHEMAS.file,
      reading: 'ptvMessage',
      content: async (_body, req) => files.roundVideo(await load(req, 'video')),
    },
  ];
};

/** A text status; pictures go the way of media. */
const statusContent =
  (files: Files) =>
  async (body: Json): Promise<Content> => {
    const text = String(body['content'] ?? '');
    if (!text) throw badRequest('Content is required');
    if (body['type'] === 'text') return { ...textContent(text), bare: true };
    const file = await loadFile({ source: text });
    return { ...(await files.media(file, { ...body, mediatype: body['type'] })), bare: true };
  };

const plainCalls = (files: Files): Call[] => [
  {
    path: 'sendText',
    schema: SCHEMAS.text,
    reading: 'textMessage',
    content: (body) => textContent(body['text']),
  },
  { path: 'sendLocation', schema: SCHEMAS.location, reading: 'locationMessage', content: locationContent },
  {
    path: 'sendContact',
    schema: SCHEMAS.contact,
    reading: 'contactMessage',
    content: (body) => contactContent(body['contact'] as never),
  },
  { path: 'sendPoll', schema: SCHEMAS.poll, reading: 'pollMessage', content: pollContent },
  {
    path: 'sendReaction',
    schema: SCHEMAS.reaction,
    reading: 'reactionMessage',
    content: reactionContent,
    to: (body) => String(asObject(body['key'])['remoteJid']),
  },
  { path: 'sendButtons', schema: SCHEMAS.buttons, reading: 'buttonMessage', content: buttonsContent },
  {
    path: 'sendList',
    schema: SCHEMAS.list,
    reading: 'listMessage',
    content: () => {
      // A defect of the recorded version: it loses the 64-bit numbers of a list, for every body.
      throw badRequest('TypeError: this.isZero is not a function');
    },
  },
  {
    path: 'sendStatus',
    schema: SCHEMAS.status,
    reading: 'statusMessage',
    content: statusContent(files),
    to: () => 'status@broadcast',
  },
];

export const messageRoutes = ({ guards, registry, sender, files }: Needs): Router => {
  const router = Router();
  for (const { path, schema, reading, content, to } of [...plainCalls(files), ...mediaCalls(files)]) {
    router.post(
      `/${path}/:instanceName`,
      guards.ofInstance,
      upload,
      handle(async (req) => {
        const body = validate(req.body, schema);
        const instance = registry.get(String(req.params['instanceName']), reading);
        const said = await content(body, req);
        const recipient = await sender.recipientOf(instance, to ? to(body) : String(body['number']));
        return [201, (await sender.send(instance, recipient, said, optionsOf(body))) as unknown as Json];
      }),
    );
  }
  return router;
};
