import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { writeSecret } from './folders.js';
import { holderOf } from './holder.js';
import { answers, canListen, freePort } from './ports.js';
import { UserError, type Given, type Settings } from './settings.js';

/** What is made once and then stays, so that phones, tokens and nodes' webhooks survive a restart. */
export interface Kept {
  JWT_SECRET: string;
  EVOLUTION_API_KEY: string;
  ports: { redis: number; redisNodes: number; inbound: number };
}

function readKept(file: string): Partial<Kept> {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Partial<Kept>;
  } catch {
    return {};
  }
}

const keepPort = async (port: number | undefined): Promise<number> =>
  port !== undefined && (await canListen(port)) ? port : freePort();

/** Secrets and ports of `DATA_DIR/kept.json` (mode 0600); missing ones are made, a port that was taken since is replaced. */
export async function readOrMakeKept(dataDir: string): Promise<Kept> {
  const file = join(dataDir, 'kept.json');
  const before = readKept(file);
  const kept: Kept = {
    JWT_SECRET: before.JWT_SECRET ?? randomBytes(48).toString('base64url'),
    EVOLUTION_API_KEY: before.EVOLUTION_API_KEY ?? randomBytes(32).toString('base64url'),
    ports: {
      redis: await keepPort(before.ports?.redis),
      redisNodes: await keepPort(before.ports?.redisNodes),
      inbound: await keepPort(before.ports?.inbound),
    },
  };
  writeSecret(file, JSON.stringify(kept, null, 2));
  return kept;
}

/** What of the whole is ours to start, and what the user brought. */
export interface Plan {
  /** Is the gateway's own database ours? */
  ownDatabase: boolean;
  /** Is a PostgreSQL needed at all, be it for the nodes only? */
  postgres: boolean;
  redis: boolean;
  redisNodes: boolean;
  /** Nodes of the sandbox; none when the user named real ones. */
  nodes: { name: string; port: number; url: string }[];
  /** `host:port` of every node, the sandbox's or the user's own. */
  pool: string[];
}

/** `name=http://host:port,…` → `host:port`s; what cannot be read is left to the gateway to complain about. */
const poolOf = (list: string): string[] =>
  [...list.matchAll(/=(https?):\/\/([^/,\s]+)/g)].map(([, scheme, host = '']) =>
    /:\d+$/.test(host) ? host : `${host}:${scheme === 'https' ? 443 : 80}`,
  );

type Brought = 'DB' | 'REDIS';

const isLoopback = (host: string): boolean => ['localhost', '127.0.0.1', '::1'].includes(host);

const portOf = ({ given }: Settings, name: Brought): number =>
  Number(given[`${name}_PORT`] ?? (name === 'DB' ? 5432 : 6379));

/** Might a host be the sample's? Only a copied `.env` names it, on this machine. One in the environment itself is meant. */
const mayBeSample = ({ given, fromFile }: Settings, name: Brought): boolean =>
  fromFile.has(`${name}_HOST`) && isLoopback(given[`${name}_HOST`] ?? '');

/** Does the user name a server of their own? The sample's, where nothing answers, is none. */
export async function isBrought(settings: Settings, name: Brought): Promise<boolean> {
  const host = settings.given[`${name}_HOST`];
  if (host === undefined) return false;
  return !mayBeSample(settings, name) || answers(portOf(settings, name), host);
}

/**
 * Where nothing answers at the sample's host, a server of our own takes its place.
 * @returns the host to use, or null when a server is ours to start
 */
async function broughtHost(settings: Settings, name: Brought, say: (line: string) => void) {
  const host = settings.given[`${name}_HOST`];
  if (host === undefined) return null;
  const port = portOf(settings, name);
  if (await answers(port, host)) return host;
  if (!mayBeSample(settings, name))
    throw new UserError(
      `nothing answers at ${host}:${port} (${name}_HOST, ${name}_PORT); leave them out to have one started`,
    );
  say(`nothing answers at ${host}:${port}, which .env names: starting one of our own`);
  return null;
}

/** Decides what to start. @throws UserError when a server the user named does not answer */
export async function makePlan(settings: Settings, say: (line: string) => void): Promise<Plan> {
  const { given } = settings;
  const sandbox = given['EVOLUTION_NODES'] === undefined ? settings.sandboxNodes : 0;
  const nodes = Array.from({ length: sandbox }, (_, n) => {
    const port = settings.sandboxPort + n;
    return { name: `node-${n + 1}`, port, url: `http://127.0.0.1:${port}` };
  });
  const pool = nodes.map(({ port }) => `127.0.0.1:${port}`);
  const ownDatabase = (await broughtHost(settings, 'DB', say)) === null;
  return {
    ownDatabase,
    postgres: ownDatabase || (sandbox > 0 && given['EVOLUTION_DATABASE_URL'] === undefined),
    redis: given['REDIS_CLUSTER_NODES'] === undefined && (await broughtHost(settings, 'REDIS', say)) === null,
    redisNodes: sandbox > 0 && given['EVOLUTION_REDIS_URL'] === undefined,
    nodes,
    pool: pool.length > 0 ? pool : poolOf(given['EVOLUTION_NODES'] ?? ''),
  };
}

/** `localhost` is both loopback addresses where the machine has both, as clients choose either. */
export function frontAddresses(host: string, port: number): string[] {
  if (host !== 'localhost') return [`${host.includes(':') ? `[${host}]` : host}:${port}`];
  const six = Object.values(networkInterfaces()).some((list) =>
    list?.some(({ address }) => address === '::1'),
  );
  return [`127.0.0.1:${port}`, ...(six ? [`[::1]:${port}`] : [])];
}

interface Claim {
  variable: string;
  port: number;
}

/** The ports a start takes, each with the variable that changes it. Remembered ones are not among them. */
function claims(settings: Settings, plan: Plan, nginx: boolean): Claim[] {
  const inbound = settings.given['INBOUND_PORT'];
  return [
    { variable: 'HTTP_PORT', port: settings.httpPort },
    ...(nginx
      ? [
          { variable: 'PORT', port: settings.port },
          { variable: 'INTERNAL_PORT', port: settings.internalPort },
        ]
      : []),
    ...(inbound === undefined ? [] : [{ variable: 'INBOUND_PORT', port: Number(inbound) }]),
    ...plan.nodes.map(({ port }) => ({ variable: 'SANDBOX_PORT', port })),
  ];
}

function takenBy(port: number, variable: string): string {
  const holder = holderOf(port);
  const by = holder === null ? '' : ` by ${holder}`;
  return `port ${port} is taken${by}: stop what uses it, or set ${variable} to another`;
}

/** @throws UserError with a line for every port that is taken, or wanted twice */
export async function checkPorts(settings: Settings, plan: Plan, nginx: boolean): Promise<void> {
  const wanted = claims(settings, plan, nginx);
  const faults: string[] = [];
  for (const [n, { variable, port }] of wanted.entries()) {
    const twin = wanted.slice(0, n).find((other) => other.port === port);
    if (twin)
      faults.push(
        `port ${port} is wanted by both ${twin.variable} and ${variable}: set one of them to another`,
      );
    else if ((await answers(port)) || !(await canListen(port))) faults.push(takenBy(port, variable));
  }
  if (faults.length > 0) throw new UserError(faults.join('\n'));
}

/** The user's own value of any of these wins. */
export const withGiven = (defaults: Record<string, string>, given: Given): Record<string, string> =>
  Object.fromEntries(Object.entries(defaults).map(([name, value]) => [name, given[name] ?? value]));
