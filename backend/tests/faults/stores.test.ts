import { afterAll, beforeAll, describe } from '@jest/globals';
import { startStage, type Stage } from '../../chaos/stage.js';
import { playActs, type ActOf } from './acts.js';

const ACTS: ActOf[] = [
  ['PostgreSQL crash-restarted', 11, ['postgres-backend-killed', 'postgres-crashed']],
  ['PostgreSQL read-only, out of connections', 12, ['postgres-read-only', 'postgres-exhausted']],
  [
    'a node that answers 502, loses its answers, is killed',
    17,
    ['node-502', 'node-answers-lost', 'node-killed'],
  ],
];

describe('what the gateway stands on', () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await startStage({ api: 1, workers: 1, phones: 6, ownPostgres: true, proxied: true });
  }, 120_000);
  afterAll(() => stage?.stop());

  playActs(ACTS, () => stage);
});
