import type { Db } from '../config/postgres.js';
import { raw, sql } from '../utils/sql.js';

/** Who did what to what, from where. */
export interface AuditEntry {
  id: number;
  userId: number;
  /** Who did it; an admin may act in another user's view. */
  actorId: number | null;
  /** The key or session that they used. */
  credential: string | null;
  /** `POST /api/keys` */
  action: string;
  target: string | null;
  /** Names of the fields that the request gave. */
  fields: string[];
  /** How it was answered. */
  status: number;
  ip: string | null;
  requestId: string | null;
  at: Date;
}

const columns =
  raw(`id, user_id as "userId", actor_id as "actorId", credential, action, target, fields, status, host(ip) as ip,
  request_id as "requestId", at`);

export interface AuditPage {
  before: number | undefined;
  limit: number;
}

/** Append-only: the role that serves requests may neither change nor remove a row. */
export const auditModel = (db: Db) => ({
  async append(entry: Omit<AuditEntry, 'id' | 'at'>): Promise<void> {
    await db.query(sql`
      insert into audit (user_id, actor_id, credential, action, target, fields, status, ip, request_id)
      values (${entry.userId}, ${entry.actorId}, ${entry.credential}, ${entry.action}, ${entry.target},
              ${entry.fields}::text[], ${entry.status}, ${entry.ip}::inet, ${entry.requestId})`);
  },

  /** Of the users in context, the latest first. */
  list: ({ before, limit }: AuditPage) =>
    db.query<AuditEntry>(sql`
      select ${columns} from audit where (${before ?? null}::bigint is null or id < ${before ?? null})
       order by id desc limit ${limit}`),

  /** Those of these ids that are in reach, the latest first. */
  findMany: (ids: readonly number[]) =>
    db.query<AuditEntry>(
      sql`select ${columns} from audit where id = any (${[...ids]}::bigint[]) order by id desc`,
    ),

  /** Of all users: ids only. */
  latest: ({ before, limit, userId }: AuditPage & { userId: number | undefined }) =>
    db.query<{ id: number; userId: number }>(sql`
      select id, user_id as "userId" from latest_audit(${before ?? null}, ${userId ?? null}, ${limit})`),
});
