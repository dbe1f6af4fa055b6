import type { Logger } from '../config/logger.js';
import type { Tenancy } from '../models/index.js';

export type Retention = ReturnType<typeof createRetention>;

const USERS_A_PAGE = 200;
/** So few that a transaction lasts some tens of milliseconds, and who waits for a row of it hardly notices. */
const ROWS_A_BATCH = 500;
const DAY = 86_400;
/** Before all that there is. */
const NEVER = new Date(0);

/** Removes messages past their time, with all that hangs on them. */
export const createRetention = (deps: {
  tenancy: Pick<Tenancy, 'inTenants' | 'shared'>;
  logger: Logger;
  /** `keepDays` 0: for ever. `idempotencyTtl` in seconds: a key's message is kept as long, so that a replay finds it. */
  settings: { keepDays: number; idempotencyTtl: number };
}) => ({
  /** One round over all users. Returns how many messages went. */
  async sweep(): Promise<number> {
    const { tenancy, logger, settings } = deps;
    const seconds = Math.max(settings.keepDays * DAY, settings.idempotencyTtl);
    // Users may keep theirs for fewer days, also where the gateway keeps all of them.
    const before = settings.keepDays === 0 ? NEVER : new Date(Date.now() - seconds * 1000);
    let total = 0;
    let users = await tenancy.shared.userIds(0, USERS_A_PAGE);
    while (users.length > 0) {
      const page = users;
      total += await inBatches(() =>
        tenancy.inTenants(page, (models) => models.housekeeping.removeMessages(before, ROWS_A_BATCH)),
      );
      await inBatches(() => tenancy.inTenants(page, (models) => models.chats.forget(before, ROWS_A_BATCH)));
      users = await tenancy.shared.userIds(page.at(-1)!, USERS_A_PAGE);
    }
    if (total > 0) logger.info('retention', { removed: total });
    return total;
  },
});

async function inBatches(work: () => Promise<number>): Promise<number> {
  let total = 0;
  let count: number;
  do {
    count = await work();
    total += count;
  } while (count === ROWS_A_BATCH);
  return total;
}
