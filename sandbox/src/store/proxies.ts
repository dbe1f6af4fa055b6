import { rowId } from '../utils/ids.js';
import type { Database } from './database.js';

export interface ProxyInput {
  readonly enabled: boolean;
  readonly host: string;
  readonly port: string;
  readonly protocol: string;
  readonly username?: string;
  readonly password?: string;
}

/** Rows of `"Proxy"`: at most one per instance. */
export const createProxies = (db: Database) => ({
  save: async (instanceId: string, proxy: ProxyInput): Promise<void> => {
    await db.query(
      `insert into "Proxy" (id, enabled, host, port, protocol, username, password, "instanceId", "updatedAt")
       values ($1, $2, $3, $4, $5, $6, $7, $8, now())
       on conflict ("instanceId") do update set enabled = $2, host = $3, port = $4, protocol = $5, username = $6,
         password = $7, "updatedAt" = now()`,
      [
        rowId(),
        proxy.enabled,
        proxy.host,
        proxy.port,
        proxy.protocol,
        proxy.username ?? '',
        proxy.password ?? '',
        instanceId,
      ],
    );
  },
  find: async (instanceId: string): Promise<ProxyInput | null> => {
    const { rows } = await db.query<ProxyInput>(
      'select enabled, host, port, protocol, username, password from "Proxy" where "instanceId" = $1',
      [instanceId],
    );
    return rows[0] ?? null;
  },
});

export type Proxies = ReturnType<typeof createProxies>;
