import type { Logger } from '../config/logger.js';
import type { Tenancy } from '../models/index.js';

export type Trim = ReturnType<typeof createTrim>;

const USERS_A_PAGE = 200;
const EVENTS_A_USER = 50;
const HELD_A_BATCH = 500;
const DAY_MS = 86_400_000;
/** Before all that there is. */
const NEVER = new Date(0);

/**
 * Cuts ledgers at their old end, with the Deliveries that have ended. No gap is left: what still waits to be delivered
 * keeps all that is newer. What a webhook that is switched off is owed waits only so long.
 */
export const createTrim = (deps: {
  tenancy: Pick<Tenancy, 'inTenants' | 'shared'>;
  logger: Logger;
  /** `keepDays` 0: for ever. `heldFor` in seconds. */
  settings: { keepDays: number; heldFor: number };
}) => ({
  /** One round over all users. Returns how many events went. */
  async sweep(): Promise<number> {
    const { tenancy, logger, settings } = deps;
    // Users may keep theirs for fewer days, also where the gateway keeps all of them.
    const before = settings.keepDays === 0 ? NEVER : new Date(Date.now() - settings.keepDays * DAY_MS);
    const heldBefore = new Date(Date.now() - settings.heldFor * 1000);
    let total = 0;
    let users = await tenancy.shared.userIds(0, USERS_A_PAGE);
    while (users.length > 0) {
      const page = users;
      await untilNone(() =>
        tenancy.inTenants(page, (models) => models.deliveries.expireHeld(heldBefore, HELD_A_BATCH)),
      );
      total += await untilNone(() =>
        tenancy.inTenants(page, (models) => models.housekeeping.trimEvents(before, EVENTS_A_USER)),
      );
      users = await tenancy.shared.userIds(page.at(-1)!, USERS_A_PAGE);
    }
    if (total > 0) logger.info('ledgers trimmed', { events: total });
    return total;
  },
});

async function untilNone(work: () => Promise<number>): Promise<number> {
  let total = 0;
  for (let count = await work(); count > 0; count = await work()) total += count;
  return total;
}
