import { randomBytes } from 'node:crypto';
import { Secret, TOTP } from 'otpauth';
import type { Models, Tenancy } from '../models/index.js';
import type { User } from '../models/user.js';
import { encodeBase32 } from '../utils/base32.js';
import { sha256, type Sealer } from '../utils/crypto.js';
import { Problem } from '../utils/problem.js';
import type { Notices } from './notice.js';
import type { Proofs } from './proof.js';

export type SecondFactors = ReturnType<typeof createSecondFactors>;

/** As authenticator apps take it (RFC 6238 with its defaults): six digits of SHA-1, each for 30 seconds. */
const PERIOD = 30;
const ISSUER = 'Evolution Gateway';
const SECRET_BYTES = 20;
const RECOVERY_CODES = 10;
/**
 * Codes that may be tried in an hour by who knows the password. Of a million, three are right at a time: whoever goes on like
 * this for a year has a chance of one in four. Recovery codes cannot be guessed, and are always looked at.
 */
const TRIES = { most: 10, window: 3600 };
const DIGITS = /^\d{6}$/;

/** 80 random bits, in groups that can be read aloud. */
const newRecoveryCode = (): string => encodeBase32(randomBytes(10)).match(/.{4}/g)!.join('-');
const recoveryHash = (code: string): Buffer => sha256(code.toLowerCase().replace(/[^0-9a-z]/g, ''));

export const sealedFor = (userId: number): string => `totp:${userId}`;
const digitsOf = (code: string): string | null => {
  const digits = code.replace(/\s/g, '');
  return DIGITS.test(digits) ? digits : null;
};
type Noticed = Pick<User, 'id' | 'email' | 'username'>;
const totpOf = (secret: string, label: string) =>
  new TOTP({ issuer: ISSUER, label, period: PERIOD, secret: Secret.fromBase32(secret) });

const wrong = (pointer: string, detail: string) =>
  new Problem('unprocessable', detail, { errors: [{ pointer, code: 'wrong', detail }] });

/** Codes from an authenticator app as the second thing that signing in takes, and codes for who lost it. */
export function createSecondFactors(deps: {
  tenancy: Pick<Tenancy, 'inTenant'>;
  proofs: Pick<Proofs, 'of' | 'use'>;
  sealer: Pick<Sealer, 'seal' | 'open'>;
  notices: Notices;
}) {
  const { tenancy, proofs, sealer, notices } = deps;

  /** A code works once, also within its time (RFC 6238, 5.2); one step to either side, as clocks differ. */
  async function uses(models: Pick<Models, 'secondFactors'>, userId: number, code: string): Promise<boolean> {
    const { secret } = await models.secondFactors.find(userId);
    if (secret === null) return false;
    const digits = digitsOf(code);
    if (digits === null) return models.secondFactors.useRecovery(userId, recoveryHash(code));
    const delta = totpOf(sealer.open(secret, sealedFor(userId)), '').validate({ token: digits, window: 1 });
    if (delta === null) return false;
    return models.secondFactors.useStep(userId, Math.floor(Date.now() / 1000 / PERIOD) + delta);
  }

  return {
    /**
     * Counts a code of somebody who knows the password, or has a link that is good; before the transaction in which it is
     * demanded, as that is undone when it is wrong. Problem: too_many_requests.
     */
    async count(user: Noticed, code: string | undefined): Promise<void> {
      if (code === undefined || digitsOf(code) === null) return;
      const { tries, left } = await tenancy.inTenant(user.id, (models) =>
        models.secondFactors.countTry(user.id, TRIES.window),
      );
      if (tries === TRIES.most) notices.tell(user, 'codesGuessed');
      if (tries > TRIES.most)
        throw new Problem('too_many_requests', 'Too many codes were tried: use a recovery code, or wait', {
          retryAfter: left,
        });
    },

    /**
     * In the caller's transaction, which must be committed when this throws nothing. Problem: second_factor_required (no
     * code, a wrong one, one that was used).
     */
    async demand(
      models: Pick<Models, 'secondFactors'>,
      userId: number,
      code: string | undefined,
    ): Promise<void> {
      if (!(await models.secondFactors.find(userId)).isEnabled) return;
      if (code === undefined) throw new Problem('second_factor_required');
      if (!(await uses(models, userId, code)))
        throw new Problem('second_factor_required', 'The code is wrong, or was used already');
    },

    /** A new secret for an authenticator app, in force once a code of it was seen. Problems: unprocessable, conflict. */
    async setUp(userId: number, currentPassword: string): Promise<{ secret: string; uri: string }> {
      const user = await proofs.of(userId, currentPassword);
      const secret = new Secret({ size: SECRET_BYTES }).base32;
      return proofs.use(user, async (models) => {
        if ((await models.secondFactors.find(userId)).isEnabled)
          throw new Problem('conflict', 'It is enabled already; disable it first');
        await models.secondFactors.setSecret(userId, sealer.seal(secret, sealedFor(userId)));
        return { secret, uri: totpOf(secret, user.email).toString() };
      });
    },

    /** In force from now on. The codes are shown this once. Problems: conflict, unprocessable (a wrong code). */
    async enable(userId: number, code: string): Promise<{ recoveryCodes: string[] }> {
      const { user, recoveryCodes } = await tenancy.inTenant(userId, async (models) => {
        // Another secret may be about to be set up: it would be in force without a code of it.
        const user = await models.users.lockSecrets(userId);
        const { secret, isEnabled } = await models.secondFactors.find(userId);
        if (isEnabled || secret === null)
          throw new Problem('conflict', isEnabled ? 'It is enabled already' : 'Set it up first');
        if (!(await uses(models, userId, code))) throw wrong('/code', 'The code is wrong');
        const recoveryCodes = Array.from({ length: RECOVERY_CODES }, newRecoveryCode);
        await models.secondFactors.enable(userId, recoveryCodes.map(recoveryHash));
        return { user, recoveryCodes };
      });
      if (user) notices.tell(user, 'secondFactorOn');
      return { recoveryCodes };
    },

    /** Problems: conflict (it is not enabled), unprocessable (a wrong password or code). */
    async disable(userId: number, request: { currentPassword: string; code: string }): Promise<void> {
      const user = await proofs.of(userId, request.currentPassword);
      await this.count(user, request.code);
      await proofs.use(user, async (models) => {
        if (!(await models.secondFactors.find(userId)).isEnabled)
          throw new Problem('conflict', 'It is not enabled');
        if (!(await uses(models, userId, request.code))) throw wrong('/code', 'The code is wrong');
        await models.secondFactors.setSecret(userId, null);
      });
      notices.tell(user, 'secondFactorOff');
    },
  };
}
