import { ownerOfKey, type Storage } from '../clients/storage.js';
import type { Logger } from '../config/logger.js';
import type { Tenancy } from '../models/index.js';

export type MediaKeep = ReturnType<typeof createMediaKeep>;

const USERS_A_PAGE = 200;
const ROWS_A_BATCH = 200;

/** Removes media past their time, and files that no row names. */
export function createMediaKeep(deps: {
  tenancy: Pick<Tenancy, 'inTenants' | 'shared'>;
  storage: Storage;
  logger: Logger;
  /** Seconds that a file may be there without a row, as it is between its last byte and the commit. */
  settings: { orphanAge: number };
}) {
  const { tenancy, storage, logger, settings } = deps;

  /** A file that cannot be removed now is an orphan, and is met again. */
  const removeFiles = async (keys: readonly (string | null)[]): Promise<void> => {
    for (const key of keys) if (key) await storage.remove(key).catch(() => undefined);
  };

  /** Of these users, in batches, so that no statement holds many rows for long. */
  async function removeExpired(users: readonly number[]): Promise<number> {
    let total = 0;
    let keys: (string | null)[];
    do {
      keys = await tenancy.inTenants(users, (models) => models.media.removeExpired(ROWS_A_BATCH));
      await removeFiles(keys);
      total += keys.length;
    } while (keys.length === ROWS_A_BATCH);
    return total;
  }

  return {
    /** One round over all users. Returns how many media went. */
    async sweep(): Promise<number> {
      let total = 0;
      let users = await tenancy.shared.userIds(0, USERS_A_PAGE);
      while (users.length > 0) {
        total += await removeExpired(users);
        users = await tenancy.shared.userIds(users.at(-1)!, USERS_A_PAGE);
      }
      if (total > 0) logger.info('media retention', { removed: total });
      return total;
    },

    /** One round over all files. Returns how many had no row: their process ended in between, or their user is gone. */
    async sweepFiles(): Promise<number> {
      let total = 0;
      for await (const keys of storage.list(new Date(Date.now() - settings.orphanAge * 1000))) {
        if (keys.length === 0) continue;
        const owners = [...new Set(keys.map((key) => ownerOfKey(key)!))];
        const orphans = await tenancy.inTenants(owners, (models) => models.media.orphans(keys));
        await removeFiles(orphans);
        total += orphans.length;
      }
      if (total > 0) logger.info('media files without a row', { removed: total });
      return total;
    },
  };
}
