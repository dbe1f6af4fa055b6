import { afterAll, beforeAll, describe, it } from '@jest/globals';
import { startMoves, type Moment } from '../support/moves.js';

describe('the gateway, killed in the middle of a move', () => {
  let moves: Awaited<ReturnType<typeof startMoves>>;
  beforeAll(async () => {
    moves = await startMoves();
  });
  afterAll(() => moves?.stop());

  const dead: Moment[] = ['begin', 'make', 'hand_over', 'keys', 'open', 'history'];
  const live: Moment[] = ['begin', 'wait', 'make', 'hand_over', 'release', 'keys', 'open', 'history'];
  it.each(dead)('from a dead node, at %s › it is completed at the next start', (moment) =>
    moves.isKilledAt(moment, 'dead'),
  );
  it.each(live)('from a live node, at %s › it is completed at the next start', (moment) =>
    moves.isKilledAt(moment, 'live'),
  );
});
