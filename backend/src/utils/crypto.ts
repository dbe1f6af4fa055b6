import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  hkdfSync,
  randomBytes,
  timingSafeEqual,
} from 'node:crypto';
import { encodeBase32, encodeTime } from './base32.js';

export interface Sealer {
  /** The id of the key that seals, then those of the others that open. They tell nothing of the keys. */
  readonly keyIds: readonly string[];
  seal(plain: string, context: string): string;
  open(sealed: string, context: string): string;
  /** The same under the key that seals now; null when it is already. */
  reseal(sealed: string, context: string): string | null;
}

const IV_BYTES = 12;
const TAG_BYTES = 16;
const SEALED = /^v1\.([\w-]{11})\.([\w-]{16})\.([\w-]{22,})$/;

/** A key for one purpose, from which neither the secret nor other keys follow (HKDF-SHA-256, RFC 5869). */
export const deriveKey = (secret: string, label: string, bytes: number): Buffer =>
  Buffer.from(hkdfSync('sha256', secret, '', `evolution-gateway ${label}`, bytes));

/** The id is derived beside the key, not from it, so it tells nothing about the key. */
const sealingKey = (secret: string) => ({
  id: deriveKey(secret, 'seal v1 id', 8).toString('base64url'),
  key: deriveKey(secret, 'seal v1', 32),
});

/** Node's decoder skips what it does not know; a text that does not encode back to itself has been changed. */
function decode(text: string): Buffer {
  const bytes = Buffer.from(text, 'base64url');
  if (bytes.toString('base64url') !== text) throw new Error('The sealed text is malformed');
  return bytes;
}

/**
 * Seals secrets that must be read again (webhook secrets, JWT secrets) with AES-256-GCM under a key derived from `secret`
 * (HKDF-SHA-256). Sealed text: `v1.<key id>.<iv>.<tag + ciphertext>`, each base64url. `context` names the row and purpose;
 * it is authenticated, so that a text moved to another row does not open. `open` also takes what was sealed under
 * `previous`; it throws an Error, which tells nothing of the content, for any other key, context or change.
 */
export function sealer(secret: string, previous?: string): Sealer {
  const current = sealingKey(secret);
  const keys = [current, ...(previous ? [sealingKey(previous)] : [])];

  return {
    keyIds: keys.map((key) => key.id),

    reseal(text, context) {
      return text.startsWith(`v1.${current.id}.`) ? null : this.seal(this.open(text, context), context);
    },

    seal(plain, context) {
      const iv = randomBytes(IV_BYTES);
      const cipher = createCipheriv('aes-256-gcm', current.key, iv).setAAD(Buffer.from(context));
      const body = Buffer.concat([cipher.update(plain, 'utf8'), cipher.final()]);
      const sealed = Buffer.concat([cipher.getAuthTag(), body]);
      return `v1.${current.id}.${iv.toString('base64url')}.${sealed.toString('base64url')}`;
    },

    open(text, context) {
      const [, id, iv, sealed] = SEALED.exec(text) ?? [];
      if (!id || !iv || !sealed) throw new Error('The sealed text is malformed');
      const found = keys.find((key) => key.id === id);
      if (!found) throw new Error(`No key ${id}: the text was sealed under another JWT_SECRET`);
      const bytes = decode(sealed);
      const decipher = createDecipheriv('aes-256-gcm', found.key, decode(iv), { authTagLength: TAG_BYTES })
        .setAAD(Buffer.from(context))
        .setAuthTag(bytes.subarray(0, TAG_BYTES));
      return decipher.update(bytes.subarray(TAG_BYTES), undefined, 'utf8') + decipher.final('utf8');
    },
  };
}

export type Minter = ReturnType<typeof minter>;
const MINT = { random: 16, mac: 16 };

/**
 * Texts that nobody guesses, and of which can be told that they were made here, without one of them being kept: 128 random bits,
 * and as many of an HMAC over them and what they are for. 43 characters of base64url. `isOurs` also takes those made under
 * `previous`.
 */
export function minter(secret: string, previous?: string) {
  const keys = [secret, ...(previous ? [previous] : [])].map((text) => deriveKey(text, 'mint v1', 32));
  const mac = (key: Buffer, random: Buffer, purpose: string): Buffer =>
    createHmac('sha256', key).update(random).update(purpose).digest().subarray(0, MINT.mac);
  return {
    mint(purpose: string): string {
      const random = randomBytes(MINT.random);
      return Buffer.concat([random, mac(keys[0]!, random, purpose)]).toString('base64url');
    },
    isOurs(text: string, purpose: string): boolean {
      const bytes = Buffer.from(text, 'base64url');
      const [random, given] = [bytes.subarray(0, MINT.random), bytes.subarray(MINT.random)];
      return keys.some((key) => safeEqual(mac(key, random, purpose), given));
    },
  };
}

/** base64url; 32 random bytes by default. */
export const randomToken = (bytes = 32): string => randomBytes(bytes).toString('base64url');

/**
 * `evt_01m8…`: a prefix and 26 characters (Crockford base32, lower case), which are 48 bits of milliseconds and 80 random
 * bits. Later ids sort after earlier ones, so that inserts stay at one end of an index.
 */
export const publicId = (prefix: 'evt' | 'dlv' | 'key' | 'plc' | 'att' | 'ses' | 'mt'): string =>
  `${prefix}_${encodeTime(Date.now())}${encodeBase32(randomBytes(10))}`;

export const sha256 = (text: string): Buffer => createHash('sha256').update(text).digest();

/** In a time that does not depend on where they differ; false for different lengths. */
export const safeEqual = (a: Buffer, b: Buffer): boolean => a.length === b.length && timingSafeEqual(a, b);

const SECRET_PREFIX = 'whsec_';

/** `whsec_` and 32 random bytes in base64, as Standard Webhooks wants them (24 to 64 bytes). */
export const webhookSecret = (): string => SECRET_PREFIX + randomBytes(32).toString('base64');

/**
 * The value of `webhook-signature` (Standard Webhooks 1.0, "Symmetric signatures"): one `v1,<base64>` for each live
 * secret, separated by spaces, over `<id>.<timestamp>.<body>`. Secrets are `whsec_<base64>`; throws for any other.
 */
export function signWebhook(
  secrets: readonly string[],
  id: string,
  timestampSeconds: number,
  body: string,
): string {
  const content = `${id}.${timestampSeconds}.${body}`;
  const sign = (secret: string) => {
    if (!secret.startsWith(SECRET_PREFIX)) throw new Error('A webhook secret starts with whsec_');
    const key = Buffer.from(secret.slice(SECRET_PREFIX.length), 'base64');
    return `v1,${createHmac('sha256', key).update(content).digest('base64')}`;
  };
  return secrets.map(sign).join(' ');
}
