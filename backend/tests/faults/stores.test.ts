import { afterAll, beforeAll, describe } from '@jest/globals';
import { startStage, type Stage } from '../../chaos/stage.js';
import { STORES_ACTS, playActs } from './acts.js';

describe('what the gateway stands on', () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await startStage({ api: 1, workers: 1, phones: 6, ownPostgres: true, proxied: true });
  }, 400_000);
  afterAll(() => stage?.stop());

  playActs(STORES_ACTS, () => stage);
});
