import axios from 'axios';
import { badRequest, nodeError } from '../http/errors.js';
import { sizeOf } from '../network/media.js';
import { bytes, type Json } from '../utils/json.js';
import type { Context } from './context.js';
import type { Content } from './outgoing.js';

/** A file as a call brings it: uploaded, named by a URL, or as base64 without a `data:` prefix. */
export interface FileInput {
  readonly source: unknown;
  readonly upload?:
    { readonly buffer: Buffer; readonly mimetype: string; readonly originalname: string } | undefined;
}

export interface LoadedFile {
  readonly data: Buffer;
  readonly mimetype: string | null;
  readonly fileName: string | null;
  readonly from: 'upload' | 'url' | 'base64';
}

const TYPES: Record<string, string> = {
  png: 'image/png',
  jpg: 'image/jpeg',
  jpeg: 'image/jpeg',
  webp: 'image/webp',
  gif: 'image/gif',
  mp4: 'video/mp4',
  pdf: 'application/pdf',
  txt: 'text/plain',
  wav: 'audio/wav',
  ogg: 'audio/ogg',
  mp3: 'audio/mpeg',
};

/** The smallest picture that is a JPEG, where a real node would draw a thumbnail. */
const THUMBNAIL = Buffer.from(
  '/9j/4AAQSkZJRgABAQEAYABgAAD/2wBDAP//////////////////////////////////////////////////////////////////////////////////////wAALCAABAAEBAREA/8QAFAABAAAAAAAAAAAAAAAAAAAAAv/EABQQAQAAAAAAAAAAAAAAAAAAAAD/2gAIAQEAAD8AfwD/2Q==',
  'base64',
);

const typeByName = (name: string): string | null => TYPES[name.split('.').pop()?.toLowerCase() ?? ''] ?? null;

const isUrl = (text: string): boolean => /^https?:\/\//.test(text) && URL.canParse(text);
const isBase64 = (text: string): boolean =>
  text.length > 0 && text.length % 4 === 0 && /^[A-Za-z0-9+/]+={0,2}$/.test(text);

/** @throws 500 with the client library's own words when a URL does not answer. */
const download = async (url: string): Promise<LoadedFile> => {
  try {
    const response = await axios.get<ArrayBuffer>(url, { responseType: 'arraybuffer' });
    const name = new URL(url).pathname.split('/').pop() ?? '';
    const type = String(response.headers['content-type'] ?? '').split(';')[0] || null;
    return {
      data: Buffer.from(response.data),
      mimetype: type ?? typeByName(name),
      fileName: name || null,
      from: 'url',
    };
  } catch (error) {
    throw nodeError(500, [String(error)]);
  }
};

/** @throws 400 for what is neither a URL nor base64, as `data:` URLs are. */
export const loadFile = async ({ source, upload }: FileInput): Promise<LoadedFile> => {
  if (upload)
    return { data: upload.buffer, mimetype: upload.mimetype, fileName: upload.originalname, from: 'upload' };
  const text = typeof source === 'string' ? source : '';
  if (isUrl(text)) return download(text);
  if (!isBase64(text)) throw badRequest('Owned media must be a url or base64');
  return { data: Buffer.from(text, 'base64'), mimetype: null, fileName: null, from: 'base64' };
};

/** Refuses before anything is fetched. */
export const checkSource = ({ source, upload }: FileInput): void => {
  const text = typeof source === 'string' ? source : '';
  if (!upload && !isUrl(text) && !isBase64(text)) throw badRequest('Owned media must be a url or base64');
};

const IMAGE_LISTS = { interactiveAnnotations: [], scanLengths: [], annotations: [] };

const DEFAULT_TYPES: Record<string, string> = {
  image: 'image/jpeg',
  video: 'video/mp4',
  audio: 'audio/mp4',
  document: 'application/octet-stream',
};

/** Media messages: the file goes to the network's store, the message points there. */
export const createFiles = ({ media }: Pick<Context, 'media'>) => {
  const imageFields = (file: LoadedFile): Json => {
    const size = file.from === 'base64' ? null : sizeOf(file.data);
    return size ? { ...size, jpegThumbnail: bytes(THUMBNAIL) } : {};
  };
  const content = (
    type: string,
    fields: Json,
    { file, text }: { file: LoadedFile; text: string },
  ): Content => ({
    type,
    message: { [type]: fields },
    text,
    uploads: true,
    file: file.data,
  });
  return {
    media: async (file: LoadedFile, body: Json): Promise<Content> => {
      const kind = String(body['mediatype']);
      const fileName = (body['fileName'] as string) || file.fileName || undefined;
      const mimetype = String(
        body['mimetype'] || file.mimetype || (fileName && typeByName(fileName)) || DEFAULT_TYPES[kind],
      );
      const caption = body['caption'] === undefined ? {} : { caption: body['caption'] };
      const stored = await media.upload(file.data, mimetype);
      const extra =
        kind === 'image'
          ? imageFields(file)
          : kind === 'document'
            ? { fileName: fileName ?? 'document' }
            : {};
      const fields = { ...(kind === 'image' ? IMAGE_LISTS : {}), ...stored, ...caption, ...extra };
      return content(`${kind}Message`, fields, {
        file,
        text: String(body['caption'] ?? fileName ?? `[${kind}]`),
      });
    },
    voice: async (file: LoadedFile): Promise<Content> => {
      const stored = await media.upload(file.data, 'audio/ogg; codecs=opus');
      const waveform = bytes(Buffer.alloc(64, 50));
      return content(
        'audioMessage',
        { ...stored, seconds: 1, ptt: true, waveform },
        { file, text: '[audio]' },
      );
    },
    sticker: async (file: LoadedFile): Promise<Content> =>
      content('stickerMessage', await media.upload(file.data, 'image/webp'), { file, text: '[sticker]' }),
    roundVideo: async (file: LoadedFile): Promise<Content> =>
      content('ptvMessage', await media.upload(file.data, 'video/mp4'), { file, text: '[ptv]' }),
  };
};

export type Files = ReturnType<typeof createFiles>;
