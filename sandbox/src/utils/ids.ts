import { createHash, randomBytes, randomUUID } from 'node:crypto';

let counter = 0;

/** A row id of the kind real nodes write: `c`, then 24 characters of base 36, rising with time. */
export const rowId = (): string => {
  counter = (counter + 1) % 1_679_616;
  const tail = BigInt(`0x${randomBytes(8).toString('hex')}`)
    .toString(36)
    .padStart(12, '0')
    .slice(-12);
  return `c${Date.now().toString(36)}${counter.toString(36).padStart(4, '0')}${tail}`;
};

/** Message id as a node makes it: `3EB0` and 18 hexadecimal digits. */
export const sentId = (): string => `3EB0${randomBytes(9).toString('hex').toUpperCase()}`;

/** Message id as an iPhone makes it: `3A` and 18 hexadecimal digits; the same seed gives the same id. */
export const phoneId = (seed?: string): string => {
  const bytes =
    seed === undefined ? randomBytes(9) : createHash('sha256').update(seed).digest().subarray(0, 9);
  return `3A${bytes.toString('hex').toUpperCase()}`;
};

export const uuid = (): string => randomUUID();

/** An instance's token when the caller gives none. */
export const tokenId = (): string => randomUUID().toUpperCase();

export const randomBase64 = (bytes: number): string => randomBytes(bytes).toString('base64');

/** Eight characters without the ones people confuse, as shown for pairing without a camera. */
export const pairingCode = (): string =>
  [...randomBytes(8)].map((byte) => '123456789ABCDEFGHJKLMNPQRSTVWXYZ'[byte % 32]).join('');
