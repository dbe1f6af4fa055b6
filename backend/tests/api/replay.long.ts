import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startGateway, type TestGateway } from '../support/gateway.js';
import { POSTS, replay, shuffled } from '../support/recorded.js';

describe('recorded posts', () => {
  let gateway: TestGateway;
  beforeAll(async () => {
    gateway = await startGateway({ workers: [] });
  });
  afterAll(async () => gateway?.stop());

  it('replayed in a hundred random orders, every tenth with repeats › always give the same', async () => {
    const right = await replay(gateway, POSTS);
    for (let seed = 1; seed <= 100; seed += 1) {
      const posts = seed % 10 === 0 ? [...POSTS, ...POSTS, ...POSTS] : POSTS;
      const { truth } = await replay(gateway, shuffled(posts, seed));
      expect([seed, truth]).toEqual([seed, right.truth]);
    }
  }, 600_000);
});
