import type { Wake } from '../clients/wake.js';
import type { Logger } from '../config/logger.js';
import type { Tenancy } from '../models/index.js';
import { overdueEvent } from './event-data.js';

export type Overdue = ReturnType<typeof createOverdue>;

const USERS_A_PAGE = 200;
const MESSAGES_A_BATCH = 500;

/** Tells owners, once a message, that no ack came for what was sent to one person. `ackAfter` in seconds. */
export const createOverdue = (deps: {
  tenancy: Pick<Tenancy, 'inTenant' | 'inTenants' | 'shared'>;
  wake: Pick<Wake, 'hint'>;
  logger: Logger;
  ackAfter: number;
}) => {
  const { tenancy, wake, logger } = deps;

  async function tell(userId: number, before: Date): Promise<number> {
    const told = await tenancy.inTenant(userId, async (models) => {
      await models.events.lockCounter(userId);
      const messages = await models.messages.markOverdue(userId, before, MESSAGES_A_BATCH);
      if (messages.length > 0) await models.events.append(userId, messages.map(overdueEvent));
      return messages.length;
    });
    wake.hint('events', userId);
    wake.hint('delivery');
    return told;
  }

  return {
    /** One round over all users. Returns how many messages were told of. */
    async sweep(): Promise<number> {
      const before = new Date(Date.now() - deps.ackAfter * 1000);
      let total = 0;
      let page = await tenancy.shared.userIds(0, USERS_A_PAGE);
      while (page.length > 0) {
        const silent = await tenancy.inTenants(page, (models) => models.messages.usersWithSilence(before));
        for (const userId of silent) {
          let told: number;
          do {
            told = await tell(userId, before);
            total += told;
          } while (told >= MESSAGES_A_BATCH);
        }
        page = await tenancy.shared.userIds(page.at(-1)!, USERS_A_PAGE);
      }
      if (total > 0) logger.info('overdue', { messages: total });
      return total;
    },
  };
};
