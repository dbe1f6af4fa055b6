import type { Tenancy } from '../models/index.js';
import type { User } from '../models/user.js';
import { batcher } from '../utils/batch.js';
import { Problem } from '../utils/problem.js';
import { userView, type UserView } from './auth.js';
import type { Notices } from './notice.js';
import type { Proofs } from './proof.js';
import type { SecondFactors } from './second-factor.js';
import type { Issued, Origin, Sessions } from './session.js';
import type { Tokens } from './token.js';

export type Accounts = ReturnType<typeof createAccounts>;

/** What a user does to their own account. */
export function createAccounts(deps: {
  tenancy: Pick<Tenancy, 'inTenant' | 'readingMany'>;
  passwords: { hash(password: string): Promise<string> };
  proofs: Pick<Proofs, 'of' | 'use'>;
  tokens: Pick<Tokens, 'newSecret'>;
  sessions: Pick<Sessions, 'begin'>;
  secondFactors: Pick<SecondFactors, 'count' | 'demand'>;
  notices: Notices;
  /** What is remembered of a user in this process does not hold any more. */
  forget: (userId: number) => void;
}) {
  const { tenancy, passwords, proofs, tokens, sessions, secondFactors, notices, forget } = deps;

  /** Who asks while others are being answered is answered with the next ones: a transaction costs more than a row. */
  const lookups = batcher<number, User | null>({
    async flush(userIds) {
      const ids = [...new Set(userIds)];
      const found = await tenancy.readingMany(ids, (models) => models.users.listByIds(ids));
      const byId = new Map(found.map((user) => [user.id, user]));
      return userIds.map((id) => byId.get(id) ?? null);
    },
    maxBatch: 200,
    maxQueue: 5000,
    isolate: (error) => !(error instanceof Problem && error.code === 'unavailable'),
  });

  async function existing(userId: number): Promise<User> {
    const user = await lookups.add(userId);
    if (!user) throw new Problem('not_found', `There is no user ${userId}`);
    return user;
  }

  return {
    find: async (userId: number): Promise<UserView> => userView(await existing(userId)),

    /** Problem: already_registered (names the field). */
    async rename(userId: number, username: string): Promise<UserView> {
      const isFree = await tenancy.inTenant(userId, (models) => models.users.setName(userId, username));
      if (isFree) return userView(await existing(userId));
      const detail = 'This username is registered already';
      throw new Problem('already_registered', detail, {
        errors: [{ pointer: '/username', code: 'taken', detail }],
      });
    },

    /**
     * Ends every session and every token, and begins a session anew. Problems: unprocessable (the present one is wrong),
     * second_factor_required, too_many_requests.
     */
    async changePassword(
      userId: number,
      request: { currentPassword: string; newPassword: string; code?: string },
      origin: Origin,
    ): Promise<Issued> {
      const user = await proofs.of(userId, request.currentPassword);
      await secondFactors.count(user, request.code);
      const passwordHash = await passwords.hash(request.newPassword);
      const jwtSecret = tokens.newSecret(userId);
      const issued = await proofs.use(user, async (models) => {
        await secondFactors.demand(models, userId, request.code);
        await models.users.setPassword(userId, { passwordHash, jwtSecret });
        await models.sessions.revokeAll(userId, 'password_changed');
        await models.mailTokens.endPending(userId);
        const now = (await models.users.findSecrets(userId))!;
        return sessions.begin(models, now, origin);
      });
      forget(userId);
      notices.tell(user, 'password');
      return issued;
    },

    /** Ends every session, and every token, also those that were made of keys. Keys live on. */
    async signOutEverywhere(userId: number): Promise<void> {
      const jwtSecret = tokens.newSecret(userId);
      await tenancy.inTenant(userId, async (models) => {
        await models.users.setJwtSecret(userId, jwtSecret);
        await models.sessions.revokeAll(userId, 'all_signed_out');
        await models.mailTokens.endPending(userId);
      });
      forget(userId);
    },
  };
}
