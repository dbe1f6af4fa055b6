import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import pg from 'pg';
import { temporaryFolder } from '../src/folders.js';
import { startPostgres, THROWAWAY, type Postgres } from '../src/postgres.js';
import { isAlive, type Running } from '../src/process.js';
import { startRedis } from '../src/redis.js';

let folder: string;
let started: Running[];

beforeEach(() => {
  folder = temporaryFolder('servers');
  started = [];
});

afterEach(async () => {
  await Promise.all(started.map((server) => server.stop()));
  rmSync(folder, { recursive: true, force: true });
});

const keep = <T extends Running>(server: T): T => {
  started.push(server);
  return server;
};

const postgres = async (): Promise<Postgres> =>
  keep(await startPostgres({ dataDir: join(folder, 'postgres'), settings: THROWAWAY }));

async function query(url: string, text: string): Promise<any[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(text)).rows;
  } finally {
    await client.end();
  }
}

describe('startPostgres', () => {
  it('on a new folder › gives the gateway a role without superuser and a database of its own', async () => {
    const server = await postgres();
    const [role] = await query(
      server.gateway.url,
      `select rolsuper, rolcreaterole, rolcreatedb, rolbypassrls, current_database() as database,
         (select pg_get_userbyid(datdba) from pg_database where datname = current_database()) as owner
       from pg_roles where rolname = current_user`,
    );
    expect(role).toEqual({
      rolsuper: false,
      rolcreaterole: true,
      rolcreatedb: true,
      rolbypassrls: false,
      database: 'evolution_api',
      owner: 'evolution_user',
    });
    await query(server.nodes.url, 'create table kept (id int)');
  });

  it('with a wrong password › refuses even on loopback', async () => {
    const server = await postgres();
    const wrong = server.gateway.url.replace(server.gateway.password, 'guess');
    await expect(query(wrong, 'select 1')).rejects.toThrow(/password authentication failed/);
  });

  it('after stop › starts again with the same port, passwords and data', async () => {
    const first = await postgres();
    await query(first.gateway.url, 'create table kept (id int)');
    await first.stop();
    const second = await postgres();
    expect(second.gateway.url).toBe(first.gateway.url);
    expect(await query(first.gateway.url, 'select count(*)::int as n from kept')).toEqual([{ n: 0 }]);
  });

  it('over an orphan › stops it first and keeps what it had committed', async () => {
    const orphan = await postgres();
    await query(orphan.gateway.url, 'create table kept as select 1 as id');
    const second = await postgres();
    expect(isAlive(orphan.pid)).toBe(false);
    expect(second.port).toBe(orphan.port);
    expect(await query(second.gateway.url, 'select id from kept')).toEqual([{ id: 1 }]);
  });

  it('after SIGKILL › starts again', async () => {
    const first = await postgres();
    await first.kill();
    const second = await postgres();
    expect(await query(second.gateway.url, 'select 1 as one')).toEqual([{ one: 1 }]);
  });

  it('with a pid file that names a stranger › leaves the stranger alone and starts', async () => {
    const first = await postgres();
    await first.stop();
    writeFileSync(join(folder, 'postgres', 'cluster', 'postmaster.pid'), `${process.ppid}\n`);
    await postgres();
    expect(isAlive(process.ppid)).toBe(true);
  });

  it('with a setting it does not know › says what the server said', async () => {
    const start = startPostgres({
      dataDir: join(folder, 'postgres'),
      logFile: join(folder, 'postgres.log'),
      settings: { no_such_setting: 'on' },
    });
    await expect(start).rejects.toThrow(/PostgreSQL did not start: exit 1[\s\S]*no_such_setting/);
  });
});

describe('startRedis', () => {
  it('without options › answers on a free port and is gone after stop', async () => {
    const server = keep(await startRedis());
    const client = new Redis(server.url);
    expect(await client.set('a', '1')).toBe('OK');
    client.disconnect();
    await server.stop();
    expect(isAlive(server.pid)).toBe(false);
  });

  it('with appendonly › finds its keys again after SIGKILL', async () => {
    const dir = join(folder, 'redis');
    const first = keep(await startRedis({ dir, appendonly: true, args: ['--appendfsync', 'always'] }));
    const client = new Redis(first.url, { maxRetriesPerRequest: 0, retryStrategy: () => null });
    client.on('error', () => undefined);
    await client.hset('evolution:instance:1', 'key', 'value');
    await first.kill();
    client.disconnect();
    const second = keep(await startRedis({ dir, appendonly: true, port: first.port }));
    const again = new Redis(second.url);
    expect(await again.hget('evolution:instance:1', 'key')).toBe('value');
    again.disconnect();
  });

  it('on a port that is taken › says so with the end of its log', async () => {
    const first = keep(await startRedis());
    mkdirSync(join(folder, 'second'));
    const second = startRedis({
      dir: join(folder, 'second'),
      port: first.port,
      logFile: join(folder, 'second.log'),
    });
    await expect(second).rejects.toThrow(/Redis did not start: [\s\S]*[Aa]ddress already in use/);
  });
});
