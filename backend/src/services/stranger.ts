import type { Wake } from '../clients/wake.js';
import type { Logger } from '../config/logger.js';
import type { Tenancy } from '../models/index.js';
import { strangerEvent } from './change.js';

export type Strangers = ReturnType<typeof createStrangers>;

const USERS_A_PAGE = 200;
const CHANGES_A_BATCH = 500;
/** A message that was overtaken by its edit or deletion comes within seconds, or after its node's next try. Milliseconds. */
const PATIENCE_MS = 60_000;

/** Tells of edits and deletions whose message does not come: from before the phone was paired, or removed here. */
export const createStrangers = (deps: {
  tenancy: Pick<Tenancy, 'inTenant' | 'inTenants' | 'shared'>;
  wake: Pick<Wake, 'hint'>;
  logger: Logger;
  patienceMs?: number;
}) => {
  const { tenancy, wake, logger } = deps;

  async function tell(userId: number, before: Date): Promise<number> {
    const told = await tenancy.inTenant(userId, async (models) => {
      await models.events.lockCounter(userId);
      const changes = await models.changes.markTold(userId, before, CHANGES_A_BATCH);
      const events = [];
      for (const change of changes) {
        const phone = await models.phones.find(change.phoneId);
        if (phone) events.push(strangerEvent(change, phone.phoneNumber));
      }
      if (events.length > 0) await models.events.append(userId, events);
      return changes.length;
    });
    wake.hint('events', userId);
    wake.hint('delivery');
    return told;
  }

  return {
    /** One round over all users. Returns how many changes were told of. */
    async sweep(): Promise<number> {
      const before = new Date(Date.now() - (deps.patienceMs ?? PATIENCE_MS));
      let total = 0;
      let page = await tenancy.shared.userIds(0, USERS_A_PAGE);
      while (page.length > 0) {
        const waiting = await tenancy.inTenants(page, (models) => models.changes.usersWithUntold(before));
        for (const userId of waiting) {
          let told: number;
          do {
            told = await tell(userId, before);
            total += told;
          } while (told >= CHANGES_A_BATCH);
        }
        page = await tenancy.shared.userIds(page.at(-1)!, USERS_A_PAGE);
      }
      if (total > 0) logger.info('changes of unknown messages', { changes: total });
      return total;
    },
  };
};
