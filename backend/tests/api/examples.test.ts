import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Webhook } from 'standardwebhooks';
import { newNumber } from '../support/client.js';
import { startFileServer, type FileServer } from '../support/file-server.js';
import { jpeg } from '../support/files.js';
import { startGateway, type TestGateway } from '../support/gateway.js';
import { startNodes, type TestNodes } from '../support/nodes.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const folder = `${root}examples/`;

/** Runs a program to its end; what it wrote, and how it ended. */
async function outcome(
  program: string,
  args: string[],
  { env = {}, input = '' }: { env?: Record<string, string>; input?: string } = {},
) {
  const child = spawn(program, args, { env: { PATH: process.env['PATH'], ...env } });
  child.stdin.end(input);
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const code = await new Promise((resolve) => child.once('close', resolve));
  return { code, output };
}

describe('the examples', () => {
  let nodes: TestNodes;
  let gateway: TestGateway;
  let files: FileServer;
  beforeAll(async () => {
    [nodes, files] = await Promise.all([startNodes(2), startFileServer()]);
    gateway = await startGateway({
      env: { EVOLUTION_NODES: nodes.list(), WEBHOOK_RETRY_SCHEDULE: '0.2,0.2,0.2,0.2,0.2' },
    });
  });
  afterAll(async () => {
    await gateway?.stop();
    await Promise.all([nodes?.stop(), files?.stop()]);
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
    const { code, output } = await outcome(program, [folder + file], { env });
    expect([code, output]).toEqual([0, expect.stringContaining('answered: echo: Hello World!')]);
  });

  /** What a page has its reader type between two headings, with this gateway's address and a number nobody else has. */
  const typedIn = (page: string, from: string, to: string): string => {
    const text = readFileSync(root + page, 'utf8');
    const part = text.slice(text.indexOf(`\n${from}\n`), text.indexOf(`\n${to}\n`));
    const blocks = [...part.matchAll(/```sh\n([\s\S]*?)```/g)].map(([, lines]) => lines!);
    return blocks
      .filter((lines) => !lines.includes('npm '))
      .join('')
      .replace('http://localhost:8080', gateway.url)
      .replace('+6281234567890', newNumber());
  };

  it('the README’s own lines › typed one after the other, twice › register, pair, send, and list both directions', async () => {
    const typed = typedIn('README.md', '## Try it', '## The API');
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

  it('regression › the README’s own lines › in an interactive bash, where `!` is history › the message is sent', async () => {
    const typed = typedIn('README.md', '## Try it', '## The API');
    const { output } = await outcome('bash', ['--norc', '-i'], { input: typed });
    expect(output).not.toContain('event not found');
    expect(output).toMatch(/"message":"Hello World!"[^\n]*"status":"(queued|sent|delivered|read)"/);
  });

  it('the README’s and docs/messages.md’s examples › run as they stand › none is refused, and each says what it should', async () => {
    const begin = typedIn('README.md', '## Try it', '## The API');
    const rest = typedIn('README.md', '## The API', '## What it does today');
    const media = typedIn('docs/messages.md', '## Files', '## Afterwards');
    const webhook = typedIn('docs/webhooks.md', '## Making one', '## What is posted');
    const place = mkdtempSync(join(tmpdir(), 'examples-'));
    const picture = jpeg(3000);
    writeFileSync(join(place, 'picture.jpg'), picture);
    const link = files.serve('/picture.jpg', picture, 'image/jpeg');
    const script = `set -eu; cd ${place}
      curl() { command curl --fail-with-body "$@"; }
      ${begin.replace('curl -s -w', 'command curl -s -w')}
      ${rest}
      ${webhook}
      ${media.replace('https://example.com/picture.jpg', link)}
      cmp picture.jpg copy.jpg`;
    const { code, output } = await outcome('sh', ['-c', script]);
    rmSync(place, { recursive: true });
    expect([code, output]).toEqual([0, expect.stringContaining('"accepted":2,"refused":0')]);
    const answers = output
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as any);
    expect(answers.find(({ status }) => status === 'cancelled')).toMatchObject({ message: 'See you today' });
    expect(answers.find(({ events }) => events)).toMatchObject({ secret: expect.stringMatching(/^whsec_/) });
    expect(answers.at(-1)).toMatchObject({ status: 'stored', kind: 'image', size: picture.length });
    const carried = answers.filter(({ media: one }) => one).map(({ type, media: one }) => [type, one.kind]);
    expect(carried).toEqual([
      ['image', 'image'],
      ['image', 'image'],
      ['document', 'document'],
      ['image', 'image'],
    ]);
  });

  it('docs/webhooks.md’s lines for a shell › over a signed post › give its signature', async () => {
    const text = readFileSync(`${root}docs/webhooks.md`, 'utf8');
    const part = text.slice(text.indexOf('## Verifying a signature'));
    const [, lines] = /```sh\n([\s\S]*?)```/.exec(part)!;
    const secret = `whsec_${randomBytes(24).toString('base64')}`;
    const body = '{"message":"Hello, wörld!\\n"}\n';
    const at = new Date(1_795_394_866_000);
    const place = mkdtempSync(join(tmpdir(), 'examples-'));
    writeFileSync(join(place, 'body.json'), body);
    const ran = await outcome('sh', ['-c', `set -eu; cd ${place}\n${lines}`], {
      env: { WEBHOOK_SECRET: secret },
    });
    rmSync(place, { recursive: true });
    const signature = new Webhook(secret).sign('evt_01m82y6f2g2spz0dd93v9ae9vk', at, body);
    expect(ran).toEqual({ code: 0, output: `${signature}\n` });
  });
});
