import { describe, expect, it } from '@jest/globals';
import { receiveWhileKilled } from '../support/killed.js';

describe('what nodes post', () => {
  it('20 000 messages, each five times and shuffled, while the process is killed every 3 s › one effect each, told to all without gap or double', async () => {
    expect(await receiveWhileKilled(20_000, { everyMs: 3000, patience: 300_000 })).toBeGreaterThanOrEqual(10);
  }, 1_800_000);
});
