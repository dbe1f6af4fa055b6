import { createHmac } from 'node:crypto';
import { deriveKey, safeEqual } from './crypto.js';

export interface SignedQuery {
  /** Seconds since 1970. */
  expires: number;
  signature: string;
}
/**
 * Who a link is for: a user or a node, of a media; a customer, of a phone to connect; whoever loads an export while its user has
 * this token version.
 */
export type Audience = 'user' | 'node' | 'connect' | `export ${number}`;

export interface LinkSigner {
  sign(thing: { id: number; userId: number }, audience: Audience, expires: Date): SignedQuery;
  /** Whose it is, when the link is whole and has not expired; else null. */
  verify(id: number, audience: Audience, query: SignedQuery): number | null;
}

const OWNER_BYTES = 6;
const MAC_BYTES = 24;

/** Whose a link claims to be, before anything is verified; null: it is not whole. */
export function claimedOwner({ signature }: Pick<SignedQuery, 'signature'>): number | null {
  const bytes = Buffer.from(signature, 'base64url');
  const isWhole = bytes.length === OWNER_BYTES + MAC_BYTES && bytes.toString('base64url') === signature;
  return isWhole ? bytes.readUIntBE(0, OWNER_BYTES) : null;
}

/**
 * Links that open one thing until a moment, for whoever has them: HMAC-SHA-256 under a key derived from `secret`, cut to
 * 192 bits, over id, owner, audience and time. The owner's id is part of the signature, since a link is all there is to
 * find a row behind row-level security. Links signed under `previous` open too.
 */
export function linkSigner(secret: string, previous?: string): LinkSigner {
  const keys = [secret, ...(previous ? [previous] : [])].map((text) => deriveKey(text, 'media link v1', 32));
  const mac = (key: Buffer, about: string): Buffer =>
    createHmac('sha256', key).update(about).digest().subarray(0, MAC_BYTES);
  const about = (id: number, owner: number, audience: Audience, expires: number) =>
    `${audience} ${id} ${owner} ${expires}`;

  return {
    sign({ id, userId }, audience, at) {
      const expires = Math.floor(at.getTime() / 1000);
      const owner = Buffer.alloc(OWNER_BYTES);
      owner.writeUIntBE(userId, 0, OWNER_BYTES);
      const signature = Buffer.concat([owner, mac(keys[0]!, about(id, userId, audience, expires))]);
      return { expires, signature: signature.toString('base64url') };
    },

    verify(id, audience, { expires, signature }) {
      const owner = claimedOwner({ signature });
      if (owner === null) return null;
      const given = Buffer.from(signature, 'base64url').subarray(OWNER_BYTES);
      const isRight = keys.some((key) => safeEqual(mac(key, about(id, owner, audience, expires)), given));
      return isRight && expires * 1000 > Date.now() ? owner : null;
    },
  };
}
