import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { readEnv } from '../../src/config/env.js';
import { settings } from '../../src/config/settings.js';
import { certificate } from '../clients/certificate.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const read = (file: string) => readFileSync(root + file, 'utf8');
const compose = (file: string): any => parse(read(file), { merge: true });
const keys = Object.keys((settings.describe() as any).keys);

const common = compose('docker-compose.common.yml');
const base = compose('docker-compose.yml');
const prod = compose('docker-compose.prod.yml');

/** A service with what it extends, merged as compose does it. */
const merged = (service: any): any => {
  const from = service.extends ? common.services[service.extends.service] : {};
  return {
    ...from,
    ...service,
    environment: { ...from.environment, ...service.environment },
    volumes: [...(from.volumes ?? []), ...(service.volumes ?? [])],
  };
};
const servicesOf = (name: string, file: any): [string, string, any][] =>
  Object.entries(file.services).map(([service, own]) => [name, service, merged(own)]);
const services = [...servicesOf('docker-compose.yml', base), ...servicesOf('docker-compose.prod.yml', prod)];
const gateways = services.filter(([, , service]) => service.build);
const nodes = services.filter(([, name]) => name.startsWith('evolution-api'));

/** A stand-in for what compose puts in place of ${NAME:?why} and ${NAME:-default}. */
const expand = (value: string): string =>
  String(value)
    .replace(/\$\{(\w+):\?[^}]*\}/g, () => 'x'.repeat(64))
    .replace(/\$\{\w+:-([^}]*)\}/g, '$1');

const folders: string[] = [];
const temporary = (what: string): string => {
  const folder = mkdtempSync(join(tmpdir(), what));
  folders.push(folder);
  return folder;
};
afterAll(() => folders.forEach((folder) => rmSync(folder, { recursive: true, force: true })));

describe('compose files', () => {
  it.each(gateways)(
    '%s %s › its environment › is a configuration the gateway accepts, in production too',
    (_file, _name, { environment }) => {
      const values = Object.fromEntries(
        Object.entries(environment).flatMap(([name, value]) =>
          value === null ? [] : [[name, expand(value as string)]],
        ),
      );
      const { SERVER_URL: _placeholder, ...rest } = values;
      expect(() => readEnv({ ...rest, SERVER_URL: 'https://gateway.example.com' })).not.toThrow();
      expect(() => readEnv({ ...rest, NODE_ENV: 'production' })).not.toThrow();
    },
  );

  it.each(gateways)(
    '%s %s › its environment › has every setting that compose leaves to .env, and none unknown',
    (_file, _name, { environment }) => {
      // Both services do all there is to do, and the Redis of compose has no password.
      expect([...Object.keys(environment), 'ROLE', 'REDIS_PASSWORD'].sort()).toEqual([...keys].sort());
    },
  );

  it('what is extended › by docker-compose 1.29, Debian’s › waits for nothing itself', () => {
    for (const [, , service] of services) expect(service.extends?.file).toBe('docker-compose.common.yml');
    for (const service of Object.values<any>(common.services)) expect(service.depends_on).toBeUndefined();
  });

  it('production › without its public address › refuses to start', () => {
    const { environment } = merged(prod.services['backend-1']);
    expect(environment).toMatchObject({ NODE_ENV: 'production' });
    expect(environment.SERVER_URL).toMatch(/^\$\{SERVER_URL:\?/);
    expect(read('.env.example')).not.toMatch(/^SERVER_URL=/m);
  });

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
        const [, , service] = services.find((one) => one[0] === file && one[1] === other) ?? [];
        expect([other, service !== undefined]).toEqual([other, true]);
        if (condition !== 'service_healthy') continue;
        // The gateway's image brings its own.
        expect(service.healthcheck ?? service.build).toBeDefined();
      }
    },
  );

  it('every secret › from .env only › refuses to start without', () => {
    for (const file of ['docker-compose.yml', 'docker-compose.prod.yml', 'docker-compose.common.yml']) {
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
    const { command, volumes } = common.services['redis-nodes'];
    expect(command.join(' ')).toMatch(/--appendonly yes .*noeviction/);
    expect(volumes).toHaveLength(1);
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
        const { SERVER_PORT, PORT, INBOUND_PORT } = merged(file.services[name]).environment;
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
      expect(read(file).replace(/\s+/g, ' ').replaceAll(' resolve;', ';')).toContain(
        'upstream evolution_backend { least_conn; server evolution-api-1:3000 max_fails=3 fail_timeout=30s; server evolution-api-2:3000 max_fails=3 fail_timeout=30s;',
      );
    }
  });

  it.each([
    ['nginx/upstreams.conf', base],
    ['nginx/prod/upstreams.conf', prod],
  ])('every server of %s › looked up while nginx runs › by an nginx that can', (file, { services }: any) => {
    const servers = read(file).match(/^ +server .*$/gm) ?? [];
    expect(servers.length).toBeGreaterThan(3);
    expect(servers.filter((server) => !server.endsWith(' resolve;'))).toEqual([]);
    const [, major, minor] = /:(\d+)\.(\d+)/.exec(merged(services.nginx).image) ?? [];
    expect(Number(major) * 100 + Number(minor)).toBeGreaterThanOrEqual(128);
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

describe('nginx in production', () => {
  it('its files together, with a certificate › checked by nginx › are right', () => {
    const folder = temporary('nginx-prod-');
    cpSync(`${root}nginx`, folder, { recursive: true });
    cpSync(`${root}nginx/prod/tls`, join(folder, 'tls'), { recursive: true });
    writeFileSync(join(folder, 'ssl/key.pem'), certificate.key);
    writeFileSync(join(folder, 'ssl/cert.pem'), certificate.cert);
    // Names that nobody has here, and a parameter that Debian's nginx is too old for.
    const upstreams = read('nginx/prod/upstreams.conf')
      .replace(/server [\w-]+:/g, 'server 127.0.0.1:')
      .replaceAll(' resolve;', ';');
    writeFileSync(join(folder, 'upstreams.conf'), upstreams);
    // A pipe of the shell's, as nginx opens /dev/stdout by name.
    const command = `nginx -t -c '${folder}/nginx.conf' -g 'pid ${folder}/nginx.pid;' 2>&1 | cat`;
    const env = { PATH: `${process.env['PATH']}:/usr/sbin` };
    expect(spawnSync('sh', ['-c', command], { encoding: 'utf8', env }).stdout).toContain(
      'test is successful',
    );
  });
});
