import { describe, expect, it } from '@jest/globals';
import { receiveWhileKilled } from '../support/killed.js';

describe('what nodes post', () => {
  it('1000 posts, 200 messages five times each and shuffled, while the process is killed again and again › one effect each, told to all without gap or double', async () => {
    expect(
      await receiveWhileKilled(200, { everyMs: 2000, times: 5, patience: 60_000 }),
    ).toBeGreaterThanOrEqual(2);
  }, 400_000);
});
