import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { readEnv } from '../../src/config/env.js';
import { settings } from '../../src/config/settings.js';
import { certificate } from '../clients/certificate.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const read = (file: string) => readFileSync(root + file, 'utf8');
const compose = (file: string): any => parse(read(file), { merge: true });
const keys = Object.keys((settings.describe() as any).keys);

const base = compose('docker-compose.yml');
const prod = compose('docker-compose.prod.yml');

/** A service of the production file with what it extends, merged as compose does it. */
const merged = (name: string): any => {
  const own = prod.services[name];
  const from = own.extends ? base.services[own.extends.service] : {};
  return { ...from, ...own, environment: { ...from.environment, ...own.environment } };
};
const services: [string, string, any][] = [
  ...Object.keys(base.services).map((name): [string, string, any] => [
    'docker-compose.yml',
    name,
    base.services[name],
  ]),
  ...Object.keys(prod.services).map((name): [string, string, any] => [
    'docker-compose.prod.yml',
    name,
    merged(name),
  ]),
];
const gateways = services.filter(([, , service]) => service.build);
const nodes = services.filter(([, name]) => name.startsWith('evolution-api'));

/** A stand-in for what compose puts in place of ${NAME:?why} and ${NAME:-default}. */
const expand = (value: string): string =>
  String(value)
    .replace(/\$\{(\w+):\?[^}]*\}/g, () => 'x'.repeat(64))
    .replace(/\$\{\w+:-([^}]*)\}/g, '$1');

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

describe('compose files', () => {
  it.each(gateways)(
    '%s %s › its environment › is a configuration the gateway accepts, in production too',
    (_file, _name, { environment }) => {
      expect(Object.keys(environment).filter((name) => !keys.includes(name))).toEqual([]);
      const values = Object.fromEntries(
        Object.entries(environment).map(([name, value]) => [name, expand(value as string)]),
      );
      const { SERVER_URL: _placeholder, ...rest } = values;
      expect(() => readEnv({ ...rest, SERVER_URL: 'https://gateway.example.com' })).not.toThrow();
      expect(() => readEnv({ ...rest, NODE_ENV: 'production' })).not.toThrow();
    },
  );

  it.each(services)('%s %s › its image › is pinned', (_file, _name, { image }) => {
    expect(image).toMatch(/:v?\d+\.\d+/);
  });

  it.each(services)(
    '%s %s › what it publishes › is on loopback, but for nginx',
    (_file, name, { ports = [] }) => {
      if (name === 'nginx') return expect(ports.length).toBeGreaterThan(0);
      expect(ports.filter((port: string) => !port.startsWith('127.0.0.1:'))).toEqual([]);
    },
  );

  it.each(services)(
    '%s %s › what it depends on › exists, and is healthy by a check',
    (file, _name, { depends_on = {} }) => {
      for (const [other, { condition }] of Object.entries<any>(depends_on)) {
        const service =
          file === 'docker-compose.yml' ? base.services[other] : prod.services[other] && merged(other);
        expect([other, service !== undefined]).toEqual([other, true]);
        if (condition !== 'service_healthy') continue;
        // The gateway's image brings its own.
        expect(service.healthcheck ?? service.build).toBeDefined();
      }
    },
  );

  it('every secret › from .env only › refuses to start without', () => {
    for (const file of ['docker-compose.yml', 'docker-compose.prod.yml']) {
      const secrets = read(file).match(/\w*(PASSWORD|SECRET|API_KEY): .*/g) ?? [];
      expect(secrets.filter((line) => !/\$\{\w+:\?/.test(line))).toEqual([]);
      expect(read(file)).not.toMatch(/Bismillah313|MySecureEvolutionKey|random_jwt_secret/);
    }
  });

  it.each(nodes)('%s %s › its settings › are those a node needs', (_file, name, { image, environment }) => {
    expect(image).toBe('evoapicloud/evolution-api:v2.3.7');
    expect(environment).toMatchObject({
      SERVER_PORT: '3000',
      DATABASE_PROVIDER: 'postgresql',
      DATABASE_CONNECTION_CLIENT_NAME: name.replace('evolution-api', 'node'),
      DATABASE_SAVE_DATA_INSTANCE: 'true',
      DATABASE_SAVE_DATA_NEW_MESSAGE: 'true',
      DATABASE_SAVE_MESSAGE_UPDATE: 'true',
      DATABASE_SAVE_DATA_CONTACTS: 'true',
      DATABASE_SAVE_DATA_CHATS: 'true',
      CACHE_REDIS_ENABLED: 'true',
      CACHE_REDIS_SAVE_INSTANCES: 'false',
      PROMETHEUS_METRICS: 'true',
      METRICS_AUTH_REQUIRED: 'true',
      AUTHENTICATION_EXPOSE_IN_FETCH_INSTANCES: 'false',
      TELEMETRY_ENABLED: 'false',
      TZ: 'UTC',
      DEL_INSTANCE: 'false',
      WEBHOOK_GLOBAL_ENABLED: 'false',
      WEBSOCKET_ENABLED: 'false',
    });
    expect(environment.DATABASE_CONNECTION_URI).toMatch(/evolution_nodes$|evolution_nodes\?/);
    expect(environment.CACHE_REDIS_URI).toContain('redis-nodes');
  });

  it('the nodes’ Redis › keeps what it has › append-only, never evicting', () => {
    expect(base.services['redis-nodes'].command.join(' ')).toMatch(/--appendonly yes .*noeviction/);
    expect(base.services['redis-nodes'].volumes).toHaveLength(1);
  });

  it.each([
    ['docker-compose.yml', base, 'nginx/upstreams.conf'],
    ['docker-compose.prod.yml', prod, 'nginx/prod/upstreams.conf'],
  ])(
    '%s › against nginx’s upstreams › the same names, and the ports they listen on',
    (_file, file: any, upstreams) => {
      const servers = [...read(upstreams).matchAll(/server ([\w-]+):(\d+)/g)].map(
        ([, name, port]) => [name!, port!] as const,
      );
      expect(servers.length).toBeGreaterThan(3);
      for (const [name, port] of servers) {
        expect([name, Object.keys(file.services).includes(name)]).toEqual([name, true]);
        const service = file === base ? base.services[name] : merged(name);
        const { SERVER_PORT, PORT, INBOUND_PORT } = service.environment;
        expect([SERVER_PORT, PORT, INBOUND_PORT]).toContain(port);
      }
      const listed = expand(gateways[0]![2].environment.EVOLUTION_NODES)
        .split(',')
        .map((pair) => new URL(pair.split('=')[1]!).host);
      expect([...read(upstreams).matchAll(/server (evolution-api-\d:\d+)/g)].map(([, host]) => host)).toEqual(
        listed,
      );
    },
  );

  it('the seed’s upstream › in both › as it was asked for', () => {
    for (const file of ['nginx/upstreams.conf', 'nginx/prod/upstreams.conf']) {
      expect(read(file).replace(/\s+/g, ' ')).toContain(
        'upstream evolution_backend { least_conn; server evolution-api-1:3000 max_fails=3 fail_timeout=30s; server evolution-api-2:3000 max_fails=3 fail_timeout=30s;',
      );
    }
  });

  it('every file and folder that is mounted › from the repository › exists', () => {
    for (const [, , { volumes = [] }] of services) {
      for (const volume of volumes as string[]) {
        const [source] = volume.split(':');
        if (source!.startsWith('./'))
          expect([source, existsSync(root + source!.slice(2))]).toEqual([source, true]);
      }
    }
  });
});

describe('backend/Dockerfile', () => {
  const file = read('backend/Dockerfile');

  it('its base › of every stage › is the current LTS, and it does not run as root', () => {
    expect([...file.matchAll(/^FROM node:(\d+)/gm)].map(([, version]) => version)).toEqual(['24', '24']);
    expect(file).toMatch(/^USER node$/m);
  });

  it('what it copies › from the repository › exists', () => {
    const sources = [...file.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, list]) => list!.split(' '));
    expect(sources.length).toBeGreaterThan(4);
    expect(sources.filter((source) => !existsSync(root + source))).toEqual([]);
  });

  it('every workspace › its manifest › is there when packages are installed', () => {
    const { workspaces } = JSON.parse(read('package.json')) as { workspaces: string[] };
    for (const workspace of workspaces) expect(file).toContain(`COPY ${workspace}/package.json`);
  });
});

describe('scripts/make-env', () => {
  const scripted = () => {
    const folder = mkdtempSync(join(tmpdir(), 'make-env-'));
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
      [...read('docker-compose.yml').matchAll(/\$\{(\w+):\?/g)].map(([, name]) => name!),
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

describe('nginx in production', () => {
  it('its files together, with a certificate › checked by nginx › are right', () => {
    const folder = mkdtempSync(join(tmpdir(), 'nginx-prod-'));
    cpSync(`${root}nginx`, folder, { recursive: true });
    cpSync(`${root}nginx/prod/tls`, join(folder, 'tls'), { recursive: true });
    writeFileSync(join(folder, 'ssl/key.pem'), certificate.key);
    writeFileSync(join(folder, 'ssl/cert.pem'), certificate.cert);
    // nginx looks names up when it starts; here nobody has them.
    const upstreams = read('nginx/prod/upstreams.conf').replace(/server [\w-]+:/g, 'server 127.0.0.1:');
    writeFileSync(join(folder, 'upstreams.conf'), upstreams);
    // A pipe of the shell's, as nginx opens /dev/stdout by name.
    const command = `nginx -t -c '${folder}/nginx.conf' -g 'pid ${folder}/nginx.pid;' 2>&1 | cat`;
    const env = { PATH: `${process.env['PATH']}:/usr/sbin` };
    expect(spawnSync('sh', ['-c', command], { encoding: 'utf8', env }).stdout).toContain(
      'test is successful',
    );
  });
});
