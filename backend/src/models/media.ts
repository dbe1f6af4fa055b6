import type { Db } from '../config/postgres.js';
import type { MediaKind } from '../utils/media-type.js';
import { raw, sql } from '../utils/sql.js';

export interface Media {
  id: number;
  userId: number;
  status: 'pending' | 'stored' | 'failed';
  source: 'upload' | 'link' | 'base64' | 'inbound';
  url: string | null;
  kind: MediaKind;
  mimetype: string | null;
  fileName: string | null;
  size: number | null;
  /** Hex. */
  sha256: string | null;
  storageKey: string | null;
  reason: string | null;
  attempts: number;
  createdAt: Date;
  storedAt: Date | null;
  expiresAt: Date | null;
}

export interface NewMedia {
  userId: number;
  status: Media['status'];
  source: Media['source'];
  kind: MediaKind;
  url?: string | null;
  mimetype: string | null;
  fileName: string | null;
  size?: number | null;
  sha256?: Buffer | null;
  storageKey?: string | null;
  /** Days until it may be removed; null: never. */
  keptDays: number | null;
}

/** What a file turned out to be. */
export interface StoredFile {
  mimetype: string;
  fileName: string;
  size: number;
  sha256: Buffer;
  storageKey: string;
}

export interface MediaClaim {
  id: number;
  userId: number;
  leaseId: string;
}

const columns =
  raw(`id, user_id as "userId", status, source, url, kind, mimetype, file_name as "fileName", size,
  encode(sha256, 'hex') as sha256, storage_key as "storageKey", reason, attempts, created_at as "createdAt",
  stored_at as "storedAt", expires_at as "expiresAt"`);

const days = (count: number | null) => sql`now() + make_interval(days => ${count}::integer)`;

/** Statuses of messages that may still need their media. */
const NEEDED = raw(`('scheduled', 'queued', 'sending', 'unknown')`);

export const mediaModel = (db: Db) => ({
  async create(media: NewMedia): Promise<Media> {
    const [row] = await db.query<Media>(sql`
      insert into media (user_id, status, source, kind, url, mimetype, file_name, size, sha256, storage_key, stored_at,
                         expires_at)
      values (${media.userId}, ${media.status}, ${media.source}, ${media.kind}, ${media.url ?? null}, ${media.mimetype},
              ${media.fileName}, ${media.size ?? null}, ${media.sha256 ?? null}, ${media.storageKey ?? null},
              case when ${media.status} = 'stored' then now() end, ${days(media.keptDays)})
      returning ${columns}`);
    return row!;
  },

  /** Puts it up for fetching, in the transaction that made it. */
  async queue(media: Pick<Media, 'id' | 'userId'>): Promise<void> {
    await db.query(sql`select queue_media(${media.userId}, ${media.id})`);
  },

  async find(id: number): Promise<Media | null> {
    return (await db.query<Media>(sql`select ${columns} from media where id = ${id}`))[0] ?? null;
  },

  async findForUpdate(id: number): Promise<Media | null> {
    return (await db.query<Media>(sql`select ${columns} from media where id = ${id} for update`))[0] ?? null;
  },

  /** The same link, asked for in the same way, that is still to be fetched. */
  async findPending(link: {
    userId: number;
    url: string;
    kind: string;
    mimetype: string | null;
  }): Promise<Media | null> {
    const [row] = await db.query<Media>(sql`
      select ${columns} from media
       where user_id = ${link.userId} and status = 'pending' and md5(url) = md5(${link.url}) and url = ${link.url}
         and source = 'link' and kind = ${link.kind} and mimetype is not distinct from ${link.mimetype}
       order by id limit 1`);
    return row ?? null;
  },

  /** Newest first. */
  list: (filter: { userId: number; before: number | undefined; limit: number; offset: number }) =>
    db.query<Media>(sql`
      select ${columns} from media
       where user_id = ${filter.userId} and id < ${filter.before ?? Number.MAX_SAFE_INTEGER}
       order by id desc limit ${filter.limit} offset ${filter.offset}`),

  async setStored(id: number, file: StoredFile): Promise<Media> {
    const [row] = await db.query<Media>(sql`
      update media set status = 'stored', mimetype = ${file.mimetype}, file_name = ${file.fileName}, size = ${file.size},
             sha256 = ${file.sha256}, storage_key = ${file.storageKey}, reason = null, stored_at = now(),
             attempts = attempts + 1, next_try_at = null
       where id = ${id} returning ${columns}`);
    return row!;
  },

  async setFailed(id: number, reason: string): Promise<void> {
    await db.query(sql`
      update media set status = 'failed', reason = ${reason}, attempts = attempts + 1, next_try_at = null
       where id = ${id}`);
  },

  /** One that failed is fetched anew, since a message that carries it is to be sent again. */
  async revive({ id, userId }: Pick<Media, 'id' | 'userId'>): Promise<void> {
    await db.query(sql`
      with revived as (
        update media set status = 'pending', reason = null, attempts = 0
         where id = ${id} and status = 'failed' returning id)
      select queue_media(${userId}, id) from revived`);
  },

  /** `seconds` until the next try. */
  async setRetry(id: number, reason: string, seconds: number): Promise<void> {
    await db.query(sql`
      update media set reason = ${reason}, attempts = attempts + 1,
             next_try_at = now() + make_interval(secs => ${seconds})
       where id = ${id}`);
  },

  /** Bytes that a user's files take, with the row locked when it is there, so that two cannot both have the last room. */
  async usage(userId: number): Promise<number> {
    const [row] = await db.query<{ bytes: number }>(
      sql`select bytes from media_usage where user_id = ${userId} for update`,
    );
    return row?.bytes ?? 0;
  },

  /** Whether a message that has not gone out yet needs it. */
  async isAwaited(userId: number, id: number): Promise<boolean> {
    const rows = await db.query(sql`
      select 1 from messages where user_id = ${userId} and media_id = ${id} and status in ${NEEDED} limit 1`);
    return rows.length > 0;
  },

  /** What waits for it to be stored; locked, each chat's in order. */
  listWaiting: (userId: number, id: number) =>
    db.query<{ id: number }>(sql`
      select id from messages
       where user_id = ${userId} and media_id = ${id} and status in ('scheduled', 'queued') order by id for update`),

  /** The message a received file came with. */
  async messageOf(
    userId: number,
    id: number,
  ): Promise<{ phoneId: number; whatsappId: string | null } | null> {
    const [row] = await db.query<{ phoneId: number; whatsappId: string | null }>(sql`
      select phone_number_id as "phoneId", message_id as "whatsappId" from messages
       where user_id = ${userId} and media_id = ${id} order by id limit 1`);
    return row ?? null;
  },

  async remove(id: number): Promise<void> {
    await db.query(sql`delete from media where id = ${id}`);
  },

  /** Removes at most `limit` that are past their time and that no message still needs. Returns their files' keys. */
  async removeExpired(limit: number): Promise<(string | null)[]> {
    const rows = await db.query<{ storageKey: string | null }>(sql`
      with old as (
        select m.id
          from (select id, kept_since(id, 'media', '-infinity') as since from unnest(app_user_ids()) as u (id)) u
         cross join lateral (
          select d.id from media d
           where d.user_id = u.id and (d.expires_at < now() or d.created_at < u.since) and d.status <> 'pending'
             and not exists (select 1 from messages w
                              where w.user_id = d.user_id and w.media_id = d.id and w.status in ${NEEDED})
           order by d.expires_at limit ${limit} for update skip locked) m
         limit ${limit})
      delete from media using old where media.id = old.id returning storage_key as "storageKey"`);
    return rows.map((row) => row.storageKey);
  },

  /** Which of these keys no row names. */
  async orphans(keys: readonly string[]): Promise<string[]> {
    const rows = await db.query<{ key: string }>(sql`
      select k.key from unnest(${[...keys]}::text[]) as k (key)
       where not exists (select 1 from media m where m.storage_key = k.key)
         and not exists (select 1 from exports e where e.storage_key = k.key and e.expires_at > now())`);
    return rows.map((row) => row.key);
  },

  /** Who is still here, of these users. Cross-tenant: ids only, as claims see them. */
  claim: (limit: number, perUser: number, leaseSeconds: number) =>
    db.query<MediaClaim>(sql`
      select id, user_id as "userId", lease_id as "leaseId"
        from claim_media(${limit}, ${perUser}, make_interval(secs => ${leaseSeconds}))`),

  /** `again` in seconds; null: it has ended. False: the lease is another's by now. */
  async finish(claim: MediaClaim, again: number | null): Promise<boolean> {
    const [row] = await db.query<{ done: boolean }>(sql`
      select finish_media(${claim.userId}, ${claim.id}, ${claim.leaseId},
                          now() + make_interval(secs => ${again}::double precision)) as done`);
    return row?.done ?? false;
  },

  /** What waits for it may go now. In the transaction that stored it. */
  async release(media: Pick<Media, 'id' | 'userId'>): Promise<void> {
    await db.query(sql`select release_media(${media.userId}, ${media.id})`);
  },
});
