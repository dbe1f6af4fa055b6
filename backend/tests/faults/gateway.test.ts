import { afterAll, beforeAll, describe } from '@jest/globals';
import { startStage, type Stage } from '../../chaos/stage.js';
import { playActs, type ActOf } from './acts.js';

const ACTS: ActOf[] = [
  ['a worker killed', 1, ['worker-killed']],
  ['SIGTERM at load, twice, to either role', 4, ['api-restarted', 'worker-restarted', 'api-restarted']],
  [
    'nginx reloaded, its workers killed in the middle of a POST',
    6,
    ['nginx-reloaded', 'nginx-worker-killed'],
  ],
  ['Redis flushed, killed, full', 7, ['redis-flushed', 'redis-killed', 'redis-full']],
];

describe('two api and two worker processes behind nginx', () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await startStage({ api: 2, workers: 2, phones: 6 });
  }, 120_000);
  afterAll(() => stage?.stop());

  playActs(ACTS, () => stage);
});
