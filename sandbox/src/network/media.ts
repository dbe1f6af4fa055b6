import { createHash, randomBytes } from 'node:crypto';
import type { Database } from '../store/database.js';
import { bytes, long, type Json } from '../utils/json.js';
import { nowSeconds } from '../utils/time.js';

export interface Picture {
  readonly width: number;
  readonly height: number;
}

/** Width and height of a PNG or JPEG, read from its header; null for anything else. */
export const sizeOf = (data: Buffer): Picture | null => {
  if (data.length > 24 && data.readUInt32BE(0) === 0x89504e47)
    return { width: data.readUInt32BE(16), height: data.readUInt32BE(20) };
  if (data.length < 4 || data.readUInt16BE(0) !== 0xffd8) return null;
  for (let at = 2; at + 9 < data.length; at += 2 + data.readUInt16BE(at + 2)) {
    const marker = data.readUInt16BE(at);
    if (marker >= 0xffc0 && marker <= 0xffcf && ![0xffc4, 0xffc8, 0xffcc].includes(marker))
      return { width: data.readUInt16BE(at + 7), height: data.readUInt16BE(at + 5) };
  }
  return null;
};

/** What the network keeps of uploaded files, and the fields by which messages point to them. */
export const createMedia = (db: Database) => ({
  /** @returns the fields that a media message carries: address, hashes, key and length. */
  upload: async (data: Buffer, mimetype: string): Promise<Json> => {
    const directPath = `/v/t62.7118-24/${randomBytes(18).toString('base64url')}_n.enc?ccb=11-4&oh=01_SANDBOX&oe=66000000&_nc_sid=5e03e0`;
    await db.query('insert into whatsapp.media (path, mimetype, bytes) values ($1, $2, $3)', [
      directPath,
      mimetype,
      data,
    ]);
    return {
      url: `https://mmg.whatsapp.net${directPath}&mms3=true`,
      mimetype,
      fileSha256: bytes(createHash('sha256').update(data).digest()),
      fileLength: long(data.length, true),
      mediaKey: bytes(randomBytes(32)),
      fileEncSha256: bytes(randomBytes(32)),
      directPath,
      mediaKeyTimestamp: long(nowSeconds()),
    };
  },
  download: async (directPath: string): Promise<Buffer | null> => {
    const { rows } = await db.query<{ bytes: Buffer }>('select bytes from whatsapp.media where path = $1', [
      directPath,
    ]);
    return rows[0]?.bytes ?? null;
  },
});

export type MediaStore = ReturnType<typeof createMedia>;
