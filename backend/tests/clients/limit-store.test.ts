import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { startRedis, type Redis } from '../../../dev/src/redis.js';
import { until } from '../support/until.js';
import { agrees, closeAll, hit, look, processOf, total } from './counting.js';

afterEach(closeAll);

describe('limits of several processes on one Redis', () => {
  let server: Redis;
  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(async () => server?.stop());

  it('hits in two processes › after a moment › each knows the sum, and when the window ends', async () => {
    const [a, b] = [await processOf(server), await processOf(server)];
    const [one, other] = [a.limit('sum'), b.limit('sum')];
    const first = await hit(one, 'user:1', 5);
    expect(first.totalHits).toBe(5);
    await agrees(one, 'user:1', 5);
    await hit(other, 'user:1', 3);
    await agrees(other, 'user:1', 8);
    await agrees(one, 'user:1', 8);
    const ends = (await other.get!('user:1'))!.resetTime!.getTime();
    expect(Math.abs(ends - first.resetTime!.getTime())).toBeLessThan(1000);
  });

  it('one key in two limits, two keys in one limit › counted › apart', async () => {
    const [a, b] = [await processOf(server), await processOf(server)];
    await hit(a.limit('apart-1'), 'user:1', 4);
    await hit(b.limit('apart-2'), 'user:1', 2);
    await hit(b.limit('apart-1'), 'user:2', 1);
    await agrees(b.limit('apart-1'), 'user:1', 4);
    await agrees(a.limit('apart-2'), 'user:1', 2);
    await agrees(a.limit('apart-1'), 'user:2', 1);
  });

  it('a hit taken back › in one process › is taken back for the other', async () => {
    const [a, b] = [await processOf(server), await processOf(server)];
    const [one, other] = [a.limit('back'), b.limit('back')];
    await hit(one, 'k', 3);
    await agrees(other, 'k', 3);
    await one.decrement('k');
    await agrees(other, 'k', 2);
  });

  it('a window that ended › hit again › begins at one for both', async () => {
    const [a, b] = [await processOf(server), await processOf(server)];
    const [one, other] = [a.limit('ends', 700), b.limit('ends', 700)];
    await hit(one, 'k', 9);
    await agrees(other, 'k', 9);
    await until('it ended', async () => (await total(one, 'k')) === 0 && (await total(other, 'k')) === 0);
    expect((await hit(other, 'k')).totalHits).toBe(1);
    expect((await hit(one, 'k')).totalHits).toBeLessThanOrEqual(2);
  });

  it('FLUSHALL › in the middle of a window › opens the limit for nobody', async () => {
    const [a, b] = [await processOf(server), await processOf(server)];
    const [one, other] = [a.limit('flush'), b.limit('flush')];
    await hit(one, 'k', 6);
    await hit(other, 'k', 4);
    await agrees(one, 'k', 10);
    await agrees(other, 'k', 10);
    await a.redis.flushall();
    const lowest = { one: Infinity, other: Infinity };
    await until('both told it again', async () => {
      await look(one, 'k');
      await look(other, 'k');
      lowest.one = Math.min(lowest.one, await total(one, 'k'));
      lowest.other = Math.min(lowest.other, await total(other, 'k'));
      return (await a.redis.keys('gateway:limit:*flush:k')).length === 1;
    });
    expect(lowest).toEqual({ one: 10, other: 10 });
    await hit(one, 'k', 2);
    await agrees(one, 'k', 12);
    await agrees(other, 'k', 12);
  });

  it('Redis frozen, then woken › hits told many times over › count once', async () => {
    const frozen = await startRedis();
    try {
      const [a, b] = [await processOf(frozen), await processOf(frozen)];
      const [one, other] = [a.limit('frozen'), b.limit('frozen')];
      await hit(one, 'k');
      await agrees(other, 'k', 1);
      process.kill(frozen.pid, 'SIGSTOP');
      const until2500 = Date.now() + 2500;
      await until('some tries were in vain', async () => {
        expect((await hit(one, 'k')).totalHits).toBeGreaterThan(1);
        return Date.now() > until2500;
      });
      process.kill(frozen.pid, 'SIGCONT');
      await agrees(other, 'k', await total(one, 'k'));
    } finally {
      process.kill(frozen.pid, 'SIGCONT');
      await frozen.stop();
    }
  });

  it('Redis absent, then there › each counts for itself at once, then together', async () => {
    const gone = await startRedis();
    const { port } = gone;
    await gone.stop();
    const [a, b] = [await processOf({ port }, false), await processOf({ port }, false)];
    const [one, other] = [a.limit('absent'), b.limit('absent')];
    expect((await hit(one, 'k', 7)).totalHits).toBe(7);
    expect((await hit(other, 'k', 2)).totalHits).toBe(2);
    const back = await startRedis({ port });
    try {
      await agrees(one, 'k', 9);
      await agrees(other, 'k', 9);
    } finally {
      await back.stop();
    }
  });
});
