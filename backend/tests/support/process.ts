import { spawn, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { freePort } from '../../../dev/src/ports.js';
import { startRedis } from '../../../dev/src/redis.js';
import { createTestDatabase } from './database.js';
import { expectConformingEvents } from './events.js';
import { expectGenuineSignatures } from './signatures.js';
import { TEST_ENV } from './gateway.js';
import { until } from './until.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));

/** The gateway as a process of its own, that can be killed and started again on the same database and ports. */
export async function startGatewayProcess(env: Record<string, string> = {}) {
  const [database, redis, port, inboundPort] = await Promise.all([
    createTestDatabase(),
    startRedis(),
    freePort(),
    freePort(),
  ]);
  const url = `http://127.0.0.1:${port}`;
  let child: ChildProcess | null = null;
  let output = '';

  const start = async (changes: Record<string, string> = {}) => {
    child = spawn(process.execPath, ['--import', 'tsx', 'backend/src/server.ts'], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        PATH: process.env['PATH'],
        ...TEST_ENV,
        ...database.env,
        REDIS_HOST: '127.0.0.1',
        REDIS_PORT: String(redis.port),
        PORT: String(port),
        INBOUND_PORT: String(inboundPort),
        INBOUND_URL: `http://127.0.0.1:${inboundPort}`,
        ...env,
        ...changes,
      },
    });
    const keep = (chunk: Buffer) => (output += chunk.toString());
    child.stdout!.on('data', keep);
    child.stderr!.on('data', keep);
    await until(
      'the gateway is ready',
      async () => {
        return child?.exitCode != null || (await fetch(`${url}/health/ready`)).ok;
      },
      150_000,
    );
    if (child.exitCode != null) throw new Error(`ended: ${output.slice(-2000)}`);
  };
  /** Resolves with the exit code (null after a signal that ended it). */
  const end = async (signal: NodeJS.Signals): Promise<number | null> => {
    const dying = child;
    child = null;
    if (!dying || dying.exitCode !== null) return dying?.exitCode ?? null;
    return new Promise((resolve) => {
      dying.once('exit', (code) => resolve(code));
      dying.kill(signal);
    });
  };
  await start();
  return {
    url,
    inboundUrl: `http://127.0.0.1:${inboundPort}`,
    database,
    redis,
    start,
    end,
    output: () => output,
    async stop() {
      await end('SIGKILL');
      await redis.stop();
      await expectConformingEvents(database)
        .then(() => expectGenuineSignatures(database, TEST_ENV.JWT_SECRET))
        .finally(() => database.drop());
    },
  };
}
export type GatewayProcess = Awaited<ReturnType<typeof startGatewayProcess>>;
