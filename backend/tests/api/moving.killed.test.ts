import { afterAll, beforeAll, describe, it } from '@jest/globals';
import { startMoves, type Moment } from '../support/moves.js';

describe('the gateway, killed in the middle of a move', () => {
  let moves: Awaited<ReturnType<typeof startMoves>>;
  beforeAll(async () => {
    moves = await startMoves();
  });
  afterAll(() => moves?.stop());

  it.each<['dead' | 'live', Moment]>([
    ['dead', 'hand_over'],
    ['live', 'release'],
  ])('from a %s node, at %s › it is completed at the next start', (source, moment) =>
    moves.isKilledAt(moment, source),
  );
});
