import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { sweepTemporary, temporaryFolder } from './folders.js';
import { startPostgres, THROWAWAY } from './postgres.js';
import { provide } from './provide.js';
import { root } from './settings.js';

/** Major versions of Node that the suite has to pass on. */
const PROMISED = [20, 22, 24];

const LONG = ['--testMatch', '<rootDir>/tests/**/*.test.ts', '<rootDir>/tests/**/*.long.ts'];

/** Ours are `--project <name>` and `--long`; everything else is jest's. */
function jestArguments(args: string[]): string[] {
  const rest = [...args];
  const found: string[] = [];
  for (let at = rest.indexOf('--project'); at !== -1; at = rest.indexOf('--project'))
    found.push(...rest.splice(at, 2).slice(1));
  const long = rest.includes('--long') ? LONG : [];
  const projects = found.length > 0 ? ['--selectProjects', ...found] : [];
  return [...rest.filter((arg) => arg !== '--long'), ...projects, ...long];
}

type Interruption = { signal: NodeJS.Signals | null; tell: (signal: NodeJS.Signals) => void };

/** From here on a signal no longer ends us: it is passed to jest, and what we started is stopped as always. */
function takeSignals(): Interruption {
  const state: Interruption = { signal: null, tell: () => undefined };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => {
      state.signal = signal;
      state.tell(signal);
    });
  return state;
}

/** Runs jest to its end, whatever happens to it, on the Node whose binary is given. */
function jest(node: string, args: string[], run: { env: NodeJS.ProcessEnv; interruption: Interruption }) {
  const { env, interruption } = run;
  if (interruption.signal) return Promise.resolve(1);
  const flags = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning', jestBinary()];
  const child = spawn(node, [...flags, ...args], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    // What the tests start by the name of node has to be the same one.
    env: { ...process.env, PATH: `${dirname(node)}${delimiter}${process.env['PATH'] ?? ''}`, ...env },
  });
  interruption.tell = (signal) => void child.kill(signal);
  return new Promise<number>((resolve) => {
    child.once('error', () => resolve(1));
    child.once('exit', (code) => resolve(code ?? 1));
  });
}

const jestBinary = (): string => join(root, 'node_modules', 'jest', 'bin', 'jest.js');

interface Tally {
  passed: number;
  failed: number;
  skipped: number;
}

/** What one run of jest counted. One that did not get as far as counting is a failure. */
function readTally(file: string, code: number): Tally {
  const none = { passed: 0, failed: 1, skipped: 0 };
  const tally = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Tally) : none;
  rmSync(file, { force: true });
  return code !== 0 && tally.failed === 0 ? { ...tally, failed: 1 } : tally;
}

/** Another Node's binary, from npm's `node` package; null when it is not to be had. */
function otherNode(major: number): string | null {
  const args = ['exec', '--yes', `--package=node@${major}`, '--', 'node', '-p', 'process.execPath'];
  const found = spawnSync('npm', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  const path = found.stdout.trim().split('\n').at(-1) ?? '';
  return found.status === 0 && existsSync(path) ? path : null;
}

/** This Node, and with `--long` every other one that is promised to work. */
function nodes(args: string[]): { name: string; path: string | null }[] {
  const own = Number.parseInt(process.versions.node, 10);
  const others = args.includes('--long') ? PROMISED.filter((major) => major !== own) : [];
  return [
    { name: process.version, path: process.execPath },
    ...others.map((major) => ({ name: `v${major}`, path: otherNode(major) })),
  ];
}

async function runAll(args: string[], run: { env: NodeJS.ProcessEnv; interruption: Interruption }) {
  const sum = { passed: 0, failed: 0, skipped: 0 };
  for (const { name, path } of nodes(args)) {
    if (args.includes('--long'))
      console.log(`\non Node ${name}${path === null ? ': npm does not have it' : ''}`);
    const code = path === null ? 1 : await jest(path, jestArguments(args), run);
    const tally = readTally(run.env['TALLY_FILE'] ?? '', code);
    for (const key of ['passed', 'failed', 'skipped'] as const) sum[key] += tally[key];
  }
  return sum;
}

/** `npm test`. The last line printed is `N passed, N failed`; the exit code is 0 only when nothing failed. */
export async function main(args: string[]): Promise<number> {
  const interruption = takeSignals();
  await sweepTemporary();
  // curl, PHP and Python run the examples, Chromium opens the pages.
  await provide(['postgres', 'redis', 'nginx', 'curl', 'php', 'python', 'chromium'], (line) =>
    console.log(line),
  );
  const folder = temporaryFolder('test');
  const postgres = await startPostgres({ dataDir: join(folder, 'postgres'), settings: THROWAWAY });
  const env = {
    TEST_DATABASE_URL: postgres.gateway.url.replace(/\/[^/]*$/, '/postgres'),
    TEST_SUPERUSER_URL: postgres.superuser.url,
    TEST_POSTGRES_BIN: postgres.server.bin,
    TALLY_FILE: join(folder, 'tally.json'),
  };
  const { passed, failed, skipped } = await runAll(args, { env, interruption });
  await postgres.stop();
  rmSync(folder, { recursive: true, force: true });
  if (skipped > 0) console.log(`${skipped} skipped`);
  console.log(`${passed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}
