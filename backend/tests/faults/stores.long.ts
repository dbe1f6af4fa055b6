import { afterAll, beforeAll, describe } from '@jest/globals';
import { startStage, type Stage } from '../../chaos/stage.js';
import { STORES_ACTS, playActs, withSeeds, type ActOf } from './acts.js';

const ACTS: ActOf[] = [
  ['PostgreSQL cut off, slow, half-open', 14, ['postgres-reset', 'postgres-slow', 'postgres-half-open']],
  ['a node that hangs', 15, ['node-hung', 'node-hung']],
  ['all nodes killed', 16, ['nodes-killed', 'nodes-killed']],
  ['a node cut off, frozen, silent', 18, ['node-reset', 'node-frozen', 'node-silent']],
];

describe('what the gateway stands on, at length', () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await startStage({ api: 1, workers: 1, phones: 6, ownPostgres: true, proxied: true });
  }, 400_000);
  afterAll(() => stage?.stop());

  playActs(withSeeds([...STORES_ACTS, ...ACTS]), () => stage);
});
