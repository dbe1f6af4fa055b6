import { createHash, randomBytes } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Answer } from './client.js';

/** Files that are what they say, of any size. */
export const png = (size = 200): Buffer =>
  Buffer.concat([
    Buffer.from('89504e470d0a1a0a0000000d49484452000000400000004008020000002500000000', 'hex').subarray(
      0,
      33,
    ),
    Buffer.from('00010000', 'hex'),
    Buffer.from('IDAT'),
    randomBytes(size),
  ]);
export const jpeg = (size = 200): Buffer =>
  Buffer.concat([Buffer.from('ffd8ffe000104a46494600010100000100010000', 'hex'), randomBytes(size)]);
export const pdf = (size = 200): Buffer => Buffer.concat([Buffer.from('%PDF-1.7\n'), randomBytes(size)]);
export const mp4 = (size = 200): Buffer =>
  Buffer.concat([Buffer.from('0000001c667479706d703432000000006d70343269736f6d', 'hex'), randomBytes(size)]);
export const ogg = (size = 200): Buffer =>
  Buffer.concat([
    Buffer.from('4f67675300020000000000000000', 'hex'),
    Buffer.alloc(14),
    Buffer.from('OpusHead'),
    randomBytes(size),
  ]);
export const webp = (size = 200, animated = false): Buffer => {
  const flags = Buffer.from([animated ? 2 : 0, 0, 0, 0]);
  const body = Buffer.concat([
    Buffer.from('WEBPVP8X'),
    Buffer.from('0a000000', 'hex'),
    flags,
    randomBytes(size),
  ]);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(body.length);
  return Buffer.concat([Buffer.from('RIFF'), length, body]);
};
export const windowsProgram = (): Buffer =>
  Buffer.concat([Buffer.from('MZ'), Buffer.alloc(58), randomBytes(300)]);

export const hashOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

export interface Part {
  bytes: Buffer;
  /** As it is written, to the byte. */
  name?: string;
  type?: string;
}

/** A form as a browser writes it, or as one who means harm does: names are not escaped. */
export function form(
  fields: Record<string, string>,
  file?: Part,
  field = 'file',
): { body: Buffer; type: string } {
  const boundary = `b${randomBytes(12).toString('hex')}`;
  const parts = Object.entries(fields).map(
    ([name, value]) => `--${boundary}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`,
  );
  const head =
    file &&
    `--${boundary}\r\nContent-Disposition: form-data; name="${field}"; filename="${file.name ?? 'file'}"\r\n` +
      `Content-Type: ${file.type ?? 'application/octet-stream'}\r\n\r\n`;
  const body = Buffer.concat([
    Buffer.from(parts.join('')),
    ...(file ? [Buffer.from(head!, 'utf8'), file.bytes, Buffer.from('\r\n')] : []),
    Buffer.from(`--${boundary}--\r\n`),
  ]);
  return { body, type: `multipart/form-data; boundary=${boundary}` };
}

export async function postForm(
  url: string,
  credentials: { token: string },
  made: { body: Buffer; type: string },
  headers: Record<string, string> = {},
): Promise<Answer> {
  const answer = await fetch(url, {
    method: 'POST',
    headers: { authorization: `Bearer ${credentials.token}`, 'content-type': made.type, ...headers },
    body: new Uint8Array(made.body),
  });
  const text = await answer.text();
  return { status: answer.status, headers: answer.headers, body: text ? JSON.parse(text) : null };
}

/** Every file below a folder, temporary ones too. */
export const filesIn = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
