import type { Db } from '../config/postgres.js';
import { raw, sql } from '../utils/sql.js';
import type { Message, OnUnknown } from './message.js';
import type { Sending } from './phone.js';

/** A claimed lane with the message at its head, in `sending` (or, when `status` says otherwise, only to be settled). */
export interface Send {
  id: number | null;
  userId: number;
  phoneId: number;
  chatKey: string | null;
  leaseId: string;
  /** Sends of this lane in a row that did not leave. */
  failures: number;
  chat: string;
  type: string;
  content: string | null;
  payload: Record<string, unknown> | null;
  mediaId: number | null;
  /** Bytes; null without media. */
  mediaSize: number | null;
  status: string | null;
  /** This one included. */
  attempts: number;
  onUnknown: OnUnknown;
  expiresAt: Date | null;
  requestId: string | null;
  placementId: string | null;
  nodeUrl: string | null;
  nodeName: string | null;
  openedAt: Date | null;
}

export interface LaneEnd {
  /** Seconds this chat waits, since a send of it is in doubt. */
  hold?: number;
  /** Seconds the whole lane waits, since nothing left the gateway. */
  pause?: number;
  /** Nothing leaves until a read-only probe passes. */
  doubt?: boolean;
  /** Something left, so the pace of the phone applies. */
  left?: boolean;
}

export interface ExpiredHead {
  userId: number;
  phoneId: number;
  messageId: number;
  chatKey: string;
}

const sendColumns =
  raw(`id, user_id as "userId", phone_id as "phoneId", chat_key::text as "chatKey", lease_id as "leaseId",
  failures, chat, type, content, payload, media_id as "mediaId", media_size as "mediaSize", status, attempts,
  on_unknown as "onUnknown", expires_at as "expiresAt", request_id as "requestId",
  placement_id as "placementId", node_url as "nodeUrl", node_name as "nodeName", opened_at as "openedAt"`);

const interval = (seconds: number | undefined) => sql`make_interval(secs => ${seconds ?? null})`;

/** The one scheduler: what goes out next, held by leases. chat_key is a 64-bit hash and travels as text. */
export const laneModel = (db: Db) => ({
  /** Claims due lanes fairly and commits their heads as `sending`, in one round trip. `lease` in seconds. */
  claimSends: (limit: number, lease: number) =>
    db.query<Send>(sql`select ${sendColumns} from claim_sends(${limit}, ${interval(lease)})`),

  /** Lanes whose holder died or froze: claimed anew, for settling only. */
  claimExpired: (limit: number, lease: number) =>
    db.query<Pick<Send, 'id' | 'userId' | 'phoneId' | 'chatKey' | 'leaseId' | 'failures'>>(sql`
      select message_id as id, user_id as "userId", phone_id as "phoneId", chat_key::text as "chatKey",
             lease_id as "leaseId", failures
        from claim_expired_lanes(${limit}, ${interval(lease)})`),

  /** Frees lanes, where their leases are still these (returns how many), and advances their chats. In their tenants' context. */
  async finishAll(
    ends: readonly (Pick<Send, 'userId' | 'phoneId' | 'chatKey' | 'leaseId'> & LaneEnd)[],
  ): Promise<number> {
    if (ends.length === 0) return 0;
    const rows = await db.query<{ done: boolean }>(sql`
      select finish_lane(e.user_id, e.phone_id, e.chat_key, e.lease_id, make_interval(secs => e.hold),
                         make_interval(secs => e.pause), e.doubt, e.has_left) as done
        from unnest(${ends.map((e) => e.userId)}::bigint[], ${ends.map((e) => e.phoneId)}::bigint[],
                    ${ends.map((e) => e.chatKey)}::bigint[], ${ends.map((e) => e.leaseId)}::uuid[],
                    ${ends.map((e) => e.hold ?? null)}::float8[], ${ends.map((e) => e.pause ?? null)}::float8[],
                    ${ends.map((e) => e.doubt ?? false)}::boolean[], ${ends.map((e) => e.left ?? false)}::boolean[])
             as e (user_id, phone_id, chat_key, lease_id, hold, pause, doubt, has_left)
       order by e.phone_id`);
    return rows.filter((row) => row.done).length;
  },

  /** What waited in these chats has ended without a send: they go on, and their lanes know when. */
  async advance(chats: readonly Pick<Message, 'userId' | 'phoneId' | 'chatKey'>[]): Promise<void> {
    if (chats.length === 0) return;
    await db.query(sql`
      select rejoin_lane(c.user_id, c.phone_id, c.chat_key, false)
        from (select distinct * from unnest(${chats.map((c) => c.userId)}::bigint[], ${chats.map((c) => c.phoneId)}::bigint[],
                                            ${chats.map((c) => c.chatKey)}::bigint[]) as u (user_id, phone_id, chat_key)
               order by phone_id, chat_key) c`);
  },

  /** A message waits in this chat again; `lift`: what held the chat is over. In the tenant's context. */
  async rejoin(message: Pick<Message, 'userId' | 'phoneId' | 'chatKey'>, lift = false): Promise<void> {
    const { userId, phoneId, chatKey } = message;
    await db.query(sql`select rejoin_lane(${userId}, ${phoneId}, ${chatKey}::bigint, ${lift})`);
  },

  async setPaused(userId: number, phoneId: number, isPaused: boolean): Promise<void> {
    await db.query(sql`select pause_lane(${userId}, ${phoneId}, ${isPaused})`);
  },

  async setPace(userId: number, phoneId: number, sending: Sending): Promise<void> {
    await db.query(sql`select pace_lane(${userId}, ${phoneId}, ${JSON.stringify(sending)}::jsonb)`);
  },

  /** Clears away heads that keep nothing but a hold that is over, whoever's. Returns how many went. */
  async clearHeads(limit: number): Promise<number> {
    const [row] = await db.query<{ gone: number }>(sql`select clear_heads(${limit}) as gone`);
    return row?.gone ?? 0;
  },

  async setOpen(userId: number, phoneId: number, isOpen: boolean): Promise<void> {
    await db.query(sql`select open_lane(${userId}, ${phoneId}, ${isOpen})`);
  },

  /** Those of all of a user's phones, each as it is: open while it is connected and its user is active. */
  async setOpenOfUser(userId: number): Promise<void> {
    await db.query(sql`
      select open_lane(p.user_id, p.id, p.is_connected)
        from (select user_id, id, is_connected from phone_numbers where user_id = ${userId} order by id) p`);
  },

  async isInDoubt(userId: number, phoneId: number): Promise<boolean> {
    const [row] = await db.query<{ doubt: boolean }>(
      sql`select lane_in_doubt(${userId}, ${phoneId}) as doubt`,
    );
    return row?.doubt ?? false;
  },

  async clearDoubt(userId: number, phoneId: number): Promise<void> {
    await db.query(sql`select clear_doubt(${userId}, ${phoneId})`);
  },

  listExpiredHeads: (limit: number) =>
    db.query<ExpiredHead>(sql`
      select user_id as "userId", phone_id as "phoneId", message_id as "messageId", chat_key::text as "chatKey"
        from expired_heads(${limit})`),
});
