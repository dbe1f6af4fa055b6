import Joi from 'joi';
import { isUpload } from '../utils/upload.js';

/** Where a file comes from, in requests that bring one: one of `file`, `media`, `mediaUrl` (and `mediaId`, in a draft). */

const BASE64_BYTES = 5 * 1024 * 1024;
const BASE64_LENGTH = Math.ceil(BASE64_BYTES / 3) * 4;
/** Of a body with base64 in it. */
export const BODY_LIMIT = BASE64_LENGTH + 256 * 1024;

/** A pattern for all of it would need a stack as long as the text. */
const isBase64 = (text: string): boolean =>
  text.length > 0 && text.length % 4 === 0 && !/[^A-Za-z0-9+/]/.test(text.replace(/={1,2}$/, ''));

export const mediaFields = {
  file: Joi.any()
    .custom((value: unknown, helpers) => (isUpload(value) ? value : helpers.error('media.file')))
    .messages({
      'media.file': '{{#label}} is a file in a multipart form; in JSON use media, mediaUrl or mediaId',
    }),
  media: Joi.string()
    .max(BASE64_LENGTH)
    .custom((value: string, helpers) => {
      if (!isBase64(value)) return helpers.error('string.base64');
      return Buffer.byteLength(value, 'base64') > BASE64_BYTES ? helpers.error('media.long') : value;
    })
    .messages({ 'media.long': '{{#label}} must be at most 5 MB; upload larger files' })
    .description('The file as base64, at most 5 MB of it; no `data:` before it'),
  mediaUrl: Joi.string()
    .max(2048)
    .description('An http(s) link to the file, fetched in the background; the message waits for it')
    .example('https://example.com/picture.jpg'),
  fileName: Joi.string().max(255).description('What the file is called; without it, as it came'),
  mimetype: Joi.string()
    .max(127)
    .pattern(/^[a-z]+\/[\w.+-]+(\s*;.*)?$/i, 'a MIME type such as image/png')
    .description('What the file is; one that is something else is refused'),
};
