import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newNumber } from '../support/client.js';
import { startGateway, type TestGateway } from '../support/gateway.js';
import { startNodes, type TestNodes } from '../support/nodes.js';

const folder = fileURLToPath(new URL('../../../examples/', import.meta.url));

describe('the examples', () => {
  let nodes: TestNodes;
  let gateway: TestGateway;
  beforeAll(async () => {
    nodes = await startNodes(2);
    gateway = await startGateway({
      env: { EVOLUTION_NODES: nodes.list(), WEBHOOK_RETRY_SCHEDULE: '0.2,0.2,0.2,0.2,0.2' },
    });
  });
  afterAll(async () => {
    await gateway?.stop();
    await nodes?.stop();
  });

  it.each([
    ['sh', 'quickstart.sh'],
    [process.execPath, 'quickstart.mjs'],
    ['python3', 'quickstart.py'],
  ])('%s %s › run as it stands › goes the whole way, in at most 40 lines', async (program, file) => {
    expect(
      readFileSync(folder + file, 'utf8')
        .trim()
        .split('\n').length,
    ).toBeLessThanOrEqual(40);
    const child = spawn(program, [folder + file], {
      env: { PATH: process.env['PATH'], GATEWAY_URL: gateway.url, PHONE_NUMBER: newNumber() },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
    const code = await new Promise((resolve) => child.once('exit', resolve));
    expect([code, output]).toEqual([0, expect.stringContaining('answered: echo: Hello World!')]);
  });
});
