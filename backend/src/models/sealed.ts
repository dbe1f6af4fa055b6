import type { Db } from '../config/postgres.js';
import { sql } from '../utils/sql.js';

/** A secret that is stored sealed: where it is, and in which context it opens. */
export interface Sealed {
  place: 'jwt' | 'totp' | 'webhook' | 'previous' | 'headers' | 'proxy' | 'node';
  id: number;
  text: string;
}

/** Every sealed secret that outlives the hour. QR codes, which do not, are left out. */
export const sealedModel = (db: Db) => ({
  /** Of the users in context. */
  list: () =>
    db.query<Sealed & { userId: number }>(sql`
      select 'jwt' as place, id, id as "userId", jwt_secret as text from users
      union all select 'totp', id, id, totp_secret from users where totp_secret is not null
      union all select 'webhook', id, user_id, secret from webhooks
      union all select 'previous', id, user_id, previous_secret from webhooks where previous_secret is not null
      union all select 'headers', id, user_id, headers from webhooks where headers is not null
      union all select 'proxy', id, user_id, proxy->>'password' from phone_numbers where proxy->>'password' is not null`),

  listOfNodes: () =>
    db.query<Sealed>(sql`select 'node' as place, id, api_key as text from nodes where api_key is not null`),

  /** Unless it was changed meanwhile: then it was sealed anew with it. */
  async replace({ place, id, text }: Sealed, by: string): Promise<void> {
    switch (place) {
      case 'jwt':
        await db.query(sql`update users set jwt_secret = ${by} where id = ${id} and jwt_secret = ${text}`);
        break;
      case 'totp':
        await db.query(sql`update users set totp_secret = ${by} where id = ${id} and totp_secret = ${text}`);
        break;
      case 'webhook':
        await db.query(sql`update webhooks set secret = ${by} where id = ${id} and secret = ${text}`);
        break;
      case 'previous':
        await db.query(
          sql`update webhooks set previous_secret = ${by} where id = ${id} and previous_secret = ${text}`,
        );
        break;
      case 'headers':
        await db.query(sql`update webhooks set headers = ${by} where id = ${id} and headers = ${text}`);
        break;
      case 'proxy':
        await db.query(sql`
          update phone_numbers set proxy = jsonb_set(proxy, '{password}', to_jsonb(${by}::text))
           where id = ${id} and proxy->>'password' = ${text}`);
        break;
      case 'node':
        await db.query(sql`update nodes set api_key = ${by} where id = ${id} and api_key = ${text}`);
    }
  },
});
