import { once } from 'node:events';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { gatewayEnvironment, nodeEnvironment } from '../src/environment.js';
import { temporaryFolder } from '../src/folders.js';
import { checkPorts, makePlan, readOrMakeKept } from '../src/plan.js';
import { freePort } from '../src/ports.js';
import { readSettings, type Settings } from '../src/settings.js';

let folder: string;

beforeEach(() => {
  folder = temporaryFolder('settings');
  mkdirSync(join(folder, 'backend'));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

const listening = async (host: string): Promise<{ port: number; close: () => void }> => {
  const server = createServer().listen(0, host);
  await once(server, 'listening');
  return { port: (server.address() as AddressInfo).port, close: () => void server.close() };
};

const quiet = () => undefined;
const read = (env: Record<string, string>): Settings => readSettings({ DATA_DIR: folder, ...env }, folder);

/** The environments that a start with this environment would give its children. */
async function world(env: Record<string, string>, nginx = true) {
  const settings = read(env);
  const plan = await makePlan(settings, quiet);
  const login = {
    user: 'evolution_user',
    password: 'pw',
    database: 'evolution_api',
    url: 'postgres://gateway',
  };
  const postgres = {
    host: '127.0.0.1' as const,
    port: 5,
    gateway: login,
    nodes: { ...login, url: 'postgres://nodes' },
  };
  return { settings, plan, kept: await readOrMakeKept(folder), nginx, postgres };
}

describe('readSettings', () => {
  it('nothing said › gives the documented defaults', () => {
    expect(read({})).toMatchObject({
      httpPort: 8080,
      port: 8090,
      internalPort: 8070,
      sandboxPort: 8081,
      sandboxNodes: 2,
      respawnAfter: 5,
    });
  });

  it('backend/.env › is read, and the environment wins over it', () => {
    writeFileSync(join(folder, 'backend', '.env'), 'HTTP_PORT=9001\nPORT=9002\nJWT_EXPIRES_IN=\n');
    const settings = read({ PORT: '9003' });
    expect(settings).toMatchObject({ httpPort: 9001, port: 9003 });
    expect(settings.fromFile).toEqual(new Set(['HTTP_PORT']));
    expect(settings.given).not.toHaveProperty('JWT_EXPIRES_IN');
  });

  it.each(['eighty', '-1', '70000', '80.5'])('HTTP_PORT=%s › is refused by name', (value) => {
    expect(() => read({ HTTP_PORT: value })).toThrow(/^HTTP_PORT must be a whole number from 0 to 65535/);
  });
});

describe('makePlan', () => {
  it('nothing said › everything is ours, with two nodes', async () => {
    const plan = await makePlan(read({ SANDBOX_PORT: '9100' }), quiet);
    expect(plan).toEqual({
      ownDatabase: true,
      postgres: true,
      redis: true,
      redisNodes: true,
      nodes: [
        { name: 'node-1', port: 9100, url: 'http://127.0.0.1:9100' },
        { name: 'node-2', port: 9101, url: 'http://127.0.0.1:9101' },
      ],
      pool: ['127.0.0.1:9100', '127.0.0.1:9101'],
    });
  });

  it('DB_HOST in the environment, nobody there › is refused, naming the variables', async () => {
    const port = String(await freePort());
    const plan = makePlan(read({ DB_HOST: '127.0.0.1', DB_PORT: port }), quiet);
    await expect(plan).rejects.toThrow(`nothing answers at 127.0.0.1:${port} (DB_HOST, DB_PORT)`);
  });

  it('DB_HOST of a copied .env, nobody there › a server of our own takes its place, and that is said', async () => {
    const port = await freePort();
    writeFileSync(join(folder, 'backend', '.env'), `DB_HOST=localhost\nDB_PORT=${port}\nDB_NAME=mine\n`);
    const said: string[] = [];
    expect((await makePlan(read({}), (line) => said.push(line))).ownDatabase).toBe(true);
    expect(said).toEqual([`nothing answers at localhost:${port}, which .env names: starting one of our own`]);
    const env = gatewayEnvironment(await world({}));
    expect(env).toMatchObject({ DB_HOST: '127.0.0.1', DB_PORT: '5', DB_NAME: 'mine' });
  });

  it('DB_HOST and REDIS_HOST that answer › are used, and only the nodes get servers of ours', async () => {
    const server = await listening('127.0.0.1');
    const port = String(server.port);
    const given = { DB_HOST: '127.0.0.1', DB_PORT: port, REDIS_HOST: '127.0.0.1', REDIS_PORT: port };
    const plan = await makePlan(read(given), quiet);
    expect(plan).toMatchObject({ ownDatabase: false, postgres: true, redis: false, redisNodes: true });
    const env = gatewayEnvironment(await world(given));
    expect(env).not.toHaveProperty('DB_HOST');
    expect(env).not.toHaveProperty('REDIS_HOST');
    server.close();
  });

  it('REDIS_CLUSTER_NODES › no Redis of ours for the gateway, also beside a copied REDIS_HOST', async () => {
    const plan = await makePlan(
      read({ REDIS_CLUSTER_NODES: '10.0.0.1:7000', REDIS_HOST: 'localhost', REDIS_PORT: '1' }),
      quiet,
    );
    expect(plan).toMatchObject({ redis: false, redisNodes: true });
  });

  it('EVOLUTION_NODES › no sandbox, and the pool is the nodes named', async () => {
    const plan = await makePlan(
      read({ EVOLUTION_NODES: 'a=http://10.0.0.1:8080,b=https://evo.example' }),
      quiet,
    );
    expect(plan).toMatchObject({ nodes: [], redisNodes: false, pool: ['10.0.0.1:8080', 'evo.example:443'] });
  });
});

describe('checkPorts', () => {
  it('two variables with one port › names both', async () => {
    const port = String(await freePort());
    const settings = read({ HTTP_PORT: port, PORT: port });
    const plan = { ...(await makePlan(settings, quiet)), nodes: [] };
    await expect(checkPorts(settings, plan, true)).rejects.toThrow(
      `port ${port} is wanted by both HTTP_PORT and PORT: set one of them to another`,
    );
  });

  it('something listens on all interfaces › its port counts as taken', async () => {
    const server = await listening('0.0.0.0');
    const port = server.port;
    const settings = read({ HTTP_PORT: String(port), PORT: '0', INTERNAL_PORT: '0' });
    const plan = { ...(await makePlan(settings, quiet)), nodes: [] };
    await expect(checkPorts(settings, plan, false)).rejects.toThrow(
      `port ${port} is taken by process ${process.pid} (${readFileSync('/proc/self/comm', 'utf8').trim()}): stop what uses it, or set HTTP_PORT to another`,
    );
    server.close();
  });
});

describe('the environments of the children', () => {
  it('with nginx › nodes post to its internal listener, and the gateway listens on loopback only', async () => {
    expect(
      gatewayEnvironment(await world({ INTERNAL_PORT: '9070', PORT: '9090', HTTP_PORT: '9080' })),
    ).toMatchObject({
      NODE_ENV: 'development',
      HOST: '127.0.0.1',
      PORT: '9090',
      INBOUND_URL: 'http://127.0.0.1:9070',
      EVOLUTION_POOL_URL: 'http://127.0.0.1:9070',
      SERVER_URL: 'http://localhost:9080',
      EVOLUTION_NODES: 'node-1=http://127.0.0.1:8081,node-2=http://127.0.0.1:8082',
      ALLOWED_PRIVATE_NETWORKS: '127.0.0.0/8',
      EVOLUTION_DATABASE_URL: 'postgres://nodes',
    });
  });

  it('without nginx › the gateway has HTTP_PORT, and nodes post to its own inbound listener', async () => {
    const env = gatewayEnvironment(await world({ HTTP_PORT: '9080', INBOUND_PORT: '9091' }, false));
    expect(env).toMatchObject({ PORT: '9080', INBOUND_PORT: '9091', INBOUND_URL: 'http://127.0.0.1:9091' });
  });

  it("the user's own values › win", async () => {
    const own = {
      JWT_SECRET: 'a secret of my own, long enough',
      SERVER_URL: 'https://me.example',
      INBOUND_URL: 'http://me:1',
    };
    expect(gatewayEnvironment(await world(own))).toMatchObject(own);
  });

  it('a node › gets its own name, port and what the user set for the sandbox', async () => {
    const one = await world({ SANDBOX_SCAN_MS: '7' });
    expect(nodeEnvironment(one, { name: 'node-2', port: 9 })).toMatchObject({
      SANDBOX_NAME: 'node-2',
      SANDBOX_PORT: '9',
      SANDBOX_SCAN_MS: '7',
      SANDBOX_API_KEY: one.kept.EVOLUTION_API_KEY,
    });
  });
});
