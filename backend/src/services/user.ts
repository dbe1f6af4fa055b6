import type { Wake } from '../clients/wake.js';
import type { Models, Tenancy } from '../models/index.js';
import { sha256 } from '../utils/crypto.js';
import { Problem } from '../utils/problem.js';
import type { Quotas } from '../models/quota.js';
import { isRemoved, type User, type UserSecrets } from '../models/user.js';
import { byAnybody } from './audit.js';
import { userView, type Auth, type UserView } from './auth.js';
import type { Tokens } from './token.js';

/** With what an admin said of this one user; null: as the settings say. */
export interface AdminUserView extends UserView {
  quotas: Record<keyof Quotas, number | null>;
}
export type Users = ReturnType<typeof createUsers>;

/** From where settings come. */
const NOWHERE = { ip: null, device: null };

const adminView = (user: User): AdminUserView => ({
  ...userView(user),
  quotas: {
    phones: user.quotas.phones ?? null,
    messagesPerDay: user.quotas.messagesPerDay ?? null,
    mediaBytes: user.quotas.mediaBytes ?? null,
  },
});

/** What an admin does with users. */
export function createUsers(deps: {
  tenancy: Pick<Tenancy, 'inTenant' | 'inTenants' | 'shared'>;
  auth: Pick<Auth, 'register'>;
  passwords: { verify(password: string, hash: string | null): Promise<boolean> };
  tokens: Pick<Tokens, 'newSecret'>;
  wake: Pick<Wake, 'hint'>;
  /** What is remembered of a user in this process does not hold any more. */
  forget: (userId: number) => void;
}) {
  const { tenancy, auth, passwords, tokens, wake, forget } = deps;

  /** A disabled user's phones send nothing, and nothing that waits is lost. */
  async function setActive(models: Models, userId: number, isActive: boolean): Promise<void> {
    await models.users.setActive(userId, isActive);
    await models.lanes.setOpenOfUser(userId);
    if (isActive) return;
    // Whoever was signed in is not once they are enabled again: it may be for somebody who is not them that they were disabled.
    await models.users.setJwtSecret(userId, tokens.newSecret(userId));
    await models.sessions.revokeAll(userId, 'disabled');
    await models.mailTokens.endAll(userId);
  }

  /**
   * Both as they are, until the transaction ends: of two admins who disable each other at once one is late. What is known of who
   * asks is a second old.
   */
  async function lockBoth(models: Models, actorId: number, userId: number) {
    const rows = new Map<number, UserSecrets | null>();
    for (const id of [actorId, userId].sort((a, b) => a - b))
      rows.set(id, await models.users.lockSecrets(id));
    const actor = rows.get(actorId);
    if (!actor?.isActive || actor.role !== 'admin')
      throw new Problem('forbidden', 'You are no admin any more');
    return rows.get(userId) ?? null;
  }

  async function byEmail(email: string, after: number): Promise<AdminUserView[]> {
    const userId = (await tenancy.shared.credentials.findByEmail(email))?.userId;
    if (userId === undefined || userId <= after) return [];
    const user = await tenancy.inTenant(userId, (models) => models.users.find(userId));
    return user ? [adminView(user)] : [];
  }

  /** Several processes start at once, each with the same settings: one of them registers, and the others find who that made. */
  async function registered(email: string, password: string): Promise<number> {
    // Nobody else can take a name with a colon.
    const username = `admin:${sha256(email).toString('hex').slice(0, 8)}`;
    try {
      return (await auth.register({ username, email, password }, NOWHERE)).user.id;
    } catch (error) {
      const made = await tenancy.shared.credentials.findByEmail(email);
      if (!made) throw error;
      return made.userId;
    }
  }

  return {
    /**
     * Whoever has this address and password is an admin; where nobody has the address, somebody is made who does. False: it
     * is somebody's with another password who is no admin. Anybody can register with any address, so that proves nothing.
     */
    async ensureAdmin({ email, password }: { email: string; password: string }): Promise<boolean> {
      const known = await tenancy.shared.credentials.findByEmail(email);
      const found =
        known && (await tenancy.inTenant(known.userId, (models) => models.users.findSecrets(known.userId)));
      if (found?.role === 'admin') return true;
      if (found && !(await passwords.verify(password, found.passwordHash))) return false;
      const id = found?.id ?? (await registered(email, password));
      await tenancy.inTenant(id, async (models) => {
        await models.users.setRole(id, 'admin');
        await models.audit.append({
          ...byAnybody('ADMIN_EMAIL', id),
          target: 'admin',
          fields: ['role'],
          status: 200,
          ip: null,
        });
      });
      return true;
    },

    /** By id; with `email`, whoever has that address, in any case of its letters. */
    async list(page: {
      after: number;
      limit: number;
      email: string | undefined;
    }): Promise<{ data: AdminUserView[]; hasMore: boolean }> {
      if (page.email !== undefined) return { data: await byEmail(page.email, page.after), hasMore: false };
      const ids = await tenancy.shared.userIds(page.after, page.limit + 1);
      const shown = ids.slice(0, page.limit);
      const rows = shown.length === 0 ? [] : await tenancy.inTenants(shown, (models) => models.users.list());
      return { data: rows.map(adminView), hasMore: ids.length > page.limit };
    },

    /**
     * Disabled, their tokens, keys and sockets stop within a second and their phones stop sending; enabled, what waited goes
     * out; they sign in anew. Problems: not_found, conflict (an admin disables or demotes themselves), forbidden (no admin any more).
     */
    async update(
      actorId: number,
      userId: number,
      to: { isActive?: boolean; role?: 'user' | 'admin'; quotas?: Record<string, number | null> },
    ): Promise<AdminUserView> {
      const isAboutPowers = to.isActive !== undefined || to.role !== undefined;
      if (isAboutPowers && actorId === userId)
        throw new Problem('conflict', 'Ask another admin to change you');
      const found = await tenancy.inTenants([actorId, userId], async (models) => {
        const user = await lockBoth(models, actorId, userId);
        if (!user || isRemoved(user)) return null;
        if (to.role !== undefined) await models.users.setRole(userId, to.role);
        if (to.isActive !== undefined) await setActive(models, userId, to.isActive);
        if (to.quotas !== undefined) await models.quotas.setQuotas(userId, to.quotas);
        return models.users.find(userId);
      });
      if (!found) throw new Problem('not_found', `There is no user ${userId}`);
      forget(userId);
      wake.hint('lane');
      return adminView(found);
    },
  };
}
