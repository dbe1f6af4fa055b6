import { Problem } from '../utils/problem.js';
import type { MediaService } from './media.js';

/** Bytes; what WhatsApp takes as a picture of a profile or a group is small. */
const MAX = 5 * 1024 * 1024;
const TYPES = new Set(['image/jpeg', 'image/png']);

/**
 * Reads a stored image whole, as base64: nodes are given pictures so, as they refuse links to hosts without a dot. Problems:
 * not_found, media_not_stored, unprocessable (no JPEG or PNG, or too large); each names the field.
 */
export const imageReader =
  (media: Pick<MediaService, 'open'>) =>
  async (userId: number, mediaId: number): Promise<string> => {
    const { media: file, read } = await media.open(userId, mediaId);
    if (!TYPES.has(file.mimetype) || file.size > MAX) {
      const detail = `Media ${mediaId} is ${file.mimetype} of ${file.size} bytes; a picture is a JPEG or a PNG of at most ${MAX}`;
      throw new Problem('unprocessable', detail, {
        errors: [{ pointer: '/pictureMediaId', code: 'no_picture', detail }],
      });
    }
    const parts: Buffer[] = [];
    for await (const part of await read()) parts.push(part as Buffer);
    return Buffer.concat(parts).toString('base64');
  };
