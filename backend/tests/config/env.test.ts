import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from '@jest/globals';
import { sweepTemporary, temporaryFolder } from '../../../dev/src/folders.js';
import { loadEnvFiles, readDatabaseEnv, readEnv } from '../../src/config/env.js';
import { adminUrl } from '../support/database.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const secrets = { JWT_SECRET: 'x'.repeat(32), EVOLUTION_API_KEY: 'y'.repeat(32) };

afterEach(sweepTemporary);

/** A checkout's two places for a .env. */
const checkout = (backend: string, top: string): string => {
  const folder = temporaryFolder('env');
  mkdirSync(join(folder, 'backend'));
  writeFileSync(join(folder, 'backend', '.env'), backend);
  writeFileSync(join(folder, '.env'), top);
  return folder;
};

describe('.env files', () => {
  it('both there › environment, backend/.env, .env › the first that says something counts', () => {
    const folder = checkout(
      'DB_NAME=second\nDB_USER=second\n',
      'DB_NAME=third\nDB_USER=third\nDB_HOST=third\n',
    );
    const env: Record<string, string> = { DB_NAME: 'first' };
    expect(loadEnvFiles(env, folder)).toEqual([join(folder, 'backend', '.env'), join(folder, '.env')]);
    expect(env).toEqual({ DB_NAME: 'first', DB_USER: 'second', DB_HOST: 'third' });
  });

  it('regression › a copied .env.example in backend › its empty secrets do not hide those of .env', () => {
    const folder = checkout('JWT_SECRET=\nEVOLUTION_API_KEY=\n', `JWT_SECRET=${secrets.JWT_SECRET}\n`);
    const env: Record<string, string> = { EVOLUTION_API_KEY: secrets.EVOLUTION_API_KEY };
    const files = loadEnvFiles(env, folder);
    expect(readEnv(env, files)).toMatchObject(secrets);
  });

  it('regression › an empty secret › is missing; the message names the files read and scripts/make-env', () => {
    expect(() => readEnv({ ...secrets, JWT_SECRET: '' }, ['/somewhere/.env'])).toThrow(
      /^Configuration \(the environment, \/somewhere\/\.env\): "JWT_SECRET" is required: .*scripts\/make-env/,
    );
  });

  it('an empty value of any other kind › is the default', () => {
    expect(readEnv({ ...secrets, PORT: '', ROLE: ' ', DB_POOL_SIZE: '' })).toMatchObject({
      PORT: 8090,
      ROLE: 'all',
      DB_POOL_SIZE: 10,
    });
  });
});

describe('the first admin', () => {
  const email = { ADMIN_EMAIL: 'a@example.com' };
  const password = { ADMIN_PASSWORD: 'Admin-Password-1' };

  it.each([
    ['ADMIN_EMAIL', email, 'ADMIN_PASSWORD'],
    ['ADMIN_PASSWORD', password, 'ADMIN_EMAIL'],
  ])('regression › %s alone › is refused, and the other one named', (given, half, missing) => {
    expect(() => readEnv({ ...secrets, ...half })).toThrow(
      `"${missing}" is required beside "${given}": the first admin is made of both`,
    );
  });

  it('both, or neither › read › as they are', () => {
    expect(readEnv({ ...secrets, ...email, ...password })).toMatchObject({ ...email, ...password });
    expect(readEnv({ ...secrets, ADMIN_EMAIL: '' })).toMatchObject({ ADMIN_EMAIL: '', ADMIN_PASSWORD: '' });
  });
});

describe('REDIS_CLUSTER_NODES', () => {
  it('host:port pairs, names and addresses › read › as they are called', () => {
    const { REDIS_CLUSTER_NODES } = readEnv({ ...secrets, REDIS_CLUSTER_NODES: 'redis-1:7000, [::1]:7001' });
    expect(REDIS_CLUSTER_NODES).toEqual([
      { host: 'redis-1', port: 7000 },
      { host: '::1', port: 7001 },
    ]);
  });

  it.each(['redis-1', 'redis-1:0', 'redis-1:70000', 'redis://redis-1:7000', 'redis-1:7000 redis-2:7000'])(
    '%s › read › is refused, saying how it is written',
    (value) => {
      expect(() => readEnv({ ...secrets, REDIS_CLUSTER_NODES: value })).toThrow(
        /"REDIS_CLUSTER_NODES" must list host:port pairs/,
      );
    },
  );
});

describe('npm run migrate, npm run admin', () => {
  const command = (entry: string, env: Record<string, string>, ...args: string[]) =>
    spawnSync(process.execPath, ['--import', 'tsx', `backend/src/${entry}.ts`, ...args], {
      cwd: root,
      encoding: 'utf8',
      env: { PATH: process.env['PATH'], ...env },
    });
  const migrate = (env: Record<string, string>) => command('migrate', env);
  const admin = (env: Record<string, string>) => command('admin', env, 'a@example.com');

  it('regression › no secrets in the environment › are not asked for', () => {
    expect(readDatabaseEnv({ DB_NAME: 'mine' })).toMatchObject({ DB_NAME: 'mine', DB_PORT: 5432 });
  });

  it('regression › a database that cannot be reached › one plain line says which, and it ends with 1', () => {
    const { hostname, port, username, password } = adminUrl();
    const { status, stderr } = migrate({
      DB_HOST: hostname,
      DB_PORT: port,
      DB_USER: username,
      DB_PASSWORD: password,
      DB_NAME: 'nowhere',
    });
    expect(status).toBe(1);
    expect(stderr.trim()).toBe(
      `migration failed: nowhere at ${hostname}:${port} as ${username}: database "nowhere" does not exist`,
    );
  });

  it('regression › a database that asks for a password, and none is set › one plain line says so', () => {
    const { hostname, port, username } = adminUrl();
    const env = { DB_HOST: hostname, DB_PORT: port, DB_USER: username, DB_NAME: 'postgres' };
    const why = `postgres at ${hostname}:${port} as ${username}: it asks for a password: set DB_PASSWORD`;
    expect(admin(env)).toMatchObject({ status: 1, stdout: '', stderr: `${why}\n` });
    expect(migrate(env).stderr).toBe(`migration failed: ${why}\n`);
  });

  it('regression › admin, of a database that cannot be reached › one plain line says which', () => {
    const { status, stderr } = admin({ DB_HOST: '127.0.0.1', DB_PORT: '1', DB_PASSWORD: 'x' });
    const where = 'evolution_api at 127.0.0.1:1 as evolution_user';
    expect([status, stderr]).toEqual([1, `${where}: connect ECONNREFUSED 127.0.0.1:1\n`]);
  });
});
