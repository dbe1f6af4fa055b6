import { randomBytes } from 'node:crypto';
import { BASE32, encodeBase32 } from './base32.js';
import { publicId, sha256 } from './crypto.js';

/** Of the whole key, which has 160 random bits: a slow hash would protect nothing more. */
type Hash = Buffer;

const KEY = new RegExp(`^ev_(${BASE32}{26})${BASE32}{32}${BASE32}{7}$`);
const CHECKSUM_LENGTH = 7;

/**
 * CRC-32 (IEEE 802.3): it changes with *every* change of one character or swap of two neighbours, which a hash cut to
 * the same length would only do almost always. It is no protection against guessing, and need not be.
 */
function crc32(text: string): number {
  let crc = 0xffffffff;
  for (let i = 0; i < text.length; i++) {
    crc ^= text.charCodeAt(i);
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  }
  return ~crc >>> 0;
}

function checksum(text: string): string {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(crc32(text));
  return encodeBase32(bytes);
}

/** A key whole, from all of it but its checksum: that anybody can make, and proves nothing. */
export const withChecksum = (body: string): string => body + checksum(body);

/**
 * A new key: `ev_`, the 26 characters of its id, 32 of its secret, 7 of a checksum. `key` is shown once and never stored;
 * `id` (`key_…`) finds its row, which holds `hash`, the SHA-256 of the key.
 */
export function createApiKey(): { key: string; id: string; hash: Hash } {
  const id = publicId('key');
  const body = `ev_${id.slice('key_'.length)}${encodeBase32(randomBytes(20))}`;
  const key = withChecksum(body);
  return { key, id, hash: sha256(key) };
}

/** What to look up and to compare; null for a text that is no key of ours or was mistyped, so that it costs no query. */
export function parseApiKey(text: string): { id: string; hash: Hash } | null {
  const [, id] = KEY.exec(text) ?? [];
  if (!id || withChecksum(text.slice(0, -CHECKSUM_LENGTH)) !== text) return null;
  return { id: `key_${id}`, hash: sha256(text) };
}
