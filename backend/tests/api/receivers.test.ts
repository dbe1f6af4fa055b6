import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { Webhook } from 'standardwebhooks';
import { freePort } from '../../../dev/src/ports.js';
import { findProgram } from '../../../dev/src/programs.js';
import { until } from '../support/until.js';

const folder = fileURLToPath(new URL('../../../examples/', import.meta.url));

interface Vector {
  name: string;
  secret: string;
  id: string;
  timestamp: string;
  body: string;
  signature: string;
  /** Seconds. */
  now: number;
  isGenuine: boolean;
}
const vectors = JSON.parse(readFileSync(`${folder}signatures.json`, 'utf8')) as Vector[];
const wanted = vectors.map(({ name, isGenuine }) => `${name}: ${isGenuine}`);
const told = (results: boolean[]) => results.map((result, i) => `${vectors[i]!.name}: ${result}`);
const headersOf = ({ id, timestamp, signature }: Vector) => ({
  'webhook-id': id,
  'webhook-timestamp': timestamp,
  'webhook-signature': signature,
});

/** What a program writes to its standard output. */
function outputOf(
  program: string,
  args: string[],
  { env = {}, input = '' }: { env?: Record<string, string>; input?: string } = {},
): Promise<string> {
  const child = spawn(program, args, {
    cwd: folder,
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  return new Promise((resolve) => child.once('close', () => resolve(output)));
}

/** How each language answers all vectors. */
const LANGUAGES: Record<string, () => Promise<boolean[]>> = {
  'receiver.mjs': async () => {
    const { isGenuine } = (await import(`${folder}receiver.mjs`)) as {
      isGenuine(secret: string, headers: object, body: string, now: number): boolean;
    };
    return vectors.map((v) => isGenuine(v.secret, headersOf(v), v.body, v.now));
  },
  'receiver.py': async () =>
    JSON.parse(
      await outputOf('python3', [
        '-c',
        `import json; from receiver import is_genuine
vectors = json.load(open("signatures.json"))
headers = lambda v: {"webhook-id": v["id"], "webhook-timestamp": v["timestamp"], "webhook-signature": v["signature"]}
print(json.dumps([is_genuine(v["secret"], headers(v), v["body"].encode(), v["now"]) for v in vectors]))`,
      ]),
    ) as boolean[],
  'receiver.php': async () =>
    JSON.parse(
      await outputOf('php', [
        '-r',
        `require "receiver.php";
$vectors = json_decode(file_get_contents("signatures.json"), true);
$headers = fn($v) => ["webhook-id" => $v["id"], "webhook-timestamp" => $v["timestamp"], "webhook-signature" => $v["signature"]];
echo json_encode(array_map(fn($v) => is_genuine($v["secret"], $headers($v), $v["body"], $v["now"]), $vectors));`,
      ]),
    ) as boolean[],
  'receiver.sh': () =>
    Promise.all(
      vectors.map(async (v) => {
        const env = {
          WEBHOOK_SECRET: v.secret,
          HTTP_WEBHOOK_ID: v.id,
          HTTP_WEBHOOK_TIMESTAMP: v.timestamp,
          HTTP_WEBHOOK_SIGNATURE: v.signature,
          NOW: String(v.now),
        };
        const answer = await outputOf('./receiver.sh', [], { env, input: v.body });
        expect(answer).toMatch(/^Status: (204 No Content|401 Unauthorized)\r\n\r\n$/);
        return answer.startsWith('Status: 204');
      }),
    ),
};
const missing = (name: string) => name.endsWith('.php') && findProgram('php') === null;

describe('the example receivers', () => {
  let server: ChildProcess | null = null;
  afterEach(() => {
    jest.useRealTimers();
    server?.kill('SIGKILL');
    server = null;
  });

  for (const [name, answers] of Object.entries(LANGUAGES))
    (missing(name) ? it.skip : it)(
      `${name} › posts genuine and forged, early and late › tells each for what it is`,
      async () => {
        expect(told(await answers())).toEqual(wanted);
      },
    );

  it('the library of Standard Webhooks › the same posts › tells the same of them', () => {
    const results = vectors.map((v) => {
      jest.useFakeTimers({ now: v.now * 1000 });
      try {
        // It parses what it has verified; these bodies need not be JSON.
        new Webhook(v.secret).verify(v.body, headersOf(v));
        return true;
      } catch (error) {
        return error instanceof SyntaxError;
      }
    });
    expect(told(results)).toEqual(wanted);
  });

  const SERVERS: Record<string, (port: number) => [string, string[]]> = {
    'receiver.mjs': () => [process.execPath, ['receiver.mjs']],
    'receiver.py': () => ['python3', ['receiver.py']],
    'receiver.php': (port) => ['php', ['-S', `127.0.0.1:${port}`, 'receiver.php']],
  };
  for (const [name, command] of Object.entries(SERVERS))
    (missing(name) ? it.skip : it)(
      `${name} › run as its first line says › takes what is signed, and nothing else`,
      async () => {
        const secret = vectors[0]!.secret;
        const port = await freePort();
        const [program, args] = command(port);
        server = spawn(program, args, {
          cwd: folder,
          env: { PATH: process.env['PATH'], PORT: String(port), WEBHOOK_SECRET: secret },
          stdio: 'ignore',
        });
        const body = '{"id":"evt_1","event":"message","data":{"message":"héllo"}}';
        const at = new Date();
        const post = (signature: string) =>
          fetch(`http://127.0.0.1:${port}/`, {
            method: 'POST',
            headers: {
              'webhook-id': 'evt_1',
              'webhook-timestamp': String(Math.floor(at.getTime() / 1000)),
              'webhook-signature': signature,
            },
            body,
          });
        const answer = await until('it answers', async () =>
          post(new Webhook(secret).sign('evt_1', at, body)).catch(() => null),
        );
        expect(answer.status).toBe(204);
        expect((await post(new Webhook(vectors[3]!.secret).sign('evt_1', at, body))).status).toBe(401);
      },
    );
});
