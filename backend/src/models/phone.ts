import type { Db } from '../config/postgres.js';
import { patternOf } from '../utils/pattern.js';
import { raw, sql, type Sql } from '../utils/sql.js';

/** How a phone behaves on its own, as its owner set it. */
export interface Settings {
  rejectCalls: boolean;
  /** What a caller that is turned away is told; empty: nothing. */
  rejectCallsMessage: string;
  ignoreGroups: boolean;
  alwaysOnline: boolean;
  /** Marks as read whatever comes in, at once. */
  readMessages: boolean;
  /** Asks for the whole history as it is paired. */
  syncHistory: boolean;
}

/** Through what a phone reaches WhatsApp. */
export interface Proxy {
  protocol: 'http' | 'https' | 'socks4' | 'socks5';
  host: string;
  port: number;
  username?: string;
  /** Sealed. */
  password?: string;
}

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
  settings: Partial<Settings>;
  proxy: Proxy | null;
  /** How often settings and proxy have changed. */
  tuning: number;
  /** Its count when the proxy changed last. */
  proxyTuning: number;
  /** Its count when its node was last told of it. */
  toldTuning: number;
  /** Why its node did not take the last change. */
  tuningFault: string | null;
  pairingMethod: PairingMethod;
  /** What pairs it, sealed. */
  qr: string | null;
  qrExpiresAt: Date | null;
  createdAt: Date;
}

export interface PhoneFilter {
  after: number;
  limit: number;
  offset: number;
  status?: PhoneStatus | undefined;
  /** Anywhere in its name or number. */
  search?: string | undefined;
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
  settings, proxy, tuning, proxy_tuning as "proxyTuning", tuning_fault as "tuningFault", told_tuning as "toldTuning",
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

    /** Whether it holds its number from now on: another phone may have been paired with it before. */
    async takeNumber({ userId, id }: Pick<Phone, 'userId' | 'id'>): Promise<boolean> {
      const [row] = await db.query<{ has: boolean }>(sql`select take_number(${userId}, ${id}) as has`);
      return row!.has;
    },

    /** Whether a phone of another user is paired with this number; one that only claims it does not count. */
    async isTaken(userId: number, phoneNumber: string): Promise<boolean> {
      const [row] = await db.query<{ is: boolean }>(
        sql`select is_number_taken(${userId}, ${phoneNumber}) as is`,
      );
      return row!.is;
    },

    /** How it behaves already where it was adopted. */
    async setAdopted(id: number, { settings }: { settings: Partial<Settings> }): Promise<void> {
      await db.query(
        sql`update phone_numbers set settings = ${JSON.stringify(settings)}::jsonb where id = ${id}`,
      );
    },

    /** With their rows locked, in the order in which everything locks. */
    listForUpdate: (ids: readonly number[]) =>
      db.query<Phone>(sql`
        select ${columns} from phone_numbers where id = any (${[...ids]}::bigint[]) order by id for no key update`),

    /** Newest last, so that a page stays stable while phones are added. */
    list: (filter: PhoneFilter) =>
      db.query<Phone>(sql`
        select ${columns} from phone_numbers where id > ${filter.after}
               ${filter.status === undefined ? raw('') : sql`and status = ${filter.status}`}
               ${filter.search === undefined ? raw('') : sql`and (device_name ilike ${patternOf(filter.search)} or phone_number like ${patternOf(filter.search)})`}
         order by id limit ${filter.limit} offset ${filter.offset}`),

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

    /** Its node is told of it by the next look. A proxy that is left out stays. */
    setTuning(id: number, to: { settings: Partial<Settings>; proxy?: Proxy | null }): Promise<Phone | null> {
      const proxy = to.proxy === undefined ? null : JSON.stringify(to.proxy);
      return one(sql`
        update phone_numbers set settings = ${JSON.stringify(to.settings)}::jsonb,
               proxy = case when ${proxy === null} then proxy else nullif(${proxy}::jsonb, 'null') end,
               tuning = tuning + 1, tuning_fault = null,
               proxy_tuning = case when ${proxy === null} then proxy_tuning else tuning + 1 end, updated_at = now()
         where id = ${id} returning ${columns}`);
    },

    /** Its node was told of the settings and the proxy of that count, and took them unless `fault` says otherwise. */
    async setTold(id: number, { tuning, fault }: { tuning: number; fault: string | null }): Promise<void> {
      await db.query(sql`
        update phone_numbers set told_tuning = ${tuning},
               tuning_fault = case when tuning = ${tuning} then ${fault} else tuning_fault end, updated_at = now()
         where id = ${id} and (told_tuning, tuning_fault) is distinct from (${tuning}, ${fault})`);
    },

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
