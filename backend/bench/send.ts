import { cpus } from 'node:os';
import { until } from '../../dev/src/wait.js';
import { atOnce, median, p99, recipient, startWorld } from './world.js';

/**
 * Messages on their way out, against the same client posting straight to the same nodes, webhooks on, in alternation.
 * `npx tsx backend/bench/send.ts [phones] [messages] [rounds] [queued]`: two sandbox nodes, one gateway process.
 *  - drained: accepted → at the node, with everything accepted before the first leaves;
 *  - single: one user's message while another user has `queued` messages waiting, against the same while idle.
 */
const [phones = 200, messages = 2000, rounds = 5, queued = 20_000] = process.argv.slice(2).map(Number);
const PROBES = 60;

const { api, newUser, newPhone, connected, senders, placements, evolution, db, count, stop } =
  await startWorld(phones);

/** Messages a second, posted straight to the nodes: one in flight a phone, as many at once as the gateway has. */
async function direct(): Promise<number> {
  const began = performance.now();
  const each = Math.ceil(messages / placements.length);
  await atOnce(placements, async ({ id, url }) => {
    for (let i = 0; i < each; i += 1) {
      const answer = await evolution.send(
        { nodeUrl: url, placementId: id },
        { type: 'text', chat: recipient(i), content: 'direct', payload: null, media: null },
        30,
      );
      if (answer.kind !== 'accepted') throw new Error(JSON.stringify(answer));
    }
  });
  return (each * placements.length) / ((performance.now() - began) / 1000);
}

/** Messages a second from the first that leaves until all have left; all were accepted before. */
async function drained(): Promise<number> {
  await db.query('update lanes set is_paused = true');
  const each = Math.ceil(messages / senders.length);
  await atOnce(senders, ({ apiKey, phoneId }) =>
    api('POST', '/api/messages/bulk', apiKey, {
      defaults: { phoneId, priority: 'normal' },
      messages: Array.from({ length: each }, (_, i) => ({
        to: recipient(i),
        message: 'through the gateway',
      })),
    }),
  );
  const began = performance.now();
  await db.query('update lanes set is_paused = false');
  await until('all have left', async () => (await count(`status in ('queued', 'sending')`)) === 0, {
    timeoutMs: 300_000,
    everyMs: 20,
  });
  const bad = await count(`status in ('failed', 'unknown', 'expired')`);
  if (bad > 0) throw new Error(`${bad} messages did not go out`);
  return (each * senders.length) / ((performance.now() - began) / 1000);
}

/** Milliseconds from the request to `sent`, one message after another. */
async function single(apiKey: string, phoneId: number): Promise<number[]> {
  const took: number[] = [];
  for (let i = 0; i < PROBES; i += 1) {
    const began = performance.now();
    const { id } = await api('POST', '/api/messages/send', apiKey, {
      phoneId,
      to: recipient(i),
      message: 'single',
    });
    await until('it has left', async () => (await count(`id = ${id} and status = 'sent'`)) === 1, {
      timeoutMs: 60_000,
      everyMs: 2,
    });
    took.push(performance.now() - began);
  }
  return took;
}

const ratios: number[] = [];
await direct();
for (let round = 1; round <= rounds; round += 1) {
  const [floor, subject] = [await direct(), await drained()];
  ratios.push(subject / floor);
  console.log(
    `round ${round}: direct ${floor.toFixed(0)}/s, drained ${subject.toFixed(0)}/s, ratio ${(subject / floor).toFixed(2)}`,
  );
}
console.log(
  `drained: median ratio ${median(ratios).toFixed(2)} of ${rounds} rounds (${phones} phones on 2 nodes, ${messages} messages, ${cpus().length} cores, Node ${process.version})`,
);

const [crowd, lone] = [await newUser(), await newUser()];
const [crowded, alone] = [await newPhone(crowd), await newPhone(lone)];
await connected();
const idle = await single(lone, alone);
for (let i = 0; i < queued; i += 1000) {
  await api('POST', '/api/messages/bulk', crowd, {
    defaults: { phoneId: crowded },
    messages: Array.from({ length: 1000 }, (_, k) => ({ to: recipient(i + k), message: 'one of very many' })),
  });
}
const atOnceBusy = await single(lone, alone);
await until(
  'all are noted',
  async () => (await db.query('select 1 from history_queue limit 1')).rowCount === 0,
  {
    timeoutMs: 300_000,
    everyMs: 500,
  },
);
const busy = await single(lone, alone);
const left = await count(`status in ('queued', 'sending')`);
console.log(
  `single: p50 ${median(idle).toFixed(0)} ms, p99 ${p99(idle).toFixed(0)} ms while idle; p50 ${median(busy).toFixed(0)}, p99 ${p99(busy).toFixed(0)} ms while another user has ${queued} queued (${left} still at the end; p50 ${median(atOnceBusy).toFixed(0)}, p99 ${p99(atOnceBusy).toFixed(0)} ms right after they were accepted, while they are being indexed); goal p99 ${(1.5 * p99(idle) + 50).toFixed(0)} ms`,
);

await stop();
