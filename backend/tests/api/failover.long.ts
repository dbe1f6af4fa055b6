import { describe, expect, it } from '@jest/globals';
import { failOver } from '../support/failover.js';

describe('a node that goes, or is emptied, under load', () => {
  it.each(['kill', 'freeze', 'drain'] as const)(
    '%s › 200 phones, 50 messages a second › all open elsewhere; each message once, in order; what is back holds none',
    async (how) => {
      // Two nodes share the phones of the one that is emptied under load, three those of one that goes.
      const size = how === 'drain' ? { phones: 400, nodes: 2 } : { phones: 200, nodes: 3 };
      const { faults, ...measured } = await failOver(how, { ...size, perSecond: 50, seconds: 40 });
      process.stderr.write(`${how}: ${JSON.stringify(measured)}\n`);
      expect(faults).toEqual([]);
      expect(measured.accepted).toBe(2000);
    },
    600_000,
  );
});
