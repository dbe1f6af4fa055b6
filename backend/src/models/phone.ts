import type { Db } from '../config/postgres.js';
import { raw, sql, type Sql } from '../utils/sql.js';

export type PhoneStatus =
  | 'new'
  | 'pairing'
  | 'qr_expired'
  | 'connected'
  | 'reconnecting'
  | 'disconnected'
  | 'logged_out'
  | 'banned'
  | 'mismatch'
  | 'conflict'
  | 'deaf'
  | 'node_down'
  | 'moving';

/** By a QR to scan, or by a code to type. */
export type PairingMethod = 'qr' | 'pairingCode';

/** How a phone sends, as its owner set it. */
export interface Sending {
  /** IANA name; what is said in hours and days below is meant there. */
  timezone: string;
  /** `HH:MM` to `HH:MM`, in which only messages of high priority leave. */
  quietHours: { from: string; to: string } | null;
  /** Messages a minute; null: as fast as the node takes them. */
  perMinute: number | null;
  /** By which share the pause between two sends varies at random, 0 to 1. */
  jitter: number;
  /** Seconds between two sends to one chat. */
  recipientGap: number;
  /** How many messages may leave on the first, second, … day from `from` (a date) on; after the last there is no limit. */
  warmUp: { perDay: number[]; from: string } | null;
}

export interface Phone {
  id: number;
  userId: number;
  phoneNumber: string;
  deviceName: string;
  webhookUrl: string | null;
  status: PhoneStatus;
  statusReason: string | null;
  statusSince: Date;
  isConnected: boolean;
  sessionData: Record<string, unknown>;
  connectionAt: Date;
  sending: Partial<Sending>;
  isPaused: boolean;
  pairingMethod: PairingMethod;
  /** What pairs it, sealed. */
  qr: string | null;
  qrExpiresAt: Date | null;
  createdAt: Date;
}

export interface PhoneState {
  status: PhoneStatus;
  reason: string | null;
  /** The node's clock of the fact behind it; null when we found out ourselves. */
  factAt?: Date | null;
  session?: Record<string, unknown>;
}

const columns = raw(`id, user_id as "userId", phone_number as "phoneNumber", device_name as "deviceName",
  webhook_url as "webhookUrl", status, status_reason as "statusReason", status_since as "statusSince",
  is_connected as "isConnected", session_data as "sessionData", connection_at as "connectionAt", sending, is_paused as "isPaused",
  pairing_method as "pairingMethod", qr,  qr_expires_at as "qrExpiresAt", created_at as "createdAt"`);

export const phoneModel = (db: Db) => {
  const one = async (statement: Sql): Promise<Phone | null> => (await db.query<Phone>(statement))[0] ?? null;
  return {
    /** Null: the user has this number already. */
    create: (phone: {
      userId: number;
      phoneNumber: string;
      deviceName: string;
      webhookUrl: string | null;
      token: Buffer;
    }) =>
      one(sql`
        insert into phone_numbers (user_id, phone_number, device_name, webhook_url, token)
        values (${phone.userId}, ${phone.phoneNumber}, ${phone.deviceName}, ${phone.webhookUrl}, ${phone.token})
        on conflict (user_id, phone_number) where removed_at is null do nothing returning ${columns}`),

    find: (id: number) => one(sql`select ${columns} from phone_numbers where id = ${id}`),
    findByNumber: (phoneNumber: string) =>
      one(sql`select ${columns} from phone_numbers where phone_number = ${phoneNumber}`),
    findForUpdate: (id: number) =>
      one(sql`select ${columns} from phone_numbers where id = ${id} for no key update`),

    /** From here on it is in nobody's reach, as if it were not there. */
    async remove(id: number): Promise<void> {
      await db.query(sql`select remove_phone(${id})`);
    },

    /** With their rows locked, in the order in which everything locks. */
    listForUpdate: (ids: readonly number[]) =>
      db.query<Phone>(sql`
        select ${columns} from phone_numbers where id = any (${[...ids]}::bigint[]) order by id for no key update`),

    /** Newest last, so that a page stays stable while phones are added. */
    list: (page: { after: number; limit: number; offset: number }) =>
      db.query<Phone>(sql`
        select ${columns} from phone_numbers where id > ${page.after} order by id limit ${page.limit} offset ${page.offset}`),

    setState: (id: number, state: PhoneState) =>
      one(sql`
        update phone_numbers
           set status = ${state.status}, status_reason = ${state.reason},
               status_since = case when status = ${state.status} then status_since else now() end,
               connection_at = greatest(connection_at, ${state.factAt ?? null}),
               session_data = session_data || ${JSON.stringify(state.session ?? {})}::jsonb,
               qr = case when ${state.status} = 'pairing' then qr end,
               qr_expires_at = case when ${state.status} = 'pairing' then qr_expires_at end,
               updated_at = now()
         where id = ${id} returning ${columns}`),

    async setQr(id: number, qr: string, expiresAt: Date): Promise<void> {
      await db.query(
        sql`update phone_numbers set qr = ${qr}, qr_expires_at = ${expiresAt}, updated_at = now() where id = ${id}`,
      );
    },

    async setPairingMethod(id: number, method: PairingMethod): Promise<void> {
      await db.query(
        sql`update phone_numbers set pairing_method = ${method}, updated_at = now() where id = ${id}`,
      );
    },

    async setWebhookUrl(id: number, url: string | null): Promise<void> {
      await db.query(sql`update phone_numbers set webhook_url = ${url}, updated_at = now() where id = ${id}`);
    },

    setName: (id: number, deviceName: string) =>
      one(
        sql`update phone_numbers set device_name = ${deviceName}, updated_at = now() where id = ${id} returning ${columns}`,
      ),

    setPaused: (id: number, isPaused: boolean) =>
      one(
        sql`update phone_numbers set is_paused = ${isPaused}, updated_at = now() where id = ${id} returning ${columns}`,
      ),

    setSending: (id: number, sending: Sending) =>
      one(sql`
        update phone_numbers set sending = ${JSON.stringify(sending)}::jsonb, updated_at = now()
         where id = ${id} returning ${columns}`),

    /** Whether the database knows this time zone, which is what the lanes go by. */
    async isTimezone(name: string): Promise<boolean> {
      return (await db.query(sql`select 1 from pg_timezone_names where name = ${name}`)).length > 0;
    },

    /** The next number in the order of each phone's messages, for each time it is named; locks the phones. */
    async nextSequences(ids: readonly number[]): Promise<number[]> {
      const rows = await db.query<{ id: number; last: number }>(sql`
        update phone_numbers p
           set last_sequence = p.last_sequence + (select count(*) from unnest(${[...ids]}::bigint[]) as n where n = p.id)
         where p.id = any (${[...ids]}::bigint[]) returning p.id, p.last_sequence as last`);
      const last = new Map(rows.map((row) => [row.id, row.last]));
      return [...ids]
        .reverse()
        .map((id) => {
          const sequence = last.get(id)!;
          last.set(id, sequence - 1);
          return sequence;
        })
        .reverse();
    },
  };
};
