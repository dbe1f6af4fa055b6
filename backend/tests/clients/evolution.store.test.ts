import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startRedis, type Redis } from '../../../dev/src/redis.js';
import { evolutionStore } from '../../src/clients/evolution.store.js';
import { createLogger } from '../../src/config/logger.js';
import { adminUrl, createTestDatabase, type TestDatabase } from '../support/database.js';

const TABLES = ['Message', 'MessageUpdate', 'Contact', 'Chat', 'Media', 'Label'];

describe('what nodes share', () => {
  let database: TestDatabase;
  let redis: Redis;
  let url: URL;
  beforeAll(async () => {
    [database, redis] = await Promise.all([createTestDatabase({ migrated: false }), startRedis()]);
    url = adminUrl();
    url.pathname = `/${database.env.DB_NAME}`;
  });
  afterAll(async () => {
    await redis?.stop();
    await database?.drop();
  });

  const storeAt = (at: { databaseUrl?: string; redisUrl?: string } = {}) =>
    evolutionStore({
      databaseUrl: url.href,
      redisUrl: redis.url,
      prefix: 'evolution',
      logger: createLogger({ level: 'error', silent: true }),
      ...at,
    });

  it('not told of › phones do not move', async () => {
    const store = storeAt({ databaseUrl: '' });
    expect(await store.isReady()).toBe(false);
    await store.close();
  });

  it('away › phones do not move', async () => {
    const store = storeAt({ databaseUrl: 'postgresql://nobody:x@127.0.0.1:9/none' });
    expect(await store.isReady()).toBe(false);
    await store.close();
  });

  it('regression › tables that are not as known, then are › phones move from then on', async () => {
    const store = storeAt();
    expect(await store.isReady()).toBe(false);
    const run = (sql: string) => database.query(sql);
    await run('create table "Instance" (id text primary key, name text, "clientName" text)');
    await run('create table "Session" (id text, "sessionId" text)');
    for (const table of TABLES)
      await run(`create table "${table}" (id text, "instanceId" text, "remoteJid" text)`);
    expect(await store.isReady()).toBe(false);
    await run('alter table "Session" add column creds text');
    expect(await store.isReady()).toBe(true);
    await store.close();
  });

  it('credentials given to another › again › moved once, and fenced; where there are none, it says so', async () => {
    const store = storeAt();
    const creds = JSON.stringify(JSON.stringify({ me: { id: '628111@s.whatsapp.net' } }));
    const run = (sql: string, values?: unknown[]) => database.query(sql, values);
    await run(
      `insert into "Instance" values ('o', 'old', 'node-1'), ('n', 'new', 'node-2'), ('x', 'nobody', 'node-1')`,
    );
    await run(`insert into "Session" (id, "sessionId", creds) values ('s', 'o', $1)`, [creds]);
    expect(await store.handOver('old', 'gone')).toBe('unmade');
    expect(await store.handOver('nobody', 'new')).toBe('none');
    for (let time = 0; time < 2; time += 1) {
      expect(await store.handOver('old', 'new')).toBe('moved');
      expect([await store.credentials('old'), await store.credentials('new')]).toEqual(['none', 'paired']);
    }
    expect(await run(`select "clientName" as name from "Instance" where id = 'o'`)).toEqual([
      { name: 'gateway:moved' },
    ]);
    await run(`insert into "Contact" values ('c1', 'o', 'a'), ('c2', 'o', 'b'), ('c3', 'n', 'a')`);
    expect(await store.moveHistory('old', 'new', 10)).toBe(1);
    expect(await store.moveHistory('old', 'new', 10)).toBe(0);
    await store.removeInstance('new');
    await store.removeInstance('old');
    expect(await run('select id from "Instance" order by id')).toEqual([{ id: 'n' }, { id: 'x' }]);
    await store.close();
  });
});
