import type { Wake } from '../clients/wake.js';
import type { Tenancy } from '../models/index.js';
import { Problem } from '../utils/problem.js';
import { userView, type UserView } from './auth.js';

export type Users = ReturnType<typeof createUsers>;

const PHONES_AT_ONCE = 200;

/** What an admin does with users. */
export function createUsers(deps: {
  tenancy: Pick<Tenancy, 'inTenant' | 'inTenants' | 'shared'>;
  wake: Pick<Wake, 'hint'>;
}) {
  const { tenancy, wake } = deps;

  /** Opens or closes what sends: a disabled user's phones send nothing, and nothing that waits is lost. */
  async function setLanes(userId: number): Promise<void> {
    let after = 0;
    for (;;) {
      const phones = await tenancy.inTenant(userId, async (models) => {
        const page = await models.phones.list({ after, limit: PHONES_AT_ONCE, offset: 0 });
        for (const { id, isConnected } of page) await models.lanes.setOpen(userId, id, isConnected);
        return page;
      });
      if (phones.length < PHONES_AT_ONCE) return;
      after = phones.at(-1)!.id;
    }
  }

  return {
    /** By id. */
    async list(page: { after: number; limit: number }): Promise<{ data: UserView[]; hasMore: boolean }> {
      const ids = await tenancy.shared.userIds(page.after, page.limit + 1);
      const shown = ids.slice(0, page.limit);
      const rows = shown.length === 0 ? [] : await tenancy.inTenants(shown, (models) => models.users.list());
      return { data: rows.map(userView), hasMore: ids.length > page.limit };
    },

    /**
     * Disabled, their tokens, keys and sockets stop within a second and their phones stop sending; enabled, what waited goes
     * out. Problems: not_found, conflict (an admin disables or demotes themselves).
     */
    async update(
      actorId: number,
      userId: number,
      to: { isActive?: boolean; role?: 'user' | 'admin' },
    ): Promise<UserView> {
      if (actorId === userId) throw new Problem('conflict', 'Ask another admin to change you');
      const found = await tenancy.inTenant(userId, async (models) => {
        if (!(await models.users.find(userId))) return null;
        if (to.role !== undefined) await models.users.setRole(userId, to.role);
        if (to.isActive !== undefined) await models.users.setActive(userId, to.isActive);
        return models.users.find(userId);
      });
      if (!found) throw new Problem('not_found', `There is no user ${userId}`);
      if (to.isActive !== undefined) await setLanes(userId);
      wake.hint('lane');
      return userView(found);
    },
  };
}
