import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from '@jest/globals';
import { readEnv } from '../../src/config/env.js';
import { settings } from '../../src/config/settings.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const read = (file: string) => readFileSync(root + file, 'utf8');
const keys = Object.keys((settings.describe() as any).keys);

const folders: string[] = [];
const temporary = (what: string): string => {
  const folder = mkdtempSync(join(tmpdir(), what));
  folders.push(folder);
  return folder;
};
afterAll(() => folders.forEach((folder) => rmSync(folder, { recursive: true, force: true })));

describe('.env.example', () => {
  const lines = read('.env.example').split('\n');
  const named = lines.flatMap((line) => /^#? ?([A-Z][A-Z0-9_]+)=/.exec(line)?.[1] ?? []);

  it('the configuration’s schema › compared › each variable once, and no other', () => {
    expect([...named].sort()).toEqual([...keys].sort());
  });

  it('its values › read as the configuration, with secrets › are the defaults', () => {
    const secrets = { JWT_SECRET: 'x'.repeat(32), EVOLUTION_API_KEY: 'x'.repeat(32), DB_PASSWORD: '' };
    const all = Object.fromEntries(
      lines.flatMap((line) => {
        const [, name, value] = /^#? ?([A-Z][A-Z0-9_]+)=(.*)$/.exec(line) ?? [];
        return name ? [[name, value]] : [];
      }),
    );
    const { EVOLUTION_NODES: example, ...rest } = readEnv({ ...all, ...secrets });
    const { EVOLUTION_NODES: none, ...defaults } = readEnv(secrets);
    expect(rest).toEqual(defaults);
    expect([example.length, none.length]).toEqual([2, 0]);
  });

  it('backend/.env.example › for `cp backend/.env.example backend/.env` › is the same file', () => {
    expect(realpathSync(`${root}backend/.env.example`)).toBe(realpathSync(`${root}.env.example`));
  });
});

describe('scripts/make-env', () => {
  const scripted = () => {
    const folder = temporary('make-env-');
    mkdirSync(join(folder, 'scripts'));
    copyFileSync(`${root}scripts/make-env`, join(folder, 'scripts/make-env'));
    copyFileSync(`${root}.env.example`, join(folder, '.env.example'));
    const run = (...args: string[]) =>
      spawnSync('sh', [join(folder, 'scripts/make-env'), ...args], { encoding: 'utf8' });
    const env = () =>
      Object.fromEntries(
        readFileSync(join(folder, '.env'), 'utf8')
          .split('\n')
          .flatMap((line) => {
            const [, name, value] = /^([A-Z][A-Z0-9_]+)=(.*)$/.exec(line) ?? [];
            return name ? [[name, value]] : [];
          }),
      );
    return { folder, run, env };
  };

  it('run once › a production’s configuration › every secret of compose is there, none twice the same', () => {
    const { run, env } = scripted();
    expect(run().status).toBe(0);
    expect(() => readEnv({ ...env(), NODE_ENV: 'production' })).not.toThrow();
    const wanted = new Set(
      [...read('docker-compose.common.yml').matchAll(/\$\{(\w+):\?/g)].map(([, name]) => name!),
    );
    const values = [...wanted].map((name) => env()[name]);
    expect(values.every((value) => /^[0-9a-f]{64}$/.test(value ?? ''))).toBe(true);
    expect(new Set(values).size).toBe(wanted.size);
  });

  it('run again › over what is there › refuses, unless forced; only its owner may read', () => {
    const { run, env, folder } = scripted();
    run();
    const first = env();
    expect(run().status).toBe(1);
    expect(env()).toEqual(first);
    expect(run('--force').status).toBe(0);
    expect(env()['JWT_SECRET']).not.toBe(first['JWT_SECRET']);
    expect(statSync(join(folder, '.env')).mode & 0o077).toBe(0);
  });
});
