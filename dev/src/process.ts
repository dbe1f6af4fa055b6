import { execFileSync, spawn, type ChildProcess, type SpawnOptions } from 'node:child_process';
import { appendFileSync, closeSync, openSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { failure, linesFrom, sizeOf } from './cause.js';
import { until } from './wait.js';

/** A process of ours that runs. */
export interface Running {
  readonly pid: number;
  /** Where in its log file its own lines begin, in bytes. */
  readonly logFrom?: number;
  /** Resolves, never rejects, when the process is gone, with how: `exit 1`, `signal SIGKILL`. */
  readonly exited: Promise<string>;
  /** Asks it to end, and ends it the hard way after a while; resolves when it is gone. */
  stop(): Promise<void>;
  /** SIGKILL at once; resolves when it is gone. What it leaves behind is the next start's business. */
  kill(): Promise<void>;
}

export interface Command {
  name: string;
  file: string;
  args: string[];
  /** Output of the process is appended to this file; dropped unless told. */
  logFile?: string;
  /** Gets every line of output too. */
  onLine?: (line: string) => void;
  /** The polite signal; SIGTERM unless told. */
  signal?: NodeJS.Signals;
  /** Milliseconds between the polite signal and SIGKILL; 10 000 unless told. */
  patienceMs?: number;
  /** Milliseconds it may take to be ready; 30 000 unless told. */
  readyMs?: number;
  options?: SpawnOptions;
}

export const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return !isZombie(pid);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
};

function isZombie(pid: number): boolean {
  try {
    return /\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

/** Command line and working directory of a process, as far as this machine tells them; '' when it is gone. */
export function describe(pid: number): string {
  try {
    return `${readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')} ${cwdOf(pid)}`;
  } catch {
    if (process.platform === 'linux') return '';
  }
  try {
    return execFileSync('ps', ['-p', String(pid), '-o', 'command='], { encoding: 'utf8' });
  } catch {
    return '';
  }
}

function cwdOf(pid: number): string {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return '';
  }
}

/** A pid alone proves nothing, as pids are used again: a process is ours when it names our folder. */
export const isOurs = (pid: number, folder: string): boolean =>
  pid > 1 && pid !== process.pid && isAlive(pid) && names(describe(pid), folder);

/** `/data/a` is named by `/data/a/redis` and by `--dir /data/a`, but not by `/data/ab`. */
const names = (text: string, folder: string): boolean =>
  text
    .split(folder)
    .slice(1)
    .some((rest) => rest === '' || /^[\s/;]/.test(rest));

const send = (pid: number, signal: NodeJS.Signals): void => {
  try {
    process.kill(pid, signal);
  } catch {
    // It was gone already, which is what we want.
  }
};

/** Ends a process that need not be our child: `signal`, then SIGKILL after `patienceMs`. Resolves when it is gone. */
export async function endProcess(pid: number, signal: NodeJS.Signals = 'SIGTERM', patienceMs = 10_000) {
  send(pid, signal);
  try {
    await until(`process ${pid} to end`, () => !isAlive(pid), { timeoutMs: patienceMs });
  } catch {
    send(pid, 'SIGKILL');
    await until(`process ${pid} to be killed`, () => !isAlive(pid));
  }
}

function open(command: Command): ChildProcess {
  const log = command.logFile === undefined ? 'ignore' : openSync(command.logFile, 'a');
  const output = command.onLine ? 'pipe' : log;
  try {
    // Detached: Ctrl-C in a terminal reaches the launcher alone, which stops its children in the right order.
    const child = spawn(command.file, command.args, {
      stdio: ['ignore', output, output],
      detached: true,
      ...command.options,
    });
    if (command.onLine) listen(child, command);
    return child;
  } finally {
    if (typeof log === 'number') closeSync(log);
  }
}

function listen(child: ChildProcess, { logFile, onLine }: Command): void {
  for (const stream of [child.stdout, child.stderr]) {
    if (!stream) continue;
    createInterface({ input: stream }).on('line', (line) => {
      if (logFile !== undefined) appendFileSync(logFile, `${line}\n`);
      onLine?.(line);
    });
  }
}

/** A leader that was killed leaves its group: workers of nginx go on serving, and keep its port. */
function endGroup(leader: number): void {
  if (leader > 1) send(-leader, 'SIGKILL');
}

/** Members of the group that `leader` led, as far as they are ours; Linux only, [] elsewhere. */
export function groupOf(leader: number, folder: string): number[] {
  const pids = process.platform === 'linux' ? readdirSync('/proc').map(Number).filter(Boolean) : [];
  return pids.filter((pid) => groupId(pid) === leader && isOurs(pid, folder));
}

function groupId(pid: number): number {
  try {
    return Number(/\) \S \d+ (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1] ?? 0);
  } catch {
    return 0;
  }
}

/**
 * Starts a process; it need not be ready when this resolves.
 * @throws Error when it cannot be started at all
 */
export async function run(command: Command): Promise<Running & { child: ChildProcess }> {
  const logFrom = sizeOf(command.logFile);
  const child = open(command);
  const exited = new Promise<string>((resolve) => {
    child.once('exit', (code, signal) => {
      endGroup(child.pid ?? 0);
      resolve(signal ? `signal ${signal}` : `exit ${code}`);
    });
    child.once('error', (error) => resolve(error.message));
  });
  if (child.pid === undefined) throw new Error(`${command.name} does not start: ${await exited}`);
  const pid = child.pid;
  const end = async (signal: NodeJS.Signals) => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    await endProcess(pid, signal, command.patienceMs);
    await exited;
  };
  return {
    pid,
    logFrom,
    child,
    exited,
    stop: () => end(command.signal ?? 'SIGTERM'),
    kill: () => end('SIGKILL'),
  };
}

/**
 * Polls `check` until it gives something truthy, as long as the process lives.
 * @throws Error when the process ends first or `readyMs` pass; it is stopped then, and the message has why, and the end of its output
 */
export async function ready(
  command: Command,
  running: Running,
  check: () => Promise<unknown>,
): Promise<void> {
  let gone: string | undefined;
  void running.exited.then((how) => (gone = how));
  try {
    await until(command.name, async () => gone !== undefined || (await check()), {
      timeoutMs: command.readyMs ?? 30_000,
      everyMs: 50,
    });
    if (gone !== undefined) throw new Error(gone);
  } catch (error) {
    await running.kill();
    const head = `${command.name} did not start: ${(error as Error).message}`;
    const output = linesFrom(command.logFile, running.logFrom ?? 0);
    throw new Error(failure(head, output, command.logFile), { cause: error });
  }
}
