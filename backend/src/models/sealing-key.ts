import type { Db } from '../config/postgres.js';
import { sql } from '../utils/sql.js';

/** The ids of the secrets that this database's secrets are sealed under. They belong to nobody. */
export const sealingKeyModel = (db: Db) => ({
  /**
   * Adds `ids[0]`, which seals from now on, unless something was sealed under a secret that is not among `ids`: then it
   * adds nothing and returns false. Of two processes with different secrets on an empty database one gets in.
   */
  async claim(ids: readonly string[]): Promise<boolean> {
    await db.query(sql`select pg_advisory_xact_lock(hashtext('sealing'))`);
    const foreign = await db.query(sql`select id from sealing_keys where id <> all (${ids}::text[])`);
    if (foreign.length > 0) return false;
    await db.query(sql`insert into sealing_keys (id) values (${ids[0]}) on conflict do nothing`);
    return true;
  },

  /** Nothing is sealed under another key than this any more. */
  async keepOnly(id: string): Promise<void> {
    await db.query(sql`select keep_sealing_key(${id})`);
  },
});
