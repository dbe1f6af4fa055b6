import { afterAll, beforeAll, describe } from '@jest/globals';
import { startStage, type Stage } from '../../chaos/stage.js';
import { GATEWAY_ACTS, playActs, withSeeds, type ActOf } from './acts.js';

const ACTS: ActOf[] = [
  ['a worker frozen past its lease, then woken', 2, ['worker-frozen', 'worker-frozen']],
  ['api processes killed', 3, ['api-killed', 'api-killed', 'api-killed']],
  ['nginx reloaded', 5, Array<string>(10).fill('nginx-reloaded')],
  ['workers of nginx killed', 9, Array<string>(10).fill('nginx-worker-killed')],
  ['Redis frozen', 10, ['redis-frozen', 'redis-frozen']],
  ['Redis absent at start', 8, ['redis-absent-at-start', 'redis-absent-at-start']],
];

describe('two api and two worker processes behind nginx, at length', () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await startStage({ api: 2, workers: 2, phones: 6 });
  }, 400_000);
  afterAll(() => stage?.stop());

  playActs(withSeeds([...GATEWAY_ACTS, ...ACTS]), () => stage);
});
