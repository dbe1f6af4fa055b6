import { afterAll, beforeAll, describe } from '@jest/globals';
import { startStage, type Stage } from '../../chaos/stage.js';
import { GATEWAY_ACTS, playActs } from './acts.js';

describe('two api and two worker processes behind nginx', () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await startStage({ api: 2, workers: 2, phones: 6 });
  }, 400_000);
  afterAll(() => stage?.stop());

  playActs(GATEWAY_ACTS, () => stage);
});
