import { Redis } from 'ioredis';
import type { TestNode, World } from './node.js';

/** The steps by which a number changes nodes without a new QR code, as recorded in move_live.json. */
export const createMover = (world: World) => {
  const { database } = world;
  const idOf = async (name: string): Promise<string> =>
    (await database.query('select id from "Instance" where name = $1', [name]))[0]?.id;

  return {
    idOf,
    /** Creates the target under a new name, hands it the credentials and fences the old row. */
    handOver: async (target: TestNode, from: string, to: string): Promise<void> => {
      const webhook = { enabled: true, url: `${world.receiver.url}/${to}`, events: [] };
      await target.post('/instance/create', {
        instanceName: to,
        integration: 'WHATSAPP-BAILEYS',
        qrcode: false,
        webhook,
      });
      const [old, fresh] = [await idOf(from), await idOf(to)];
      await database.query('delete from "Session" where "sessionId" = $1', [fresh]);
      await database.query('update "Session" set "sessionId" = $2 where "sessionId" = $1', [old, fresh]);
      await database.query(`update "Instance" set "clientName" = 'nobody' where id = $1`, [old]);
    },
    moveKeys: async (from: string, to: string): Promise<number> => {
      const redis = new Redis(world.redis.url);
      try {
        const [old, fresh] = [await idOf(from), await idOf(to)];
        const fields = await redis.hlen(`evolution:instance:${old}`);
        await redis.rename(`evolution:instance:${old}`, `evolution:instance:${fresh}`);
        return fields;
      } finally {
        redis.disconnect();
      }
    },
    /** The credentials of an instance, decoded; null without a row. */
    credsOf: async (name: string): Promise<any> => {
      const [row] = await database.query(
        'select s.creds from "Session" s join "Instance" i on i.id = s."sessionId" where i.name = $1',
        [name],
      );
      return row ? JSON.parse(JSON.parse(row.creds)) : null;
    },
  };
};
