import { cpus } from 'node:os';
import pg from 'pg';
import { until } from '../../dev/src/wait.js';
import { p99, median, recipient, startWorld } from './world.js';

/**
 * Messages at a steady rate, one phone after the other, to nodes that take 100 ms for each; through the gateway, and by
 * the same client straight to the same nodes, in alternation.
 * `npx tsx backend/bench/steady.ts [rate a second] [phones] [seconds] [rounds]`
 */
const [rate = 200, phones = 200, seconds = 10, rounds = 5] = process.argv.slice(2).map(Number);
const NODE_MS = 100;

const world = await startWorld(phones);
const { api, senders, placements, evolution, count, nodes, nodeKey, stop } = world;
const network = new pg.Client({ connectionString: world.nodesUrl });
await network.connect();
for (const url of nodes) {
  const answer = await fetch(`${url}/sandbox/faults`, {
    method: 'POST',
    headers: { apikey: nodeKey, 'content-type': 'application/json' },
    body: JSON.stringify({ calls: '/message/', delayMs: NODE_MS }),
  });
  if (!answer.ok) throw new Error(`the node's delay: ${answer.status}`);
}
const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

let run = 0;
/** Share of the messages that were at their nodes when the time, and the node's own, was over; milliseconds each took. */
async function measure(send: (i: number, words: string) => Promise<unknown>) {
  run += 1;
  const words = (i: number) => `steady ${run} ${i}`;
  const startedAt: number[] = [];
  const total = rate * seconds;
  const began = performance.now();
  const sends: Promise<unknown>[] = [];
  for (let i = 0; i < total; i += 1) {
    const ahead = began + (i * 1000) / rate - performance.now();
    if (ahead > 1) await wait(ahead);
    startedAt.push(Date.now());
    sends.push(send(i, words(i)));
  }
  await Promise.all(sends);
  const over = Date.now() + NODE_MS + 50;
  const { rows } = await until(
    'all are at their nodes',
    async () => {
      const found = await network.query<{ text: string; at: Date }>(
        `select text, min(at) as at from whatsapp.ledger where text like $1 group by text`,
        [`steady ${run} %`],
      );
      return found.rows.length === total ? found : null;
    },
    { timeoutMs: 60_000, everyMs: 100 },
  );
  const at = new Map(rows.map((row) => [row.text, row.at.getTime()]));
  const took = startedAt.map((start, i) => at.get(words(i))! - start);
  return { inTime: rows.filter((row) => row.at.getTime() <= over).length / total, took };
}

const straight = (i: number, words: string) => {
  const { id, url } = placements[i % placements.length]!;
  return evolution.send(
    { nodeUrl: url, placementId: id },
    { type: 'text', chat: recipient(i), content: words, payload: null, media: null },
    30,
  );
};
const through = (i: number, words: string) => {
  const { apiKey, phoneId } = senders[i % senders.length]!;
  return api('POST', '/api/messages/send', apiKey, { phoneId, to: recipient(i), message: words });
};

const shares: number[] = [];
const excess: number[] = [];
await measure(straight);
await measure(through);
for (let round = 1; round <= rounds; round += 1) {
  const [floor, subject] = [await measure(straight), await measure(through)];
  shares.push(subject.inTime / floor.inTime);
  excess.push(p99(subject.took) - p99(floor.took));
  console.log(
    `round ${round}: straight p50 ${median(floor.took)} p99 ${p99(floor.took)} ms, through p50 ${median(subject.took)} p99 ${p99(subject.took)} ms; in time ${floor.inTime.toFixed(3)} and ${subject.inTime.toFixed(3)}`,
  );
}
const bad = await count(`status in ('failed', 'unknown', 'expired')`);
console.log(
  `steady: in the same time ${median(shares).toFixed(3)}, p99 ${median(excess)} ms above straight, medians of ${rounds} rounds of ${seconds} s (${rate}/s over ${phones} phones on 2 nodes of ${NODE_MS} ms, ${cpus().length} cores, Node ${process.version}); ${bad} did not go out`,
);
await network.end();
await stop();
