import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { aptInstall, aptWorks } from './apt.js';
import { openFolder } from './folders.js';
import { endProcess, groupOf, isOurs, ready, run, type Command, type Running } from './process.js';
import { findNginx, installCommand } from './programs.js';

export const installNginx = installCommand({ debian: 'nginx', brew: 'nginx' });

const SOURCE = join(dirname(dirname(dirname(fileURLToPath(import.meta.url)))), 'nginx');

export interface NginxOptions {
  /** Holds the rendered configuration, temporary files and the pid; made when missing. */
  dir: string;
  /** Addresses of the front door, `127.0.0.1:8080` or `[::1]:8080`. */
  front: string[];
  /** Addresses of the internal listener. */
  internal: string[];
  /** `host:port` of each server of an upstream. */
  gateway: string[];
  inbound: string[];
  nodes: string[];
  /** Directives of local.conf that differ from the committed ones, `{ proxy_read_timeout: '1s' }`. */
  local?: Record<string, string>;
  logFile?: string;
}

export interface Nginx extends Running {
  /** Renders the configuration anew and has nginx take it over without losing a request. */
  reload(changes: Partial<NginxOptions>): void;
}

const read = (name: string): string => readFileSync(join(SOURCE, name), 'utf8');

/**
 * The committed upstreams with other addresses. How they are balanced and when a server counts as failed stays as it
 * is, as that is what tests with real nginx are there to show. What looks names up goes: these are addresses, and a
 * distribution's nginx need not know `resolve`.
 * @param addresses `host:port`s by the upstream's name
 */
export function renderUpstreams(committed: string, addresses: Record<string, string[]>): string {
  return committed
    .replaceAll(/^resolver .*\n/gm, '')
    .replaceAll(/upstream (\w+) \{([^}]*)\}/g, (_whole, name: string, body: string) => {
      const servers = addresses[name];
      if (!servers)
        throw new Error(`nginx/upstreams.conf has an upstream ${name} that nobody gave addresses for`);
      const settings = /server \S+?( [^;]*)?;/.exec(body)?.[1]?.replace(' resolve', '') ?? '';
      const rest = body.replaceAll(/\s*server [^;]*;/g, '');
      const lines = servers.map((server) => `\n    server ${server}${settings};`).join('');
      return `upstream ${name} {${rest.trimEnd()}${lines}\n}`;
    });
}

function renderLocal(dir: string, changes: Record<string, string> = {}): string {
  const kept = read('local.conf')
    .split('\n')
    .filter((line) => !Object.hasOwn(changes, line.trim().split(' ')[0] ?? ''));
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (what) => `${what}_temp_path ${join(dir, 'temporary', what)};`,
  );
  return [...kept, ...Object.entries(changes).map(([key, value]) => `${key} ${value};`), ...temporary].join(
    '\n',
  );
}

const listens = (addresses: string[]): string => addresses.map((address) => `listen ${address};\n`).join('');

/** Writes the configuration for these addresses into `dir`: the committed files but for the four that say where. */
export function renderNginx(options: NginxOptions): void {
  const write = (name: string, text: string) => writeFileSync(join(options.dir, name), text);
  for (const name of ['nginx.conf', 'proxy.conf', 'problems.conf', 'front.conf', 'internal.conf'])
    cpSync(join(SOURCE, name), join(options.dir, name));
  const upstreams = {
    evolution_backend: options.nodes,
    gateway: options.gateway,
    gateway_sockets: options.gateway,
    gateway_inbound: options.inbound,
  };
  write('upstreams.conf', renderUpstreams(read('upstreams.conf'), upstreams));
  write('listen-front.conf', listens(options.front));
  write('listen-internal.conf', listens(options.internal));
  write('local.conf', renderLocal(options.dir, options.local));
  mkdirSync(join(options.dir, 'temporary'), { recursive: true });
}

function command(program: string, { dir, logFile }: NginxOptions): Command {
  return {
    name: 'nginx',
    file: program,
    args: [
      '-p',
      `${dir}/`,
      '-c',
      join(dir, 'nginx.conf'),
      '-g',
      `daemon off; pid ${join(dir, 'nginx.pid')};`,
    ],
    options: { cwd: dir },
    ...(logFile === undefined ? {} : { logFile }),
  };
}

/** The front door is open when nginx itself answers a path of nobody; the upstreams need not be there. */
function isServing(address: string): Promise<boolean> {
  return new Promise((resolve) => {
    const asked = request(`http://${address}/`, { agent: false, timeout: 1000 }, (answer) => {
      answer.resume();
      resolve(answer.headers.server === 'nginx');
    });
    asked.once('error', () => resolve(false));
    asked.once('timeout', () => asked.destroy());
    asked.end();
  });
}

async function endOrphan(dir: string): Promise<void> {
  const file = join(dir, 'nginx.pid');
  const pid = Number.parseInt(readPid(file), 10) || 0;
  if (isOurs(pid, dir)) await endProcess(pid);
  // Workers whose master was killed have the port still, and nothing in their name but their folder.
  await Promise.all(groupOf(pid, dir).map((worker) => endProcess(worker, 'SIGKILL')));
  rmSync(file, { force: true });
}

function readPid(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

/** Makes sure that nginx is here, by apt where that works; does nothing when it is. */
export async function provideNginx(): Promise<void> {
  if (findNginx() === null && aptWorks()) await aptInstall(['nginx']);
}

/**
 * Starts nginx with the project's own configuration on the given addresses; resolves when the front door is open.
 * @throws Error saying what to install, or with the end of its log
 */
export async function startNginx(given: NginxOptions): Promise<Nginx> {
  await provideNginx();
  const program = findNginx();
  if (program === null) throw new Error(`no nginx here: ${installNginx}`);
  let options = { ...given, dir: openFolder(given.dir) };
  await endOrphan(options.dir);
  renderNginx(options);
  const how = command(program, options);
  const running = await run(how);
  await ready(how, running, () => isServing(options.front[0] ?? ''));
  const reload = (changes: Partial<NginxOptions>) => {
    options = { ...options, ...changes, dir: options.dir };
    renderNginx(options);
    const test = spawnSync(program, [...how.args.slice(0, 4), '-t', '-g', how.args[5] ?? ''], {
      encoding: 'utf8',
      // nginx opens /dev/stdout, which it cannot when that is a pipe.
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    if (test.status !== 0) throw new Error(`nginx refuses the configuration: ${test.stderr}`);
    process.kill(running.pid, 'SIGHUP');
  };
  return { ...running, reload };
}
