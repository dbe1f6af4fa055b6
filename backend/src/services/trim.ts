import type { Logger } from '../config/logger.js';
import type { Tenancy } from '../models/index.js';

export type Trim = ReturnType<typeof createTrim>;

const USERS_A_PAGE = 200;
const EVENTS_A_USER = 50;
const DAY_MS = 86_400_000;

/**
 * Cuts ledgers at their old end, with the Deliveries that have ended. No gap is left: what still waits to be delivered
 * keeps all that is newer.
 */
export const createTrim = (deps: {
  tenancy: Pick<Tenancy, 'inTenants' | 'shared'>;
  logger: Logger;
  /** 0: for ever. */
  settings: { keepDays: number };
}) => ({
  /** One round over all users. Returns how many events went. */
  async sweep(): Promise<number> {
    const { tenancy, logger, settings } = deps;
    if (settings.keepDays === 0) return 0;
    const before = new Date(Date.now() - settings.keepDays * DAY_MS);
    let total = 0;
    let users = await tenancy.shared.userIds(0, USERS_A_PAGE);
    while (users.length > 0) {
      const page = users;
      let gone: number;
      do {
        gone = await tenancy.inTenants(page, (models) =>
          models.housekeeping.trimEvents(before, EVENTS_A_USER),
        );
        total += gone;
      } while (gone > 0);
      users = await tenancy.shared.userIds(page.at(-1)!, USERS_A_PAGE);
    }
    if (total > 0) logger.info('ledgers trimmed', { events: total });
    return total;
  },
});
