import type { Kept, Plan } from './plan.js';
import { withGiven } from './plan.js';
import type { Login, Postgres } from './postgres.js';
import type { Settings } from './settings.js';

/** Everything the environments of the children are made from. */
export interface World {
  settings: Settings;
  plan: Plan;
  kept: Kept;
  /** Null when the user brought every database. */
  postgres: Pick<Postgres, 'host' | 'port' | 'gateway' | 'nodes'> | null;
  /** Is nginx in front? Else the gateway itself listens on HTTP_PORT. */
  nginx: boolean;
}

export const serverUrl = ({ settings }: World): string => `http://localhost:${settings.httpPort}`;

/** The gateway's main port: HTTP_PORT itself when nothing stands in front of it. */
export const gatewayPort = ({ settings, nginx }: World): number =>
  nginx ? settings.port : settings.httpPort;

export const inboundPort = ({ settings, kept }: World): number =>
  Number(settings.given['INBOUND_PORT'] ?? kept.ports.inbound);

export const nodesDatabase = ({ postgres, settings }: World): string =>
  settings.given['EVOLUTION_DATABASE_URL'] ?? postgres?.nodes.url ?? '';

export const nodesRedis = ({ plan, kept, settings }: World): string =>
  settings.given['EVOLUTION_REDIS_URL'] ??
  (plan.redisNodes ? `redis://127.0.0.1:${kept.ports.redisNodes}` : '');

/** Where a server of ours took the place of one that a copied `.env` names, that file's address must not win. */
function database(world: World): Record<string, string> {
  const { postgres, plan, settings } = world;
  if (!postgres || !plan.ownDatabase) return {};
  const { user, password, database: name }: Login = postgres.gateway;
  const own = { DB_NAME: name, DB_USER: user, DB_PASSWORD: password };
  return { ...withGiven(own, settings.given), DB_HOST: postgres.host, DB_PORT: String(postgres.port) };
}

const redis = ({ plan, kept }: World): Record<string, string> =>
  plan.redis ? { REDIS_HOST: '127.0.0.1', REDIS_PORT: String(kept.ports.redis), REDIS_PASSWORD: '' } : {};

/** What the gateway and its migrations run with. */
export function gatewayEnvironment(world: World): Record<string, string> {
  const { settings, plan, kept, nginx } = world;
  const internal = `http://127.0.0.1:${settings.internalPort}`;
  const defaults = {
    NODE_ENV: 'development',
    HOST: nginx ? '127.0.0.1' : settings.httpHost,
    INBOUND_HOST: '127.0.0.1',
    INBOUND_URL: nginx ? internal : `http://127.0.0.1:${inboundPort(world)}`,
    SERVER_URL: serverUrl(world),
    TRUST_PROXY: 'loopback',
    JWT_SECRET: kept.JWT_SECRET,
    // A .env that was made after the first start: what was sealed until then must still open.
    JWT_SECRET_PREVIOUS: settings.given['JWT_SECRET'] ? kept.JWT_SECRET : '',
    JWT_EXPIRES_IN: '24h',
    EVOLUTION_API_KEY: kept.EVOLUTION_API_KEY,
    EVOLUTION_NODES: plan.nodes.map(({ name, url }) => `${name}=${url}`).join(','),
    EVOLUTION_POOL_URL: nginx ? internal : (plan.nodes[0]?.url ?? ''),
    EVOLUTION_DATABASE_URL: nodesDatabase(world),
    EVOLUTION_REDIS_URL: nodesRedis(world),
    // Those of the sandbox nodes.
    EVOLUTION_METRICS_USER: 'metrics',
    EVOLUTION_METRICS_PASSWORD: 'metrics',
    ALLOWED_PRIVATE_NETWORKS: '127.0.0.0/8',
  };
  return {
    ...withGiven(defaults, settings.given),
    ...database(world),
    ...redis(world),
    PORT: String(gatewayPort(world)),
    INBOUND_PORT: String(inboundPort(world)),
  };
}

/** Of that, what a command needs that works on the same data: `npm run admin`, `npm run reseal`. */
export function commandEnvironment(world: World): Record<string, string> {
  const all = { ...world.settings.given, ...gatewayEnvironment(world) };
  const needed = /^(DB_(HOST|PORT|NAME|USER|PASSWORD)|JWT_SECRET|JWT_SECRET_PREVIOUS|EVOLUTION_API_KEY)$/;
  return Object.fromEntries(
    Object.entries(all).filter((pair): pair is [string, string] => needed.test(pair[0]) && Boolean(pair[1])),
  );
}

/** What one node of the sandbox runs with; its own SANDBOX_… settings pass through from ours. */
export function nodeEnvironment(world: World, node: { name: string; port: number }): Record<string, string> {
  const passed = Object.entries(world.settings.given).filter(([name]) => name.startsWith('SANDBOX_'));
  return {
    ...(Object.fromEntries(passed) as Record<string, string>),
    SANDBOX_PORT: String(node.port),
    SANDBOX_NAME: node.name,
    SANDBOX_DATABASE_URL: nodesDatabase(world),
    SANDBOX_REDIS_URL: nodesRedis(world),
    SANDBOX_API_KEY: world.settings.given['EVOLUTION_API_KEY'] ?? world.kept.EVOLUTION_API_KEY,
  };
}
