import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newNumber } from '../support/client.js';
import { startGateway, type TestGateway } from '../support/gateway.js';
import { startNodes, type TestNodes } from '../support/nodes.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const folder = `${root}examples/`;

/** Runs a program to its end; what it wrote, and how it ended. */
async function outcome(program: string, args: string[], env: Record<string, string> = {}) {
  const child = spawn(program, args, {
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const code = await new Promise((resolve) => child.once('close', resolve));
  return { code, output };
}

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
    const env = { GATEWAY_URL: gateway.url, PHONE_NUMBER: newNumber() };
    const { code, output } = await outcome(program, [folder + file], env);
    expect([code, output]).toEqual([0, expect.stringContaining('answered: echo: Hello World!')]);
  });

  it('the README’s own lines › typed one after the other, twice › register, pair, send, and list both directions', async () => {
    const [, lines] = /```sh\n(B=http:\/\/localhost:8080\n[\s\S]*?)```/.exec(
      readFileSync(`${root}README.md`, 'utf8'),
    )!;
    const typed = lines!.replace('http://localhost:8080', gateway.url).replace('+6281234567890', newNumber());
    // The last line is repeated, as its reader would; and a reader may paste all of it a second time.
    const last = typed.slice(typed.lastIndexOf('\ncurl'));
    const script = `set -eu\n${typed}\n${typed}
      for i in $(seq 100); do
        LIST=$(${last})
        case $LIST in *'"message":"echo: Hello World!"'*'"status":"read"'*) exit 0 ;; esac
        sleep 0.1
      done
      echo "at last: $LIST"
      exit 1`;
    expect(await outcome('sh', ['-c', script])).toMatchObject({ code: 0 });
  });
});
