import { afterEach, describe, expect, it } from '@jest/globals';
import { startRedis } from '../../../dev/src/redis.js';
import { createWake } from '../../src/clients/wake.js';
import { until } from '../support/until.js';
import { closeAll, processOf } from './counting.js';

afterEach(closeAll);

describe('hints through Redis', () => {
  it('regression › Redis hangs while many are given › few are kept for it, and they come again when it is back', async () => {
    const server = await startRedis();
    try {
      const [publisher, listener] = [await processOf(server), await processOf(server, false)];
      const [from, to] = [await processOf(server, false), listener];
      const wake = createWake(publisher.redis, from.redis);
      const other = createWake(publisher.redis, to.redis);
      const heard: number[] = [];
      other.on('events', (user) => heard.push(user));
      const reaches = (user: number) =>
        until(`a hint for ${user} is heard`, () => {
          wake.hint('events', user);
          return heard.includes(user);
        });
      await reaches(1);
      process.kill(server.pid, 'SIGSTOP');
      for (let i = 0; i < 50_000; i += 1) wake.hint('lane');
      expect((publisher.redis as any).commandQueue.length).toBeLessThan(300);
      expect((publisher.redis as any).stream.writableLength).toBeLessThan(100_000);
      process.kill(server.pid, 'SIGCONT');
      await reaches(2);
    } finally {
      process.kill(server.pid, 'SIGCONT');
      await server.stop();
    }
  });
});
