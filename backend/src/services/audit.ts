import type { Tenancy } from '../models/index.js';
import type { AuditEntry } from '../models/audit.js';

export type AuditView = Omit<AuditEntry, 'at'> & { at: string };
export type Audit = ReturnType<typeof createAudit>;

const view = ({ at, ...entry }: AuditEntry): AuditView => ({ ...entry, at: at.toISOString() });
/** From where an admin did it is not for the user it was done to. */
const ownView = (entry: AuditEntry): AuditView => {
  const isByAdmin = entry.actorId !== null && entry.actorId !== entry.userId;
  return view(isByAdmin ? { ...entry, credential: null, ip: null } : entry);
};

interface Page {
  before: number | undefined;
  limit: number;
}

/** Of what was done to an account by somebody who was not identified. */
export const byAnybody = (action: string, userId: number) => ({
  userId,
  actorId: null,
  credential: null,
  action,
  target: null,
  fields: [],
  requestId: null,
});

/** Who did what to what, from where; nothing in it is ever changed. */
export function createAudit({ tenancy }: { tenancy: Pick<Tenancy, 'inTenant' | 'inTenants' | 'shared'> }) {
  const pageOf = (rows: readonly AuditEntry[], limit: number, shown = view) => ({
    data: rows.slice(0, limit).map(shown),
    hasMore: rows.length > limit,
  });

  return {
    append: (entry: Omit<AuditEntry, 'id' | 'at'>): Promise<void> =>
      tenancy.inTenant(entry.userId, (models) => models.audit.append(entry)),

    /** A user's own, the latest first. */
    list: async (userId: number, page: Page): Promise<{ data: AuditView[]; hasMore: boolean }> =>
      pageOf(
        await tenancy.inTenant(userId, (models) => models.audit.list({ ...page, limit: page.limit + 1 })),
        page.limit,
        ownView,
      ),

    /** Of all users, or of one, the latest first; for admins. */
    async listAll(
      page: Page & { userId: number | undefined },
    ): Promise<{ data: AuditView[]; hasMore: boolean }> {
      const found = await tenancy.shared.latestAudit({ ...page, limit: page.limit + 1 });
      const userIds = [...new Set(found.map((one) => one.userId))];
      if (userIds.length === 0) return { data: [], hasMore: false };
      const ids = found.map(({ id }) => id);
      const rows = await tenancy.inTenants(userIds, (models) => models.audit.findMany(ids));
      return pageOf(rows, page.limit);
    },
  };
}
