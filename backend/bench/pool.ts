import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import pg from 'pg';
import { until } from '../../dev/src/wait.js';
import { median, p99, recipient, rssOf, startWorld } from './world.js';

/**
 * A large pool against a small one: how long one send takes from its request until its node has it, what the gateway
 * holds in memory, and what it and PostgreSQL do while nothing is sent. The small one is measured before and after.
 * `npx tsx backend/bench/pool.ts [phones] [nodes] [sends]`
 */
const [phones = 10_000, nodes = 20, sends = 300] = process.argv.slice(2).map(Number);
const MB = 1024 * 1024;
const IDLE_S = 60;
const APART_MS = 40;
/** Of Linux on every machine that this was run on. */
const TICKS_A_SECOND = 100;

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Seconds of CPU that a process has used. */
function cpuOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_A_SECOND;
}

async function measure(count: number, pool: number) {
  const started = performance.now();
  const world = await startWorld(count, {
    nodes: pool,
    // 20 nodes share one PostgreSQL; nobody waits for a code here.
    nodeEnv: { SANDBOX_DATABASE_POOL: '3', SANDBOX_CONNECT_WAIT_MS: '50' },
    gatewayEnv: { COMPARE_EVERY: '600' },
  });
  const { db, api, senders, gatewayPid, idleBytes } = world;
  const paired = (performance.now() - started) / 1000;
  const took: number[] = [];
  const startedAt: number[] = [];
  for (let i = 0; i < sends; i += 1) {
    const { apiKey, phoneId } = senders[Math.floor((i * senders.length) / sends)]!;
    startedAt.push(Date.now());
    await api('POST', '/api/messages/send', apiKey, { phoneId, to: recipient(i), message: `pool ${i}` });
    await wait(APART_MS);
  }
  const network = new pg.Client({ connectionString: world.nodesUrl });
  await network.connect();
  const rows = await until('all are at their nodes', async () => {
    const found = await network.query<{ text: string; at: Date }>(
      `select text, min(at) as at from whatsapp.ledger where text like 'pool %' group by text`,
    );
    return found.rows.length === sends ? found.rows : null;
  });
  await network.end();
  for (const { text, at } of rows) took.push(at.getTime() - startedAt[Number(text.slice(5))]!);

  await wait(5000);
  const transactions = async () =>
    Number(
      (await db.query(`select xact_commit as n from pg_stat_database where datname = current_database()`))
        .rows[0].n,
    );
  const [cpu, before] = [cpuOf(gatewayPid), await transactions()];
  const perSecond: number[] = [];
  for (let second = 0, last = before; second < IDLE_S; second += 1) {
    await wait(1000);
    const now = await transactions();
    perSecond.push(now - last);
    last = now;
  }
  const result = {
    paired,
    p50: median(took),
    p99: p99(took),
    sent: took.length,
    cpu: (cpuOf(gatewayPid) - cpu) / IDLE_S,
    perSecond: median(perSecond),
    most: Math.max(...perSecond),
    memory: (rssOf(gatewayPid) - idleBytes) / MB,
  };
  await world.stop();
  return result;
}

const show = (name: string, r: Awaited<ReturnType<typeof measure>>) =>
  console.log(
    `${name}: paired in ${r.paired.toFixed(0)} s; ${r.sent} sends p50 ${r.p50.toFixed(1)} p99 ${r.p99.toFixed(1)} ms; idle: ${(r.cpu * 5).toFixed(2)} s of CPU in 5 s (a health round), ${r.perSecond} transactions/s, at most ${r.most}; ${r.memory.toFixed(0)} MB above idle`,
  );

const small = await measure(10, 2);
show('10 phones on 2 nodes', small);
const large = await measure(phones, nodes);
show(`${phones} phones on ${nodes} nodes`, large);
const again = await measure(10, 2);
show('10 phones on 2 nodes', again);
const floor = (small.p50 + again.p50) / 2;
console.log(
  `pool: p50 ${(large.p50 / floor).toFixed(2)} of the small one's, ${large.memory.toFixed(0)} MB above idle (${phones} phones, ${nodes} nodes, one gateway process, ${cpus().length} cores, Node ${process.version})`,
);
