import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { fuzz } from '../support/fuzzing.js';
import { startGateway, type TestGateway } from '../support/gateway.js';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startGateway();
});
afterAll(async () => gateway?.stop());

it('20 000 requests of any sense or none, beside all workers › never 5xx, every answer as the document says', async () => {
  const { found, answered } = await fuzz(gateway, 20_000);
  process.stderr.write(`fuzz: ${JSON.stringify([...answered].sort())}\n`);
  expect(found).toEqual([]);
}, 900_000);
