import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, jest } from '@jest/globals';
import { temporaryFolder } from '../src/folders.js';
import { freePort } from '../src/ports.js';
import { startPostgres, THROWAWAY } from '../src/postgres.js';
import { startRedis } from '../src/redis.js';
import { sandboxEnvironment } from '../src/sandbox.js';
import { status } from '../src/services.js';
import { root } from '../src/settings.js';
import { until } from '../src/wait.js';

jest.setTimeout(400_000);

describe('npm run sandbox', () => {
  it('on the servers that .env names › is a node that answers, and says how the gateway reaches it', async () => {
    const folder = temporaryFolder('sandbox');
    const postgres = await startPostgres({ dataDir: join(folder, 'postgres'), settings: THROWAWAY });
    const redis = await startRedis();
    const port = String(await freePort());
    const node = spawn(process.execPath, ['dev/sandbox.mjs'], {
      cwd: root,
      env: {
        PATH: process.env['PATH'],
        DB_HOST: postgres.host,
        DB_PORT: String(postgres.port),
        DB_USER: postgres.nodes.user,
        DB_PASSWORD: postgres.nodes.password,
        REDIS_PORT: String(redis.port),
        EVOLUTION_API_KEY: 'a-key-of-a-test-0123',
        SANDBOX_PORT: port,
      },
    });
    let output = '';
    node.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    node.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
    try {
      const [, name, url] = await until('the line about it', () =>
        /EVOLUTION_NODES=(\S+)=(http\S+)/.exec(output),
      );
      const ask = () => status(`${url}/instance/connectionState/nobody`, { apikey: 'a-key-of-a-test-0123' });
      await until(`${name} to answer`, async () => (await ask()) === 404, { timeoutMs: 120_000 });
    } finally {
      node.kill('SIGTERM');
      await new Promise((resolve) => node.once('close', resolve));
      await Promise.all([postgres.stop(), redis.stop()]);
      rmSync(folder, { recursive: true, force: true });
    }
    expect(output).toContain(`listening on ${port}`);
  });

  it('a setting that is missing, and a password with signs › is named, and stays one', () => {
    expect(() => sandboxEnvironment({ DB_PASSWORD: 'x' })).toThrow('EVOLUTION_API_KEY is needed');
    expect(
      sandboxEnvironment({ DB_PASSWORD: 'p@ss/w', REDIS_PASSWORD: 'r#d', EVOLUTION_API_KEY: 'k' }),
    ).toMatchObject({
      SANDBOX_DATABASE_URL: 'postgres://evolution_user:p%40ss%2Fw@localhost:5432/evolution_nodes',
      SANDBOX_REDIS_URL: 'redis://:r%23d@localhost:6379/1',
    });
  });
});
