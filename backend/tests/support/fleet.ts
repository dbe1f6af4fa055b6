import { spawn, type ChildProcess } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { temporaryFolder } from '../../../dev/src/folders.js';
import { startNginx } from '../../../dev/src/nginx.js';
import { freePort } from '../../../dev/src/ports.js';
import { createTestDatabase, type TestDatabase } from './database.js';
import { expectConformingEvents } from './events.js';
import { expectGenuineSignatures } from './signatures.js';
import { TEST_ENV } from './gateway.js';
import { logFile } from './secrets.js';
import { until } from './until.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));

export interface Member {
  name: string;
  /** Where an api process listens; a worker listens nowhere. */
  url: string;
  port: number;
  inboundPort: number;
  start(): Promise<void>;
  /** Resolves with the exit code (null after a signal that ended it). */
  end(signal: NodeJS.Signals): Promise<number | null>;
  /** A signal that need not end it: SIGSTOP, SIGCONT, or a second SIGTERM. */
  signal(signal: NodeJS.Signals): void;
  /** The end of what it logged. */
  output(): string;
}

/** The server as it is, or (`built`, quicker to start) as `npm run build` made it. */
const PROGRAM = { source: ['--import', 'tsx', 'backend/src/server.ts'], built: ['backend/dist/server.js'] };
const MAX_OUTPUT = 4_000_000;

async function createMember(
  name: string,
  env: Record<string, string>,
  program: keyof typeof PROGRAM,
): Promise<Member> {
  const [port, inboundPort] = [await freePort(), await freePort()];
  let child: ChildProcess | null = null;
  let output = '';
  const start = async () => {
    const started = spawn(process.execPath, PROGRAM[program], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        PATH: process.env['PATH'],
        ...env,
        ...(logFile().file ? { LOG_FILE: logFile().file } : {}),
        HOST: '127.0.0.1',
        PORT: String(port),
        INBOUND_PORT: String(inboundPort),
      },
    });
    child = started;
    let own = '';
    const keep = (chunk: Buffer) => {
      if (!own.includes('"message":"listening"')) own += chunk.toString();
      output += chunk.toString();
      if (output.length > MAX_OUTPUT) output = output.slice(-MAX_OUTPUT / 2);
    };
    started.stdout.on('data', keep);
    started.stderr.on('data', keep);
    await until(
      `${name} runs`,
      () => started.exitCode !== null || own.includes('"message":"listening"'),
      150_000,
    );
    if (started.exitCode !== null) throw new Error(`${name} ended: ${own.slice(-2000)}`);
  };
  const end = async (signal: NodeJS.Signals) => {
    const dying = child;
    child = null;
    if (!dying || dying.exitCode !== null) return dying?.exitCode ?? null;
    return new Promise<number | null>((resolve) => {
      dying.once('exit', (code) => resolve(code));
      dying.kill(signal);
    });
  };
  const signal = (what: NodeJS.Signals) => void child?.kill(what);
  return {
    name,
    url: `http://127.0.0.1:${port}`,
    port,
    inboundPort,
    start,
    end,
    signal,
    output: () => output,
  };
}

/** Several processes of the gateway on one database and one Redis, each with its role, behind a real nginx. */
export async function startFleet(options: {
  api: number;
  workers: number;
  /** Where Redis is, and what else differs from the defaults of tests. */
  env: Record<string, string>;
  /** What differs from `env` for one role. */
  only?: Partial<Record<'api' | 'worker', Record<string, string>>>;
  /** One of its own unless given; a given one is not dropped. */
  database?: TestDatabase;
  program?: keyof typeof PROGRAM;
}) {
  const folder = temporaryFolder('fleet');
  const database = options.database ?? (await createTestDatabase());
  const [front, internal] = [`127.0.0.1:${await freePort()}`, `127.0.0.1:${await freePort()}`];
  const env = { ...TEST_ENV, ...database.env, INBOUND_URL: `http://${internal}`, ...options.env };
  const members = (count: number, role: 'api' | 'worker') =>
    Promise.all(
      Array.from({ length: count }, (_, i) =>
        createMember(
          `${role}-${i + 1}`,
          { ...env, ...options.only?.[role], ROLE: role },
          options.program ?? 'source',
        ),
      ),
    );
  const [api, workers] = [await members(options.api, 'api'), await members(options.workers, 'worker')];
  const nginx = await startNginx({
    dir: join(folder, 'nginx'),
    front: [front],
    internal: [internal],
    gateway: api.map(({ port }) => `127.0.0.1:${port}`),
    inbound: api.map(({ inboundPort }) => `127.0.0.1:${inboundPort}`),
    nodes: [front],
  });
  const stop = async () => {
    await Promise.all([...api, ...workers].map((member) => member.end('SIGKILL')));
    await nginx.stop();
    await expectConformingEvents(database)
      .then(() => expectGenuineSignatures(database, TEST_ENV.JWT_SECRET))
      .finally(() => (options.database ? undefined : database.drop()));
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await Promise.all([...api, ...workers].map((member) => member.start()));
  } catch (error) {
    await stop();
    throw error;
  }
  return { url: `http://${front}`, database, api, workers, nginx, stop };
}
export type Fleet = Awaited<ReturnType<typeof startFleet>>;
