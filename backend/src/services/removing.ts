import type { Storage } from '../clients/storage.js';
import type { Wake } from '../clients/wake.js';
import type { Logger } from '../config/logger.js';
import type { Job } from '../models/job.js';
import type { Tenancy } from '../models/index.js';
import { Problem } from '../utils/problem.js';
import { backoff } from './job.js';
import type { PhoneLife } from './phone-life.js';
import type { Proofs } from './proof.js';
import type { SecondFactors } from './second-factor.js';
import type { Tokens } from './token.js';

export type Removing = ReturnType<typeof createRemoving>;

const ROWS_A_BATCH = 2000;
const PHONES_A_PAGE = 100;
/** Seconds until nodes that had not forgotten a phone are asked about again: soon at first, as most are there. */
const AGAIN = 2;
const MOST_AGAIN = 60;

/** The end of an account, with all that is known of its user, here and on the nodes. */
export function createRemoving(deps: {
  tenancy: Pick<Tenancy, 'inTenant'>;
  proofs: Pick<Proofs, 'of' | 'use'>;
  secondFactors: Pick<SecondFactors, 'count' | 'demand'>;
  tokens: Pick<Tokens, 'newSecret'>;
  life: Pick<PhoneLife, 'remove'>;
  storage: Pick<Storage, 'remove'>;
  wake: Pick<Wake, 'hint'>;
  forget: (userId: number) => void;
  logger: Logger;
}) {
  const { tenancy, proofs, secondFactors, tokens, life, storage, wake, forget, logger } = deps;

  async function removePhones(userId: number, renew: () => Promise<void>): Promise<void> {
    for (;;) {
      const page = await tenancy.inTenant(userId, (models) =>
        models.phones.list({ after: 0, limit: PHONES_A_PAGE, offset: 0 }),
      );
      for (const { id } of page) await life.remove(userId, id);
      await renew();
      if (page.length < PHONES_A_PAGE) return;
    }
  }

  async function removeRows(userId: number, renew: () => Promise<void>): Promise<void> {
    let from: number | null = 0;
    while (from !== null) {
      const at: number = from;
      from = await tenancy.inTenant(userId, (models) => models.removal.removeRows(userId, ROWS_A_BATCH, at));
      await renew();
    }
    let files: string[];
    do {
      files = await tenancy.inTenant(userId, (models) => models.removal.removeFiles(userId, ROWS_A_BATCH));
      // One that cannot be removed now is met again as a file without a row.
      for (const key of files) if (key) await storage.remove(key).catch(() => undefined);
      await renew();
    } while (files.length > 0);
  }

  return {
    /**
     * At once nothing of it can be used any more; all that is known goes in the background. Problems: unprocessable (a wrong
     * password), second_factor_required, too_many_requests, conflict (an admin).
     */
    async begin(userId: number, request: { currentPassword: string; code?: string }): Promise<void> {
      const user = await proofs.of(userId, request.currentPassword);
      if (user.role === 'admin')
        throw new Problem('conflict', 'Ask another admin to make you a user first: there has to be one');
      await secondFactors.count(user, request.code);
      const jwtSecret = tokens.newSecret(userId);
      await proofs.use(user, async (models) => {
        await secondFactors.demand(models, userId, request.code);
        await models.removal.blankUser(userId);
        await models.users.setJwtSecret(userId, jwtSecret);
        // Whatever of it could still be presented while the rest goes, or if an admin enabled it just then.
        await models.sessions.revokeAll(userId, 'removed');
        await models.apiKeys.revokeAll(userId);
        await models.mailTokens.endAll(userId);
        await models.jobs.add(userId, 'remove', null);
      });
      forget(userId);
      wake.hint('job');
    },

    /** Seconds until it is to be done again, as a node has yet to forget a phone; null: nothing is left. */
    async run({ userId, tries }: Job, renew: () => Promise<void>): Promise<number | null> {
      await removePhones(userId, renew);
      await tenancy.inTenant(userId, (models) => models.removal.blankPhones(userId));
      await removeRows(userId, renew);
      const left = await tenancy.inTenant(userId, (models) => models.removal.countLeft(userId));
      wake.hint('check');
      if (left > 0) return backoff(tries, AGAIN, MOST_AGAIN);
      await tenancy.inTenant(userId, (models) => models.removal.removeUser(userId));
      logger.info('user removed', { userId });
      return null;
    },
  };
}
