import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newPhone, newUser, settled, type TestUser } from '../support/client.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { startFleet, type Fleet } from '../support/fleet.js';
import { startNodes, type TestNodes } from '../support/nodes.js';
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.js';
import { until } from '../support/until.js';
import { startRedisServer, type RedisServer } from '../../chaos/redis-server.js';

/** One process is lost at one moment of a send; what it says to the node goes through a proxy. */
describe('a process that is lost at one moment', () => {
  let nodes: TestNodes;
  let redis: RedisServer;
  let database: TestDatabase;
  let fleet: Fleet;
  let node: TcpProxy;
  let user: TestUser;
  let phone: { id: number };
  let count = 0;

  beforeAll(async () => {
    [nodes, redis, database] = await Promise.all([startNodes(1), startRedisServer(), createTestDatabase()]);
    const [only] = nodes.nodes;
    node = await startTcpProxy({ host: '127.0.0.1', port: Number(new URL(only!.url).port) });
    fleet = await startFleet({
      api: 1,
      workers: 2,
      database,
      env: {
        REDIS_HOST: '127.0.0.1',
        REDIS_PORT: String(redis.port),
        EVOLUTION_NODES: `${only!.name}=http://127.0.0.1:${node.port}`,
        SEND_TIMEOUT: '2',
        LEASE_MARGIN: '1',
        UNKNOWN_HOLD: '0.5',
        SWEEP_MS: '1000',
      },
    });
    user = await newUser(fleet.url);
    phone = await newPhone(user);
    await other().end('SIGTERM');
  }, 400_000);
  afterAll(async () => {
    await fleet?.stop();
    await Promise.all([node?.stop(), redis?.stop(), nodes?.stop()]);
    await database?.drop();
  });

  const worker = () => fleet.workers[0]!;
  const other = () => fleet.workers[1]!;
  const say = () => `moment-${(count += 1)}`;
  const send = async (text: string): Promise<number> => {
    const draft = { phoneId: phone.id, to: '+628987000001', message: text };
    const answer = await user.api.post('/api/messages/send', draft);
    expect(answer.status).toBe(202);
    return answer.body.id;
  };
  const arrivals = async (...texts: string[]) => {
    const ledger = await nodes.ledger();
    return texts.map((text) => ledger.filter((entry) => entry.text === text).length);
  };
  const statusOf = async (id: number) => (await user.api.get(`/api/messages/${id}`)).body.status;
  const timelineOf = async (id: number): Promise<{ status: string; at: string }[]> =>
    (await user.api.get(`/api/messages/${id}`)).body.timeline;
  const fault = (body: object) => nodes.call('/sandbox/faults', { method: 'POST', body });

  it('an api process is killed after the commit, and its hint is lost › the worker looks by itself › sent once, within 2 s', async () => {
    const text = say();
    // A hint that goes to no Redis.
    await redis.kill();
    const id = await send(text);
    await fleet.api[0]!.end('SIGKILL');
    const row = await until('it is sent', async () => {
      const rows = await database.queryAll<{ took: number }>(
        `select extract(epoch from t.at - m.created_at)::float8 as took
           from messages m join message_timeline t on t.message_id = m.id and t.status = 'sent' where m.id = $1`,
        [id],
      );
      return rows[0];
    });
    await redis.start();
    await fleet.api[0]!.start();
    // Its time is the node's, in seconds.
    expect(row.took).toBeLessThan(2);
    expect(await arrivals(text)).toEqual([1]);
  });

  it('a worker is killed before `sending` is committed › started again › sent once, never in doubt', async () => {
    const text = say();
    worker().signal('SIGSTOP');
    const id = await send(text);
    expect(await statusOf(id)).toBe('queued');
    await worker().end('SIGKILL');
    await worker().start();
    await settled(user, id, ['sent']);
    expect((await timelineOf(id)).map((step) => step.status)).not.toContain('unknown');
    expect(await arrivals(text)).toEqual([1]);
  });

  it('a worker is killed after `sending` is committed › the node never gets it › in doubt, never sent; its chat goes on', async () => {
    const [text, next] = [say(), say()];
    await fault({ hang: true, calls: '/message/', count: 1 });
    const id = await send(text);
    await until('it is being sent', async () => (await statusOf(id)) === 'sending');
    await worker().end('SIGKILL');
    const after = await send(next);
    await worker().start();
    const doubted = await settled(user, id, ['unknown']);
    expect(doubted.reason).toBe('worker_lost');
    await settled(user, after, ['sent']);
    expect(await arrivals(text, next)).toEqual([0, 1]);
  });

  it('a worker is killed when the node has it and has not answered › its echo comes › sent, once', async () => {
    const [text, next] = [say(), say()];
    await fault({ hang: true, after: true, calls: '/message/', count: 1 });
    const id = await send(text);
    await until('the network has it', async () => (await arrivals(text))[0] === 1);
    await worker().end('SIGKILL');
    await settled(user, id, ['sent']);
    await worker().start();
    await settled(user, await send(next), ['sent']);
    expect(await arrivals(text, next)).toEqual([1, 1]);
    expect((await timelineOf(id)).filter((step) => step.status === 'sent')).toHaveLength(1);
  });

  it('a worker is frozen past its lease, and its one send comes out after that › counts as a fact › nothing doubled', async () => {
    const [text, next] = [say(), say()];
    // What it says arrives when its lease is over, and another worker has said so.
    node.keep(text);
    const id = await send(text);
    // Not before its words have left the worker: a send that never came out would stay unknown.
    await until('it is being sent', () => node.hasHeard(text));
    worker().signal('SIGSTOP');
    await other().start();
    await settled(user, id, ['unknown']);
    node.release();
    const after = await send(next);
    await settled(user, id, ['sent']);
    worker().signal('SIGCONT');
    await settled(user, after, ['sent']);
    expect(await arrivals(text, next)).toEqual([1, 1]);
  });
});
