import { join } from 'node:path';
import { aptWorks } from './apt.js';
import {
  commandEnvironment,
  gatewayEnvironment,
  gatewayPort,
  inboundPort,
  nodeEnvironment,
  serverUrl,
  type World,
} from './environment.js';
import { firstMessage } from './first-message.js';
import { openFolder } from './folders.js';
import { takeLock, type Lock } from './lock.js';
import { watchParent } from './parent.js';
import { checkPorts, frontAddresses, makePlan, readOrMakeKept, type Plan } from './plan.js';
import { installNginx } from './nginx.js';
import { findNginx } from './programs.js';
import { provide } from './provide.js';
import {
  logFile,
  nginxService,
  postgresService,
  programService,
  redisService,
  runToEnd,
  status,
} from './services.js';
import type { Program } from './services.js';
import { readSettings, UserError, type Settings } from './settings.js';
import { supervisor, type Supervisor } from './supervisor.js';

const began = Date.now();

function say(line: string): void {
  const seconds = ((Date.now() - began) / 1000).toFixed(1).padStart(6);
  for (const part of line.split('\n')) console.log(`${seconds} s  ${part}`);
}

/** The gateway's log goes to its file; its warnings and errors are shown too. */
function sayWarnings(line: string): void {
  if (!line.startsWith('{')) return line.trim() === '' ? undefined : say(`backend: ${line}`);
  if (/"level":"(warn|error)"/.test(line))
    say(`backend: ${line.length > 600 ? `${line.slice(0, 600)} …` : line}`);
}

const gatewayProgram = (world: World, part: Pick<Program, 'name' | 'entry'>): Program => ({
  ...part,
  dataDir: world.settings.dataDir,
  env: gatewayEnvironment(world),
});

async function startDatabases(world: Omit<World, 'postgres'>, keep: Supervisor): Promise<World> {
  const { settings, plan, kept } = world;
  const { dataDir, given } = settings;
  const chosen = { user: given['DB_USER'], password: given['DB_PASSWORD'], database: given['DB_NAME'] };
  const gateway = Object.fromEntries(Object.entries(chosen).filter(([, value]) => value !== undefined));
  const file = logFile(dataDir, 'postgres');
  const service = postgresService({ dataDir: join(dataDir, 'postgres'), gateway, logFile: file });
  let postgres: World['postgres'] = null;
  const remember = {
    ...service,
    start: async (spawned: Parameters<typeof service.start>[0]) => (postgres = await service.start(spawned)),
  };
  await Promise.all([
    plan.postgres && keep.add(remember),
    plan.redis && keep.add(redisService('redis', dataDir, kept.ports.redis)),
    plan.redisNodes && keep.add(redisService('redis-nodes', dataDir, kept.ports.redisNodes)),
  ]);
  return { ...world, postgres };
}

async function startNodes(world: World, keep: Supervisor): Promise<void> {
  const { dataDir } = world.settings;
  const starts = world.plan.nodes.map(async (node) => {
    const env = nodeEnvironment(world, node);
    const program = { name: node.name, entry: 'sandbox/src/server.ts', env, dataDir };
    const headers = { apikey: env['SANDBOX_API_KEY'] ?? '' };
    // A node answers 404 for an instance it does not know, once it has read those it does.
    const isReady = async () => (await status(`${node.url}/instance/connectionState/none`, headers)) === 404;
    const { pid } = await keep.add(programService(program, 2, isReady));
    say(`${node.name}: ${node.url}, process ${pid}`);
  });
  await Promise.all(starts);
}

interface How extends Pick<Lock, 'share'> {
  /** Is the gateway started again at every change of its source? */
  watch: boolean;
}

async function startGateway(world: World, keep: Supervisor, { watch, share }: How): Promise<void> {
  const migrate = gatewayProgram(world, { name: 'migrate', entry: 'backend/src/migrate.ts' });
  await keep.once('migrate', (spawned) => runToEnd(migrate, spawned));
  share(commandEnvironment(world));
  const program = gatewayProgram(world, { name: 'backend', entry: 'backend/src/server.ts' });
  const url = `http://127.0.0.1:${gatewayPort(world)}/health/ready`;
  const isReady = async () => (await status(url)) === 200;
  await keep.add(programService({ ...program, watch, onLine: sayWarnings }, 0, isReady));
}

async function startDoor(world: World, keep: Supervisor): Promise<void> {
  const { settings, plan } = world;
  const options = {
    dir: join(settings.dataDir, 'nginx'),
    front: frontAddresses(settings.httpHost, settings.httpPort),
    internal: [`127.0.0.1:${settings.internalPort}`],
    gateway: [`127.0.0.1:${gatewayPort(world)}`],
    inbound: [`127.0.0.1:${inboundPort(world)}`],
    nodes: plan.pool,
    logFile: logFile(settings.dataDir, 'nginx'),
  };
  await keep.add(nginxService(options));
}

/** Installs what is missing of what the plan needs; gives whether nginx is there to stand in front. */
async function provideFor(settings: Settings, plan: Plan): Promise<boolean> {
  const wantsNginx = settings.given['NGINX'] !== 'none';
  // Ports first: what is known to fail should not take a minute of installing before it does.
  await checkPorts(settings, plan, wantsNginx && (findNginx() !== null || aptWorks()));
  // curl, as the first message is three lines of it.
  const needed = {
    curl: true,
    nginx: wantsNginx,
    postgres: plan.postgres,
    redis: plan.redis || plan.redisNodes,
  };
  const names = ['curl', 'nginx', 'postgres', 'redis'] as const;
  await provide(
    names.filter((name) => needed[name]),
    say,
  );
  const nginx = wantsNginx && findNginx() !== null;
  const why = wantsNginx ? `nginx is not here (${installNginx})` : 'without nginx, as asked';
  if (!nginx) say(`${why}: the gateway itself listens on ${settings.httpPort}`);
  return nginx;
}

/** Everything, in the order in which it needs each other; resolves when a message could be sent. */
async function start(keep: Supervisor, settings: Settings, how: How): Promise<World> {
  const plan = await makePlan(settings, say);
  const nginx = await provideFor(settings, plan);
  const kept = await readOrMakeKept(settings.dataDir);
  say('starting PostgreSQL and Redis …');
  const world = await startDatabases({ settings, plan, kept, nginx }, keep);
  const nodes = plan.nodes.map(({ name }) => name).join(', ') || 'no sandbox node (EVOLUTION_NODES is set)';
  say(`starting ${nodes}, migrating, starting the gateway …`);
  await Promise.all([
    startNodes(world, keep),
    startGateway(world, keep, how),
    nginx && startDoor(world, keep),
  ]);
  return world;
}

interface Ending {
  begun(): boolean;
  /** The exit code, when everything has been stopped. */
  done: Promise<number>;
}

/** Stops everything after a signal, or after npm above us was killed; at once, the hard way, when asked twice. */
function endWhenAsked(keep: Supervisor, lock: Lock): Ending {
  let first = 0;
  const done = new Promise<number>((resolve) => {
    const end = (why: string) => {
      if (first === 0) {
        first = Date.now();
        say(`${why}: stopping everything …`);
        lock.stopping();
        void keep.stop().then(() => resolve(0));
        // A terminal's Ctrl-C comes from the terminal and, at once, from npm again: only a later one is impatience.
      } else if (Date.now() - first > 1000) void keep.kill().then(() => resolve(1));
    };
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => end(signal));
    watchParent(() => end('npm is gone'));
  });
  return { begun: () => first > 0, done };
}

function announce(world: World): void {
  const url = serverUrl(world);
  say(`API docs ${url}/api-docs · logs ${join(world.settings.dataDir, 'logs')} · Ctrl-C stops everything`);
  // One write: whoever waits for the first of these lines has the others too.
  const intro = 'A first message (paste the three lines one after another):';
  console.log(['', `ready ${url}`, '', intro, '', ...firstMessage(url), ''].join('\n'));
}

/** @returns the exit code */
async function runUntilAsked(settings: Settings, lock: Lock, watch: boolean): Promise<number> {
  const keep = supervisor({ respawnAfterMs: settings.respawnAfter * 1000, say, note: lock.note });
  const ending = endWhenAsked(keep, lock);
  const started = start(keep, settings, { watch, share: lock.share }).then(announce);
  try {
    await started;
  } catch (error) {
    // A start that was interrupted fails by itself; any other failure ends what had been started before it.
    if (!ending.begun()) {
      await keep.stop();
      throw error;
    }
  }
  const code = await ending.done;
  say('stopped');
  return code;
}

/** `npm start`. Resolves with the exit code when everything it started has been stopped. */
export async function main(args: string[]): Promise<number> {
  let lock: Lock | null = null;
  try {
    const settings = readSettings();
    openFolder(settings.dataDir);
    lock = await takeLock(settings.dataDir, say);
    return await runUntilAsked(settings, lock, args.includes('--watch'));
  } catch (error) {
    say((error as Error).message);
    if (!(error instanceof UserError) && process.env['DEBUG']) console.error(error);
    return 1;
  } finally {
    lock?.release();
  }
}
