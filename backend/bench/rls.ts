import { rmSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { temporaryFolder } from '../../dev/src/folders.js';
import { startPostgres } from '../../dev/src/postgres.js';
import { createLogger } from '../src/config/logger.js';
import { createPostgres } from '../src/config/postgres.js';
import { migrate } from '../src/migrate.js';
import { createTenancy } from '../src/models/index.js';
import { median } from './world.js';

/**
 * What row-level security costs: the same work with its policies in force and with row-level security off, in alternation in
 * one run. `npx tsx backend/bench/rls.ts [rounds]`
 */
const [rounds = 5] = process.argv.slice(2).map(Number);
const USERS = 500;
const PHONES = 4;
const TIMES = 1500;
const GROUP = 64;

const folder = temporaryFolder('bench');
const server = await startPostgres({ dataDir: join(folder, 'postgres') });
const login = new URL(server.gateway.url);
const [host, port, name] = [login.hostname, Number(login.port), login.pathname.slice(1)];
const [user, password] = [login.username, decodeURIComponent(login.password)];
await migrate({ DB_HOST: host, DB_PORT: port, DB_NAME: name, DB_USER: user, DB_PASSWORD: password });
const owner = new pg.Client({ connectionString: server.gateway.url });
await owner.connect();
const postgres = createPostgres(
  { host, port, database: name, user, password, poolSize: 1 },
  createLogger({ level: 'error', silent: true }),
);
const tenancy = createTenancy(postgres);

const phones: { userId: number; phoneId: number }[] = [];
for (let id = 1; id <= USERS; id += 1)
  await tenancy.inTenant(id, async (models) => {
    const bytes = Buffer.from(String(id));
    const own = {
      id,
      username: `u${id}`,
      email: `u${id}@x.y`,
      passwordHash: 'h',
      apiKeyHash: bytes,
      jwtSecret: 's',
    };
    await models.users.create(own);
    for (let n = 0; n < PHONES; n += 1) {
      const phone = await models.phones.create({
        userId: id,
        phoneNumber: `+62812${String(id * 10 + n).padStart(7, '0')}`,
        deviceName: 'x',
        webhookUrl: null,
        token: Buffer.from(`${id} ${n}`),
      });
      await models.lanes.setOpen(id, phone!.id, false);
      phones.push({ userId: id, phoneId: phone!.id });
    }
  });

const draft = ({ userId, phoneId }: (typeof phones)[number], i: number) => ({
  userId,
  phoneId,
  chat: `+6281${String(i % 5000).padStart(8, '0')}`,
  type: 'text' as const,
  content: 'hello',
  payload: null,
  priority: 1,
  sendAt: null,
  expiresAt: null,
  ttl: 86_400,
  onUnknown: 'keep' as const,
  mediaId: null,
  bulkId: null,
  requestId: 'bench',
  key: null,
  hash: null,
  keyTtl: 86_400,
  dayLimit: null,
});
let next = 0;
const anyPhone = () => phones[(next += 7) % phones.length]!;
/** What is done, and how many of it one call does. */
const works: Record<string, { of: number; work: () => Promise<unknown> }> = {
  'a phone by its id': {
    of: 1,
    work: () => {
      const { userId, phoneId } = anyPhone();
      return tenancy.inTenant(userId, (models) => models.phones.find(phoneId));
    },
  },
  'all phones of a user': {
    of: 1,
    work: () =>
      tenancy.inTenant(anyPhone().userId, (models) => models.phones.list({ after: 0, limit: 50, offset: 0 })),
  },
  'messages accepted, 64 of 64 users': {
    of: GROUP,
    work: () =>
      tenancy.shared.accept(Array.from({ length: GROUP }, () => draft(anyPhone(), (next += 1))) as never),
  },
};

const { rows: tables } = await owner.query<{ name: string }>(
  `select relname as name from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r' and relrowsecurity`,
);
const setWalls = async (inForce: boolean) => {
  for (const { name: table } of tables)
    await owner.query(`alter table "${table}" ${inForce ? 'enable' : 'disable'} row level security`);
};

/** Microseconds each. */
async function measure({ of, work }: { of: number; work: () => Promise<unknown> }): Promise<number> {
  for (let i = 0; i < 20; i += 1) await work();
  const times = Math.ceil(TIMES / of);
  const started = performance.now();
  for (let i = 0; i < times; i += 1) await work();
  return ((performance.now() - started) * 1000) / (times * of);
}

await owner.query('analyze');
const found: Record<string, { on: number[]; off: number[] }> = {};
for (let round = 0; round < rounds; round += 1)
  for (const inForce of round % 2 === 0 ? [true, false] : [false, true]) {
    await setWalls(inForce);
    for (const [what, one] of Object.entries(works)) {
      const own = (found[what] ??= { on: [], off: [] });
      own[inForce ? 'on' : 'off'].push(await measure(one));
    }
  }
for (const [what, { on, off }] of Object.entries(found)) {
  const [walls, none] = [median(on), median(off)];
  console.log(
    `rls: ${what}: ${walls.toFixed(0)} µs, ${none.toFixed(0)} without: ${(walls / none).toFixed(2)}`,
  );
}
console.log(
  `medians of ${rounds} rounds, ${USERS} users, one connection, ${cpus().length} cores, Node ${process.version}`,
);
await postgres.close();
await owner.end();
await server.stop();
rmSync(folder, { recursive: true, force: true });
