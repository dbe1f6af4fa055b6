import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { temporaryFolder } from '../../../dev/src/folders.js';
import { startPostgres, THROWAWAY, withClient, type Postgres } from '../../../dev/src/postgres.js';
import { findBaseBackup, startReplica, type Replica } from '../../../dev/src/replica.js';
import { migrate } from '../../src/migrate.js';
import { client, newNumber, newUser, type TestUser } from '../support/client.js';
import { startGateway, type TestGateway } from '../support/gateway.js';
import { placedPhone, textFrom } from '../support/placed.js';
import { until } from '../support/until.js';

// As `npm test` found it; the same binaries run the primary here.
const bin = process.env['TEST_POSTGRES_BIN'] ?? '';
const isPossible = findBaseBackup(bin) !== null;
if (!isPossible) process.stderr.write(`SKIPPED: read replicas: there is no pg_basebackup in ${bin}\n`);

const SETTINGS = { ...THROWAWAY, synchronous_commit: 'on' };

(isPossible ? describe : describe.skip)('two processes that read from a streaming replica', () => {
  let folder: string;
  let primary: Postgres;
  let replica: Replica;
  let gateways: TestGateway[];
  let user: TestUser;
  let phone: Awaited<ReturnType<typeof placedPhone>>;

  beforeAll(async () => {
    folder = temporaryFolder('replica');
    primary = await startPostgres({ dataDir: join(folder, 'primary'), settings: SETTINGS });
    const { user: role, password, database } = primary.gateway;
    const env = { DB_HOST: '127.0.0.1', DB_NAME: database, DB_USER: role, DB_PASSWORD: password };
    await migrate({ ...env, DB_PORT: primary.port });
    // Every commit is seen this late there: a read that does not wait for its own write misses it.
    const settings = { ...SETTINGS, recovery_min_apply_delay: '15ms' };
    replica = await startReplica(primary, { dataDir: join(folder, 'replica'), settings });
    const read = { DB_READ_HOST: '127.0.0.1', DB_READ_PORT: String(replica.port) };
    const start = () =>
      startGateway({ workers: [], env: { ...env, DB_PORT: String(primary.port), ...read } });
    gateways = await Promise.all([start(), start()]);
    user = await newUser(gateways[0]!.url);
    const query = (text: string) => withClient(primary.gateway.url, (db) => db.query(text));
    phone = await placedPhone({ ...gateways[0]!, database: { query } } as never, user);
  }, 400_000);
  afterAll(async () => {
    await Promise.all(gateways?.map((gateway) => gateway.stop()) ?? []);
    await replica?.stop();
    await primary?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const at = (n: number, as = user) => client(gateways[n]!.url, { token: as.token });
  const send = async (n: number, message: string): Promise<number> => {
    const { status, body } = await at(n).post('/api/messages/send', {
      phoneId: phone.id,
      to: '+628987654321',
      message,
    });
    expect(status).toBe(202);
    return body.id;
  };
  const newest = async (n: number): Promise<number> =>
    (await at(n).get(`/api/messages?phoneId=${phone.id}&limit=1`)).body.data[0].id;
  const counts = (n: number) => ({ ...gateways[n]!.gateway.replica!.counts });
  const usedAgain = (n: number) =>
    until('the replica is used', async () => {
      const before = counts(n).replica;
      await newest(n);
      return counts(n).replica > before;
    });

  it('lists, chats, search and events › read › by the replica, and answer what the primary would', async () => {
    await send(0, 'first');
    await usedAgain(1);
    const before = counts(1);
    const lists = [
      '/api/messages',
      '/api/messages?text=first',
      `/api/phones/${phone.id}/chats`,
      '/api/phones',
      '/api/events',
    ];
    for (const path of lists) {
      const { status, body } = await at(1).get(path);
      expect([path, status, body.data.length > 0]).toEqual([path, 200, path !== '/api/events']);
    }
    expect(counts(1)).toEqual({ replica: before.replica + lists.length, primary: before.primary });
  });

  it('a write through one process › listed at once through the other › is there, 60 times of 60', async () => {
    await usedAgain(1);
    const before = counts(1);
    let writing = true;
    // Others write all the while, so that the replica always has something to catch up with.
    const noise = [0, 1].map(async (n) => {
      for (let i = 0; writing; i += 1) await send(n, `noise ${i}`);
    });
    const stale: number[] = [];
    for (let i = 0; i < 60; i += 1) {
      const id = await send(0, `own ${i}`);
      if ((await newest(1)) < id) stale.push(id);
    }
    writing = false;
    await Promise.all(noise);
    expect(stale).toEqual([]);
    // That the primary served them all would prove nothing; on a busy machine it may serve many of them.
    expect(counts(1).replica - before.replica).toBeGreaterThan(10);
  });

  it('what a node told one process › asked of the other › is in the events at once', async () => {
    for (let i = 0; i < 20; i += 1) {
      const before = (await at(1).get('/api/events?limit=1')).body.lastSequence;
      expect(
        (await phone.say('messages.upsert', textFrom('+5511988887777', `R${i}`, `told ${i}`))).status,
      ).toBe(200);
      const { data } = (await at(1).get(`/api/events?after=${before}`)).body;
      expect(data.map((event: any) => event.data.message)).toEqual([`told ${i}`]);
    }
  });

  it('a replica that lags › lists › come from the primary with what was just written, then from the replica again', async () => {
    await usedAgain(1);
    await replica.pause();
    const before = counts(1);
    await send(0, 'it cannot see this');
    expect((await at(1).get('/health')).body).toMatchObject({
      database: { status: 'up' },
      replica: { status: 'down' },
    });
    for (let i = 0; i < 10; i += 1) {
      const id = await send(0, `paused ${i}`);
      expect(await newest(1)).toBe(id);
    }
    expect(counts(1)).toEqual({ replica: before.replica, primary: before.primary + 10 });
    await replica.resume();
    await usedAgain(1);
    expect((await at(1).get('/health')).body).toMatchObject({ replica: { status: 'up' } });
  });

  it('a replica that is frozen › lists › wait for it a second at most, then not', async () => {
    await usedAgain(1);
    replica.freeze();
    try {
      const id = await send(0, 'frozen');
      const start = performance.now();
      expect(await newest(1)).toBe(id);
      const waited = performance.now() - start;
      expect(waited).toBeGreaterThan(500);
      expect(waited).toBeLessThan(2500);
      const quick = performance.now();
      expect(await newest(1)).toBe(id);
      expect(performance.now() - quick).toBeLessThan(500);
    } finally {
      replica.thaw();
    }
    await usedAgain(1);
  });

  it('a replica that is killed › lists › never fail; started again › it is used again', async () => {
    await usedAgain(1);
    const killed = replica.kill();
    for (let i = 0; i < 30; i += 1) {
      const id = await send(0, `killed ${i}`);
      expect(await newest(1)).toBe(id);
    }
    await killed;
    await replica.start();
    await usedAgain(1);
    expect(await newest(1)).toBe(await newest(0));
  });

  it('another user › on the replica › sees nothing of it', async () => {
    await usedAgain(1);
    const other = await newUser(gateways[0]!.url);
    const before = counts(1).replica;
    for (const path of ['/api/messages', '/api/phones', '/api/events'])
      expect((await at(1, other).get(path)).body.data).toEqual([]);
    expect((await at(1, other).get(`/api/messages?phoneId=${phone.id}`)).body.data ?? []).toEqual([]);
    expect(counts(1).replica).toBeGreaterThan(before);
  });

  it('a replica that was promoted › lists › come from the primary, as its own history is another', async () => {
    await replica.promote();
    const before = counts(1).replica;
    const { body } = await at(0).post('/api/phones', { phoneNumber: newNumber() });
    const listed = (await at(1).get('/api/phones')).body.data.map(({ id }: { id: number }) => id);
    expect(listed).toContain(body.id);
    const id = await send(0, 'after');
    expect(await newest(1)).toBe(id);
    expect(counts(1).replica).toBe(before);
  });
});
