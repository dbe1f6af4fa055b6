import { expect, it } from '@jest/globals';
import { failOver } from '../support/failover.js';

it('a node of 500 phones killed › all open on the other node; each message once, in order', async () => {
  const load = { phones: 1000, perSecond: 20, seconds: 60, nodes: 2 };
  const { faults, ...measured } = await failOver('kill', load);
  process.stderr.write(`500 phones: ${JSON.stringify(measured)}\n`);
  expect(faults).toEqual([]);
  expect(measured.moved).toBeGreaterThanOrEqual(450);
}, 900_000);
