import { expect, it } from '@jest/globals';
import { until } from '../src/wait.js';
import { ask, closeDoors, door, upstream } from './support/door.js';

closeDoors();

// fail_timeout is 30 s in production, and this is production's configuration.
it('the pool › a killed node is back › it is used again after fail_timeout', async () => {
  const [first, second] = [await upstream(), await upstream()];
  const { internal } = await door({ nodes: [first.address, second.address] });
  await first.close();
  for (let n = 0; n < 20; n += 1) expect((await ask(internal, '/')).status).toBe(200);
  const back = await upstream(undefined, Number(first.address.split(':')[1]));
  for (let n = 0; n < 20; n += 1) expect((await ask(internal, '/')).status).toBe(200);
  expect(back.seen).toEqual([]);
  await until('the node to be asked again', async () => (await ask(internal, '/')) && back.seen.length > 0, {
    timeoutMs: 45_000,
    everyMs: 500,
  });
});
