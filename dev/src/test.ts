import { spawn } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { sweepTemporary, temporaryFolder } from './folders.js';
import { startPostgres, THROWAWAY } from './postgres.js';
import { provide } from './provide.js';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

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

/** Runs jest to its end, whatever happens to it. */
function jest(args: string[], env: NodeJS.ProcessEnv, interruption: Interruption): Promise<number> {
  if (interruption.signal) return Promise.resolve(1);
  const node = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning', jestBinary()];
  const child = spawn(process.execPath, [...node, ...args], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, ...env },
  });
  interruption.tell = (signal) => void child.kill(signal);
  return new Promise((resolve) => {
    child.once('error', () => resolve(1));
    child.once('exit', (code) => resolve(code ?? 1));
  });
}

const jestBinary = (): string => join(root, 'node_modules', 'jest', 'bin', 'jest.js');

function readTally(file: string): { passed: number; failed: number; skipped: number } {
  if (existsSync(file)) return JSON.parse(readFileSync(file, 'utf8')) as ReturnType<typeof readTally>;
  // jest did not get as far as counting, and that is a failure.
  return { passed: 0, failed: 1, skipped: 0 };
}

/** `npm test`. The last line printed is `N passed, N failed`; the exit code is 0 only when nothing failed. */
export async function main(args: string[]): Promise<number> {
  const interruption = takeSignals();
  await sweepTemporary();
  // curl and Python run the examples.
  await provide(['postgres', 'redis', 'nginx', 'curl', 'python'], (line) => console.log(line));
  const folder = temporaryFolder('test');
  const tallyFile = join(folder, 'tally.json');
  const postgres = await startPostgres({ dataDir: join(folder, 'postgres'), settings: THROWAWAY });
  const url = postgres.gateway.url.replace(/\/[^/]*$/, '/postgres');
  const env = {
    TEST_DATABASE_URL: url,
    TEST_SUPERUSER_URL: postgres.superuser.url,
    TEST_POSTGRES_BIN: postgres.server.bin,
    TALLY_FILE: tallyFile,
  };
  const code = await jest(jestArguments(args), env, interruption);
  await postgres.stop();
  const { passed, failed, skipped } = readTally(tallyFile);
  rmSync(folder, { recursive: true, force: true });
  if (skipped > 0) console.log(`${skipped} skipped`);
  const failures = failed === 0 && code !== 0 ? 1 : failed;
  console.log(`${passed} passed, ${failures} failed`);
  return failures === 0 ? 0 : 1;
}
