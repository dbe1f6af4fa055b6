import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { fuzz } from '../support/fuzzing.js';
import { startGateway, type TestGateway } from '../support/gateway.js';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startGateway({ workers: [] });
});
afterAll(async () => gateway?.stop());

it('2 000 requests of any sense or none, to every endpoint › never 5xx, every answer as the document says', async () => {
  const { found, answered } = await fuzz(gateway, 2000);
  expect(found).toEqual([]);
  // Some made sense, most did not, and nobody was signed out by it.
  expect(answered.get(200)).toBeGreaterThan(50);
  expect(answered.get(400)).toBeGreaterThan(500);
  expect(answered.get(401) ?? 0).toBeLessThan(200);
});
