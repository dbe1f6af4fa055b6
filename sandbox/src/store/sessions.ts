import type { Redis } from 'ioredis';
import { createBatcher } from '../utils/batch.js';
import { randomBase64, rowId } from '../utils/ids.js';
import type { Json } from '../utils/json.js';
import type { Database } from './database.js';

/** A device's credentials, with the fields of real ones that somebody may look at. */
export interface Creds {
  readonly noiseKey: Json;
  readonly signedIdentityKey: Json;
  readonly advSecretKey: string;
  readonly registrationId: number;
  readonly registered: boolean;
  /** Who we are: absent until paired, or until a pairing code is asked for. */
  readonly me?: { readonly id: string; readonly lid?: string; readonly name?: string };
  readonly pairingCode?: string;
  /** The key by which the simulated network knows the device. */
  readonly deviceKey?: string;
}

const keyPair = (): Json => ({
  private: { type: 'Buffer', data: randomBase64(32) },
  public: { type: 'Buffer', data: randomBase64(32) },
});

export const freshCreds = (): Creds => ({
  noiseKey: keyPair(),
  signedIdentityKey: keyPair(),
  advSecretKey: randomBase64(32),
  registrationId: Math.floor(Math.random() * 16_383),
  registered: false,
});

/** Real nodes encode twice: the column holds the JSON of a string that holds JSON. Both forms are understood. */
export const encodeCreds = (creds: Creds): string => JSON.stringify(JSON.stringify(creds));
export const decodeCreds = (text: string | null): Creds | null => {
  let value: unknown = text;
  for (let i = 0; i < 2 && typeof value === 'string'; i++) value = JSON.parse(value);
  return value as Creds | null;
};

interface Needs {
  readonly db: Database;
  readonly redis: Redis;
  readonly prefix: string;
}

/** What a paired device writes beside its credentials; each value names the device, as real keys do by being its own. */
const pairedFields = (deviceKey: string, number: string): Record<string, string> => {
  const value = JSON.stringify({ device: deviceKey, key: randomBase64(32) });
  return {
    'pre-key-1': value,
    'pre-key-2': value,
    'pre-key-3': value,
    'pre-key-4': value,
    'pre-key-5': value,
    'app-state-sync-key-AAAAAA': value,
    [`device-list-${number}`]: JSON.stringify(['0', '1']),
    'app-state-sync-version-regular': value,
  };
};

/** Where real nodes keep a session: credentials in `"Session".creds`, the other keys in a Redis hash per instance id. */
export const createSessions = ({ db, redis, prefix }: Needs) => {
  const hash = (instanceId: string): string => `${prefix}:instance:${instanceId}`;
  return {
    load: createBatcher<string, Creds | null>(async (ids) => {
      const { rows } = await db.query<{ sessionId: string; creds: string | null }>(
        'select "sessionId", creds from "Session" where "sessionId" = any($1)',
        [ids],
      );
      const byId = new Map(rows.map(({ sessionId, creds }) => [sessionId, decodeCreds(creds)]));
      return ids.map((id) => byId.get(id) ?? null);
    }),
    /** @throws a foreign-key error when the instance's row is gone. */
    save: createBatcher<{ id: string; creds: Creds }, void>(async (items) => {
      const last = [...new Map(items.map((item) => [item.id, item])).values()];
      await db.query(
        `insert into "Session" (id, "sessionId", creds)
         select * from unnest($1::text[], $2::text[], $3::text[])
         on conflict ("sessionId") do update set creds = excluded.creds`,
        [last.map(() => rowId()), last.map(({ id }) => id), last.map(({ creds }) => encodeCreds(creds))],
      );
      return items.map(() => undefined);
    }),
    remove: (instanceId: string) => db.query('delete from "Session" where "sessionId" = $1', [instanceId]),
    writeKeys: async (instanceId: string, deviceKey: string, number: string): Promise<void> => {
      await redis.hset(hash(instanceId), pairedFields(deviceKey, number));
    },
    /** Without its own keys a device is connected, but cannot read what it is sent. */
    hasKeys: async (instanceId: string, deviceKey: string): Promise<boolean> => {
      const value = await redis.hget(hash(instanceId), 'pre-key-1');
      return value !== null && (JSON.parse(value) as { device?: string }).device === deviceKey;
    },
    /** One more field per chat partner, as a ratchet per partner would be. */
    writePartner: async (instanceId: string, number: string): Promise<void> => {
      await redis.hset(
        hash(instanceId),
        `session-${number}.0`,
        JSON.stringify({ version: 'v1', at: Date.now() }),
      );
    },
  };
};

export type Sessions = ReturnType<typeof createSessions>;
