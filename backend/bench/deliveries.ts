import { cpus } from 'node:os';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { freePort } from '../../dev/src/ports.js';
import { until } from '../../dev/src/wait.js';
import { webhookClient } from '../src/clients/webhook.client.js';
import { webhookSecret } from '../src/utils/crypto.js';
import { postSigned } from '../src/services/webhook-post.js';
import { startPlaced, startProgram, wait } from './placed.js';
import { median, p99 } from './world.js';

/**
 * Deliveries to webhooks, one process.
 * `npx tsx backend/bench/deliveries.ts [webhooks] [deliveries of each] [hung webhooks] [rounds]`
 *  - drained: all that is held for webhooks of as many users, from the moment they are switched on; against the same
 *    client posting the same bytes, signed, with the same concurrency;
 *  - hung: from a node's post to the first try at one user's receiver, while another user has so many hung webhooks with a
 *    backlog; against the same while idle.
 */
const [hooks = 100, each = 50, hung = 500, rounds = 5] = process.argv.slice(2).map(Number);
const CONCURRENCY = 64;
const SECRET = webhookSecret();
const PROBES = 100;
const [CROWD, ALONE] = [hooks + 1, hooks + 2];

const port = await freePort();
const target = `http://127.0.0.1:${port}`;
const receiver = await startProgram(
  ['--import', 'tsx', 'backend/bench/receiver.ts'],
  { PORT: String(port) },
  target,
);
const users = hooks + 2;
// Phone u - 1 is user u's; the last user's is the phone with the number of users.
const phoneOf = (user: number) => (user === 1 ? users : user - 1);
const world = await startPlaced({ users, phones: users }, { LOG_LEVEL: 'warn' });
const { db, addWebhooks, say, stop } = world;

const ids = await addWebhooks(
  Array.from({ length: hooks }, (_, i) => ({ userId: i + 1, phoneId: null, url: `${target}/hook` })),
);
await db.query('update webhooks set is_enabled = false');
const BODY = (n: number) => ({ phoneId: 1, messageId: n, message: `hello ${n}`, from: '+5511988887777' });
/** Events of every user, each owed to its webhook, which is switched off. */
async function owe(): Promise<void> {
  for (let user = 1; user <= hooks; user += 1) {
    const all = Array.from({ length: each }, (_, n) => n);
    await db.query(
      `select append_events($1::bigint[], $2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::text[], now())`,
      [
        all.map(() => user),
        all.map((n) => `evt_${user}_${n}_${Math.random()}`),
        all.map(() => 'message'),
        all.map(() => phoneOf(user)),
        all.map(() => null),
        all.map((n) => JSON.stringify(BODY(n))),
      ],
    );
  }
}
/** Deliveries a second from the moment the webhooks are switched on until the last has ended. */
async function drained(): Promise<number> {
  await db.query('update webhooks set is_enabled = false where id = any ($1)', [ids]);
  await owe();
  const began = performance.now();
  await db.query(
    `with hooks as (update webhooks set is_enabled = true where id = any ($1)),
     freed as (update deliveries set state = 'pending', next_at = now() where state = 'held'
               returning user_id, id, webhook_id, event_sequence)
     select queue_deliveries(array_agg(user_id), array_agg(id), array_agg(webhook_id), array_agg(event_sequence)) from freed`,
    [ids],
  );
  await until(
    'all are delivered',
    async () =>
      (await db.query(`select 1 from deliveries where state <> 'delivered' limit 1`)).rowCount === 0,
    { timeoutMs: 120_000, everyMs: 20 },
  );
  return (hooks * each) / ((performance.now() - began) / 1000);
}

const client = webhookClient({
  allowedPrivateNetworks: ['127.0.0.0/8'],
  timeoutMs: 15_000,
  maxAnswerBytes: 16_384,
});
const { rows: bodies } = {
  rows: Array.from({ length: 100 }, (_, n) => JSON.stringify({ id: 'evt_x', data: BODY(n) })),
};
/** The same posts, of the same client, and nothing else. */
async function direct(): Promise<number> {
  const began = performance.now();
  let next = 0;
  const one = async () => {
    for (let i = next++; i < hooks * each; i = next++) {
      const to = {
        userId: 1,
        url: `${target}/hook`,
        secret: SECRET,
        previousSecret: null,
        headers: null,
      };
      await postSigned(
        client,
        { open: (text) => text },
        { ...to, eventId: `evt_${i}`, body: bodies[i % 100]! },
      );
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, one));
  return (hooks * each) / ((performance.now() - began) / 1000);
}

const ratios: number[] = [];
await direct();
await drained();
await db.query('analyze');
for (let round = 1; round <= rounds; round += 1) {
  const [floor, subject] = [await direct(), await drained()];
  ratios.push(subject / floor);
  console.log(
    `round ${round}: direct ${floor.toFixed(0)}/s, drained ${subject.toFixed(0)}/s, ratio ${(subject / floor).toFixed(2)}`,
  );
}
console.log(
  `deliveries: median ratio ${median(ratios).toFixed(2)} of ${rounds} rounds (${hooks} webhooks of as many users, ${hooks * each} deliveries, ${cpus().length} cores, Node ${process.version})`,
);

const heard = new Map<string, number>();
const own = http.createServer((req, res) => {
  const chunks: Buffer[] = [];
  req.on('data', (chunk: Buffer) => chunks.push(chunk));
  req.on('end', () => {
    heard.set((JSON.parse(Buffer.concat(chunks).toString()) as any).data.whatsappId, performance.now());
    res.writeHead(204).end();
  });
});
await new Promise<void>((resolve) => own.listen(0, '127.0.0.1', resolve));
await addWebhooks([
  { userId: ALONE, phoneId: null, url: `http://127.0.0.1:${(own.address() as AddressInfo).port}/` },
]);
let names = 0;
/** Milliseconds from a node's post to the first try, one after the other. */
async function probe(): Promise<number[]> {
  const took: number[] = [];
  for (let i = 0; i < PROBES; i += 1) {
    names += 1;
    const [id, began] = [`P${names}`, performance.now()];
    await say(phoneOf(ALONE), id);
    await until('it came', () => heard.has(id), { timeoutMs: 60_000, everyMs: 1 });
    took.push(heard.get(id)! - began);
    await wait(20);
  }
  return took;
}
await probe();
const idle = await probe();
await addWebhooks(
  Array.from({ length: hung }, () => ({ userId: CROWD, phoneId: null, url: `${target}/hang` })),
);
for (let i = 0; i < 10; i += 1) await say(phoneOf(CROWD), `C${i}`);
await wait(1000);
const busy = await probe();
const { rows } = await db.query(
  `select count(*) as n from deliveries where user_id = ${CROWD} and state <> 'delivered'`,
);
console.log(
  `hung: p50 ${median(idle).toFixed(0)} ms, p99 ${p99(idle).toFixed(0)} ms while idle; p50 ${median(busy).toFixed(0)}, p99 ${p99(busy).toFixed(0)} ms while another user has ${hung} hung webhooks with ${rows[0].n} deliveries; goal p99 ${(1.5 * p99(idle) + 50).toFixed(0)} ms`,
);

client.close();
own.closeAllConnections();
own.close();
receiver.kill('SIGKILL');
await stop();
process.exit(0);
