import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, jest } from '@jest/globals';
import { sweepTemporary, temporaryFolder } from '../../src/folders.js';
import { answers, freePort } from '../../src/ports.js';
import { endProcess, isAlive, isOurs } from '../../src/process.js';
import { root } from '../../src/settings.js';
import { until } from '../../src/wait.js';

export interface Launched {
  child: ChildProcess;
  dataDir: string;
  env: Record<string, string>;
  url: string;
  output(): string;
  ended: Promise<number | null>;
}

let folders: string[];
let launched: Launched[];

/** Every test of a file that calls this gets launchers of its own, all ended after it. */
export function endLaunched(): void {
  // A start takes three seconds on an idle machine and many more on one where other suites run beside it.
  jest.setTimeout(180_000);
  beforeEach(() => {
    folders = [];
    launched = [];
  });
  afterEach(async () => {
    await Promise.all(launched.map(({ child }) => child.pid && isAlive(child.pid) && stop(child)));
    for (const folder of folders) {
      await Promise.all(processesOf(folder).map((pid) => endProcess(pid, 'SIGKILL')));
      rmSync(folder, { recursive: true, force: true });
    }
    await sweepTemporary();
  });
}

async function stop(child: ChildProcess): Promise<void> {
  child.kill('SIGTERM');
  await endProcess(child.pid ?? 0, 'SIGTERM', 20_000);
}

/** Every process on this machine that names `folder` in its command line or runs in it. */
export const processesOf = (folder: string): number[] =>
  readdirSync('/proc')
    .map(Number)
    .filter((pid) => pid > 1 && isOurs(pid, folder));

/** Free ports and a data folder of its own. */
export async function surroundings(): Promise<Record<string, string>> {
  const folder = temporaryFolder('start');
  folders.push(folder);
  // Two nodes take two ports in a row.
  const sandbox = await freePort(2);
  return {
    DATA_DIR: join(folder, 'data'),
    HTTP_PORT: String(await freePort()),
    PORT: String(await freePort()),
    INTERNAL_PORT: String(await freePort()),
    SANDBOX_PORT: String(sandbox),
    SANDBOX_SCAN_MS: '200',
    RESPAWN_AFTER: '1',
    BCRYPT_COST: '4',
  };
}

const inherited = () =>
  Object.fromEntries(
    ['PATH', 'HOME', 'LANG', 'NODE_EXTRA_CA_CERTS'].map((name) => [name, process.env[name]]),
  );

/** Runs `npm start` (without npm unless told) with nothing of our own environment that could change it. */
export function launch(env: Record<string, string>, command = [process.execPath, 'dev/start.mjs']): Launched {
  const [file = '', ...args] = command;
  const child = spawn(file, args, {
    cwd: root,
    env: { ...inherited(), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (text += chunk.toString()));
  const ended = new Promise<number | null>((resolve) => child.once('close', (code) => resolve(code)));
  const one = {
    child,
    dataDir: env['DATA_DIR'] ?? '',
    env,
    url: `http://127.0.0.1:${env['HTTP_PORT']}`,
    output: () => text,
    ended,
  };
  launched.push(one);
  return one;
}

export async function untilReady(one: Launched): Promise<Launched> {
  const seen = () => /^ready http/m.test(one.output()) && lines(one).length === 3;
  await Promise.race([
    // A pipe may hand the lines over in pieces.
    until('ready', seen, { timeoutMs: 100_000 }),
    one.ended.then((code) => {
      throw new Error(`ended with ${code}:\n${one.output()}`);
    }),
  ]);
  return one;
}

export const start = async (changes: Record<string, string> = {}): Promise<Launched> =>
  untilReady(launch({ ...(await surroundings()), ...changes }));

/** `npm run <name>` beside a start, which knows of it only where its data is. */
export function command(dataDir: string, name: string, ...args: string[]): string {
  const { status, stdout, stderr } = spawnSync('npm', ['run', '--silent', name, '--', ...args], {
    cwd: root,
    encoding: 'utf8',
    env: { ...inherited(), DATA_DIR: dataDir },
  });
  return `${status}: ${stdout}${stderr}`;
}

/** The launcher's children as it noted them: pid by name. */
export function children({ dataDir }: Launched): Record<string, number> {
  const file = join(dataDir, 'children.json');
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Record<string, number>) : {};
}

export const lines = (one: Launched): string[] =>
  one
    .output()
    .split('\n')
    .filter((line) => /^(TOKEN=|PHONE=|curl )/.test(line));

/** Pastes the three printed lines into a POSIX shell; gives the message's answer and the token. */
export function paste(one: Launched): { message: any; token: string } {
  const script = [...lines(one), 'echo; echo "$TOKEN"'].join('\n');
  const [message = '', token = ''] = execFileSync('/bin/sh', ['-c', script], { encoding: 'utf8' })
    .trim()
    .split('\n');
  return { message: JSON.parse(message), token };
}

export async function get(one: Launched, path: string, token = ''): Promise<{ status: number; body: any }> {
  const answer = await fetch(`${one.url}${path}`, {
    headers: token ? { authorization: `Bearer ${token}` } : {},
  });
  return { status: answer.status, body: await answer.json().catch(() => null) };
}

export const healthy = (one: Launched) => async () => {
  const { status, body } = await get(one, '/health').catch(() => ({ status: 0, body: null }));
  return status === 200 && body.status === 'ok';
};

/** The message is read, and its recipient has answered. */
export async function untilAnswered(
  one: Launched,
  { message, token }: { message: any; token: string },
): Promise<void> {
  await until(
    'the message to be read and answered',
    async () => {
      const { body } = await get(one, `/api/messages?phoneId=${message.phoneId}`, token);
      const out = body.data.find(({ id }: any) => id === message.id);
      return (
        out.status === 'read' &&
        body.data.some(({ direction, message: text }: any) => direction === 'in' && text === 'echo: Hello')
      );
    },
    { timeoutMs: 20_000, everyMs: 100 },
  );
}

export const taken = async (env: Record<string, string>): Promise<boolean[]> =>
  Promise.all(
    ['HTTP_PORT', 'PORT', 'INTERNAL_PORT', 'SANDBOX_PORT'].map((name) => answers(Number(env[name]))),
  );
