import { createSecretKey, type KeyObject } from 'node:crypto';
import jwt from 'jsonwebtoken';
import { randomToken, type Sealer } from '../utils/crypto.js';

const AUDIENCE = 'evolution-gateway';

export interface TokenClaims {
  userId: number;
  tokenVersion: number;
  /** Where its user signed in; null in a token that was made of an API key. */
  sessionId: string | null;
  /** The API key that it was made of: it may do what that key may, as long as that lives. */
  keyId: string | null;
}

export type Tokens = ReturnType<typeof createTokens>;

export const context = (userId: number) => `jwt:${userId}`;
/** A raw buffer costs jsonwebtoken fifty times as much as a KeyObject, on every verification. */
const keyOf = (secret: string): KeyObject => createSecretKey(secret, 'base64url');

/** JWTs, each user's signed with a secret of its own, which is stored sealed. `expiresIn` in seconds. */
export const createTokens = (deps: { sealer: Sealer; expiresIn: number }) => ({
  /** A sealed secret for a new user, or to end all of a user's tokens. */
  newSecret: (userId: number): string => deps.sealer.seal(randomToken(), context(userId)),

  unseal: (userId: number, sealed: string): KeyObject => keyOf(deps.sealer.open(sealed, context(userId))),

  /** Of a session, or of a key, which it does not outlive. */
  issue(
    user: { id: number; jwtSecret: string; tokenVersion: number },
    of: { sessionId: string } | { keyId: string; expiresAt: Date | null },
  ): { token: string; expiresIn: number } {
    const [claim, end] =
      'sessionId' in of ? [{ sid: of.sessionId }, null] : [{ key: of.keyId }, of.expiresAt];
    const left = end === null ? Infinity : Math.floor((end.getTime() - Date.now()) / 1000);
    const expiresIn = Math.max(0, Math.min(deps.expiresIn, left));
    const token = jwt.sign({ ver: user.tokenVersion, ...claim }, this.unseal(user.id, user.jwtSecret), {
      algorithm: 'HS256',
      subject: String(user.id),
      audience: AUDIENCE,
      expiresIn,
    });
    return { token, expiresIn };
  },

  /** Whose token it claims to be, before anything is verified: it tells which secret to verify with. */
  claimedUser(token: string): number | null {
    const claimed = Number((jwt.decode(token) as jwt.JwtPayload | null)?.sub);
    return Number.isSafeInteger(claimed) && claimed > 0 ? claimed : null;
  },

  /** Null for every flaw alike: signature, algorithm, audience, expiry. */
  verify(token: string, key: KeyObject): TokenClaims | null {
    try {
      const claims = jwt.verify(token, key, { algorithms: ['HS256'], audience: AUDIENCE }) as jwt.JwtPayload;
      const { sub, ver, sid, key: of } = claims as jwt.JwtPayload & Record<'ver' | 'sid' | 'key', unknown>;
      const text = (claim: unknown) => (typeof claim === 'string' ? claim : null);
      return { userId: Number(sub), tokenVersion: Number(ver), sessionId: text(sid), keyId: text(of) };
    } catch {
      return null;
    }
  },
});
