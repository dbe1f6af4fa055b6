import { createSecretKey, type KeyObject } from 'node:crypto';
import jwt from 'jsonwebtoken';
import { randomToken, type Sealer } from '../utils/crypto.js';

const AUDIENCE = 'evolution-gateway';

export interface TokenClaims {
  userId: number;
  tokenVersion: number;
  /** Absent in a token that was made of an API key: it ends with its time, or with all of its user's. */
  sessionId: string | null;
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

  issue(
    userId: number,
    user: { jwtSecret: string; tokenVersion: number; sessionId?: string },
  ): { token: string; expiresIn: number } {
    const key = this.unseal(userId, user.jwtSecret);
    const token = jwt.sign(
      { ver: user.tokenVersion, ...(user.sessionId ? { sid: user.sessionId } : {}) },
      key,
      {
        algorithm: 'HS256',
        subject: String(userId),
        audience: AUDIENCE,
        expiresIn: deps.expiresIn,
      },
    );
    return { token, expiresIn: deps.expiresIn };
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
      const { sub, ver, sid } = claims as jwt.JwtPayload & { ver: unknown; sid: unknown };
      const sessionId = typeof sid === 'string' ? sid : null;
      return { userId: Number(sub), tokenVersion: Number(ver), sessionId };
    } catch {
      return null;
    }
  },
});
