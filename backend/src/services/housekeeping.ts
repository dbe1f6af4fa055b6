import type { Logger } from '../config/logger.js';
import type { Tenancy } from '../models/index.js';

export type Housekeeping = ReturnType<typeof createHousekeeping>;

const USERS_A_PAGE = 200;
const ROWS_A_BATCH = 1000;

/** Clears away what has done its work: idempotency keys, parked acks, facts and quarantine past their time. */
export const createHousekeeping = (deps: {
  tenancy: Pick<Tenancy, 'inTenants' | 'shared'>;
  logger: Logger;
  /** Days that facts and quarantined posts are kept. A fact that comes again after that would count again. */
  keepDays: number;
}) => ({
  /** One round over all users. Returns how many rows went. */
  async sweep(): Promise<number> {
    const { tenancy, logger, keepDays } = deps;
    let total = 0;
    let users = await tenancy.shared.userIds(0, USERS_A_PAGE);
    while (users.length > 0) {
      const page = users;
      let cleared: number;
      do {
        cleared = await tenancy.inTenants(page, (models) =>
          models.housekeeping.clear(keepDays, ROWS_A_BATCH),
        );
        total += cleared;
      } while (cleared >= ROWS_A_BATCH);
      users = await tenancy.shared.userIds(page.at(-1)!, USERS_A_PAGE);
    }
    for (let gone = ROWS_A_BATCH; gone >= ROWS_A_BATCH; total += gone)
      gone = await tenancy.shared.clearHeads(ROWS_A_BATCH);
    if (total > 0) logger.info('housekeeping', { cleared: total });
    return total;
  },
});
