import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { startRedisCluster, type RedisCluster } from '../../../dev/src/redis-cluster.js';
import { createWake } from '../../src/clients/wake.js';
import { until } from '../support/until.js';
import { agrees, closeAll, hit, processOf } from './counting.js';

let cluster: RedisCluster;
beforeAll(async () => {
  cluster = await startRedisCluster();
});
afterAll(async () => cluster?.stop());
afterEach(closeAll);

describe('hints on a Redis Cluster', () => {
  /** One process's hints, and those it heard from others. */
  const hinting = async () => {
    const [publisher, subscriber] = [await processOf(cluster), await processOf(cluster, false)];
    const wake = createWake(publisher.redis, subscriber.redis);
    const heard: number[] = [];
    wake.on('events', (user) => heard.push(user));
    return { wake, heard, subscriber: subscriber.redis as any };
  };
  type Hinting = Awaited<ReturnType<typeof hinting>>;
  /** One may be lost at any moment; that none ever comes is what must not be. */
  const reaches = (from: Hinting, to: Hinting, user: number) =>
    until(`a hint for ${user} is heard`, () => {
      from.wake.hint('events', user);
      return to.heard.includes(user);
    });

  it('a hint › in one process › is heard by the other, whichever master each is connected to', async () => {
    const all = [await hinting(), await hinting(), await hinting()];
    for (const [i, from] of all.entries())
      for (const to of all) if (to !== from) await reaches(from, to, 100 + i);
  });

  it('the very master a process listens at › killed › it listens at another, and hears again', async () => {
    const [one, other] = [await hinting(), await hinting()];
    await reaches(one, other, 1);
    const at = other.subscriber.subscriber.getInstance().options.port;
    const master = cluster.masters.find(({ port }) => port === at)!;
    await master.kill();
    await reaches(one, other, 2);
    await master.start();
    await cluster.whole();
    await reaches(one, other, 3);
    await reaches(other, one, 4);
  });
});

describe('limits of several processes on a Redis Cluster', () => {
  it('many keys › told by one, asked by another › lie on every master, and each sum is right', async () => {
    const [a, b] = [await processOf(cluster), await processOf(cluster)];
    const [one, other] = [a.limit('many'), b.limit('many')];
    const keys = Array.from({ length: 100 }, (_, i) => `user:${i}`);
    for (const [i, key] of keys.entries()) await hit(one, key, (i % 5) + 1);
    await agrees(one, 'user:99', 5);
    await Promise.all(keys.map((key, i) => agrees(other, key, (i % 5) + 1)));
    const held = await Promise.all(
      (a.redis as any).nodes('master').map(async (node: any) => (await node.keys('gateway:limit:*')).length),
    );
    expect(held.filter((count) => count > 0)).toHaveLength(3);
  });

  it('a master killed, all flushed, the master back › counting goes on, and agrees again', async () => {
    const [a, b] = [await processOf(cluster), await processOf(cluster)];
    const [one, other] = [a.limit('killed'), b.limit('killed')];
    const keys = Array.from({ length: 32 }, (_, i) => `user:${i}`);
    for (const key of keys) await hit(one, key, 2);
    await Promise.all(keys.map((key) => agrees(other, key, 2)));
    await cluster.masters[0]!.kill();
    await cluster.flushAll();
    for (const key of keys) expect((await hit(one, key)).totalHits).toBe(3);
    await cluster.masters[0]!.start();
    await cluster.whole();
    await Promise.all(keys.map((key) => agrees(other, key, 3)));
  });
});
