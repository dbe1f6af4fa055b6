import { rmSync } from 'node:fs';
import { join } from 'node:path';
import autocannon from 'autocannon';
import pg from 'pg';
import { temporaryFolder } from '../../dev/src/folders.js';
import { startPostgres } from '../../dev/src/postgres.js';
import { startRedis } from '../../dev/src/redis.js';
import { createLogger } from '../src/config/logger.js';
import { createPostgres } from '../src/config/postgres.js';
import { createTenancy } from '../src/models/index.js';
import { createRetention } from '../src/services/retention.js';
import { startSubject, type Subject } from './history-subject.js';

/**
 * Reading with many messages against reading with few: two databases of one PostgreSQL, each with a gateway of its own,
 * asked in alternation. `npx tsx backend/bench/history.ts [many] [few] [rounds]`. Takes some ten minutes and 12 GB in the
 * temporary folder, both given back.
 */
const [many = 10_000_000, few = 10_000, rounds = 5] = process.argv.slice(2).map(Number);
const PAGE = 10;

const folder = temporaryFolder('bench');
const settings = { shared_buffers: '1GB', max_wal_size: '4GB', effective_cache_size: '8GB' };
const postgres = await startPostgres({ dataDir: join(folder, 'postgres'), settings });
const redis = await startRedis();
const median = (all: number[]) => [...all].sort((a, b) => a - b)[Math.floor(all.length / 2)]!;
const quantile = (all: number[], q: number) => [...all].sort((a, b) => a - b)[Math.floor(all.length * q)]!;
const ms = (value: number) => `${value.toFixed(value < 10 ? 2 : 0)} ms`;

async function onServer(name: string, text: string): Promise<Record<string, string>[]> {
  const client = new pg.Client({ connectionString: postgres.superuser.url.replace(/[^/]+$/, name) });
  await client.connect();
  try {
    return (await client.query<Record<string, string>>(text)).rows;
  } finally {
    await client.end();
  }
}

const small = await startSubject({ name: 'few', rows: few, postgres, redisPort: redis.port });
const big = await startSubject({ name: 'many', rows: many, postgres, redisPort: redis.port });

const sizes = await onServer(
  'many',
  `select relname || ' ' || pg_size_pretty(pg_relation_size(oid)) as size from pg_class
    where relnamespace = 'public'::regnamespace and pg_relation_size(oid) > 10000000 order by pg_relation_size(oid) desc`,
);
console.log(`sizes: ${sizes.map(({ size }) => size).join(', ')}`);

async function time(of: Subject, path: string, times: number): Promise<number> {
  const took: number[] = [];
  for (let i = 0; i < times; i += 1) {
    const began = performance.now();
    await of.get(path);
    took.push(performance.now() - began);
  }
  return median(took);
}

/** In alternation; medians of rounds of medians. */
async function compare(what: string, paths: [Subject, string][], times = 60): Promise<void> {
  const all = paths.map(() => [] as number[]);
  for (let round = 0; round <= rounds; round += 1)
    for (const [i, [of, path]] of paths.entries()) {
      const took = await time(of, path, times).catch((error: Error) => {
        console.log(`${what}: ${of.name}: ${error.message}`);
        return NaN;
      });
      if (round > 0) all[i]!.push(took);
    }
  const medians = all.map(median);
  console.log(`${what}: ${medians.map(ms).join(' | ')} | ${(medians.at(-1)! / medians[0]!).toFixed(2)} x`);
}

async function cursorOfPage(of: Subject, page: number): Promise<string> {
  let cursor = '';
  for (let n = 1; n < page; n += 1)
    cursor = (await of.get(`/api/messages?limit=${PAGE}${cursor && `&cursor=${cursor}`}`)).nextCursor!;
  return `&cursor=${cursor}`;
}

const list = `/api/messages?limit=${PAGE}`;
const [smallDeep, bigDeep] = [await cursorOfPage(small, 1000), await cursorOfPage(big, 1000)];
await compare('page 1 (few | many)', [
  [small, list],
  [big, list],
]);
await compare('page 1000 by cursor against page 1 of few', [
  [small, list],
  [small, list + smallDeep],
  [big, list + bigDeep],
]);
const chat = encodeURIComponent(`+62898${'1'.padStart(7, '0')}`);
const middle = new Date(Date.now() - 50 * 86_400_000).toISOString();
for (const filter of [
  'direction=in',
  'status=read',
  'status=failed',
  'status=unknown',
  'status=scheduled',
  'type=image',
  'type=location',
  'type=sticker',
  `chat=${chat}`,
  `until=${middle}`,
  `since=${middle}`,
  'phoneId=PHONE',
  'phoneId=PHONE&status=failed',
  `phoneId=PHONE&type=location`,
  `status=failed&type=image&until=${middle}`,
  `chat=${chat}&direction=in&status=received`,
  'offset=10000',
  'text=word1',
  'text=word30+word400',
  'text=word40000',
  'text=needle',
  'text=nowhere',
  'text=word1&status=unknown',
  `text=word3000&until=${middle}`,
])
  await compare(
    filter.replaceAll(middle, 'T'),
    [small, big].map((of) => [of, `${list}&${filter.replace('PHONE', String(of.phoneId))}`]),
    /text/.test(filter) ? 15 : 40,
  );
await compare(
  'chats',
  [small, big].map((of) => [of, `/api/phones/${of.phoneId}/chats?limit=${PAGE}`]),
);

const accept = (of: Subject, seconds: number) => {
  let n = 0;
  return autocannon({
    url: `${of.url}/api/messages/send`,
    connections: 50,
    duration: seconds,
    requests: [
      {
        method: 'POST',
        setupRequest: (request: autocannon.Request) => ({
          ...request,
          headers: {
            'content-type': 'application/json',
            'x-api-key': of.apiKey,
            'idempotency-key': `${of.name}-${Date.now()}-${(n += 1)}`,
          },
          body: JSON.stringify({
            phoneId: of.phoneId + (n % 1000),
            to: `+62898${String(n % 1_000_000).padStart(7, '0')}`,
            message: 'Hello World!',
          }),
        }),
      },
    ],
  });
};
const ratios: number[] = [];
for (let round = 0; round <= rounds; round += 1) {
  const [low, high] = [(await accept(small, 4)).requests.average, (await accept(big, 4)).requests.average];
  if (round === 0) {
    // What a young database has not had time for, the old one's autovacuum has long done.
    for (const name of ['few', 'many'])
      await onServer(name, 'vacuum analyze phone_numbers, idempotency_keys, chat_heads, lanes');
    continue;
  }
  ratios.push(high / low);
  console.log(`accept round ${round}: few ${low.toFixed(0)}/s, many ${high.toFixed(0)}/s`);
}
console.log(`accept with many against few: median ratio ${median(ratios).toFixed(2)}`);

/** Accepting at a steady rate while messages are removed: what it waits for, and how long. */
const connection = {
  host: big.env.DB_HOST,
  port: Number(big.env.DB_PORT),
  database: 'many',
  user: big.env.DB_USER,
};
const logger = createLogger({ level: 'error', silent: true });
const db = createPostgres({ ...connection, password: big.env.DB_PASSWORD, poolSize: 2 }, logger);
const retention = createRetention({
  tenancy: createTenancy(db),
  logger,
  settings: { keepDays: 90, idempotencyTtl: 0 },
});
const watch = new pg.Client({ connectionString: postgres.superuser.url });
await watch.connect();

async function steady(busy: () => boolean): Promise<{ took: number[]; locks: number; samples: number }> {
  const took: number[] = [];
  let [locks, samples] = [0, 0];
  for (let n = 0; busy(); n += 1) {
    const began = performance.now();
    const answer = await fetch(`${big.url}/api/messages/send`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-api-key': big.apiKey },
      body: JSON.stringify({
        phoneId: big.phoneId + (n % 1000),
        to: `+62898${String(n % 100_000).padStart(7, '0')}`,
        message: 'x',
      }),
    });
    if (answer.status !== 202) throw new Error(`accept: ${answer.status}`);
    took.push(performance.now() - began);
    samples += 1;
    const waiting = await watch.query(
      `select 1 from pg_stat_activity where datname = 'many' and wait_event_type = 'Lock'`,
    );
    if (waiting.rowCount) locks += 1;
  }
  return { took, locks, samples };
}
const say = (what: string, { took, locks, samples }: Awaited<ReturnType<typeof steady>>) =>
  console.log(
    `accept ${what}: p50 ${ms(median(took))}, p99 ${ms(quantile(took, 0.99))}, max ${ms(Math.max(...took))}; lock waits seen in ${locks} of ${samples} looks`,
  );
const end = Date.now() + 20_000;
say('alone', await steady(() => Date.now() < end));
let removed: number | undefined;
const began = Date.now();
const removing = retention.sweep().then((count) => (removed = count));
say('beside retention', await steady(() => removed === undefined));
await removing;
const seconds = (Date.now() - began) / 1000;
console.log(
  `retention: ${removed} of ${many} messages in ${seconds.toFixed(0)} s, ${Math.round(removed! / seconds)}/s`,
);
await compare('page 1 after retention (few | many)', [
  [small, list],
  [big, list],
]);

await watch.end();
await db.close();
small.child.kill();
big.child.kill();
await redis.stop();
await postgres.stop();
rmSync(folder, { recursive: true, force: true });
