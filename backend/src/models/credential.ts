import type { Db } from '../config/postgres.js';
import { sql } from '../utils/sql.js';

export interface Credential {
  userId: number;
  secretHash: Buffer | null;
}

/** Cross-tenant by nature: from what a stranger presents to the tenant it belongs to. Ids and hashes only. */
export const credentialModel = (db: Db) => {
  const find = async (lookup: ReturnType<typeof sql>): Promise<Credential | null> => {
    const [row] = await db.query<Credential>(
      sql`select user_id as "userId", secret_hash as "secretHash" from find_credential(${lookup})`,
    );
    return row ?? null;
  };
  return {
    findByEmail: (email: string) => find(sql`email_lookup(${email})`),
    findByKey: (keyId: string) => find(sql`${`key:${keyId}`}`),
    findByPlacement: (placementId: string) => find(sql`${`placement:${placementId}`}`),
  };
};
