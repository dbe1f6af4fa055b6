import { cpus } from 'node:os';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { io, type Socket } from 'socket.io-client';
import { until } from '../../dev/src/wait.js';
import { startPlaced, wait } from './placed.js';
import { median, p99 } from './world.js';

/**
 * From a node's post to the user's webhook and socket, at a steady rate over many users; against posting the same bytes
 * straight to the same receiver at the same rate. One process, clients beside it.
 * `npx tsx backend/bench/through.ts [users] [events a second] [seconds] [rounds]`
 */
const [users = 200, rate = 200, seconds = 10, rounds = 5] = process.argv.slice(2).map(Number);

const atWebhook = new Map<string, number>();
const atSocket = new Map<string, number>();
const bodies: string[] = [];
const receiver = http.createServer((req, res) => {
  const chunks: Buffer[] = [];
  req.on('data', (chunk: Buffer) => chunks.push(chunk));
  req.on('end', () => {
    const text = Buffer.concat(chunks).toString();
    const name = String(req.headers['x-name'] ?? (JSON.parse(text) as any).data.whatsappId);
    atWebhook.set(name, performance.now());
    if (bodies.length < 100) bodies.push(text);
    res.writeHead(204).end();
  });
});
await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
const target = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/hook`;

const world = await startPlaced({ users, phones: users }, { LOG_LEVEL: 'warn' });
await world.addWebhooks(
  Array.from({ length: users }, (_, i) => ({ userId: i + 1, phoneId: null, url: target })),
);
const sockets: Socket[] = world.keys.map((apiKey) => {
  const socket = io(world.url, { auth: { apiKey }, transports: ['websocket'], forceNew: true });
  socket.on('message', ({ data }: { data: { whatsappId: string } }) =>
    atSocket.set(data.whatsappId, performance.now()),
  );
  return socket;
});
await until('all sockets are connected', () => sockets.every(({ connected }) => connected), {
  timeoutMs: 60_000,
});
await world.db.query('analyze');

const agent = new http.Agent({ keepAlive: true, maxSockets: 64 });
const straight = (name: string): Promise<void> =>
  new Promise((resolve, reject) => {
    const request = http.request(target, {
      method: 'POST',
      agent,
      headers: { 'content-type': 'application/json', 'x-name': name },
    });
    request.on('response', (answer) => resolve(void answer.resume()));
    request.on('error', reject);
    request.end(bodies[0]);
  });

let names = 0;
async function measure(send: (i: number, name: string) => Promise<void>, hears: Map<string, number>[]) {
  const startedAt = new Map<string, number>();
  const began = performance.now();
  const total = rate * seconds;
  for (let i = 0; i < total; i += 1) {
    const ahead = began + (i * 1000) / rate - performance.now();
    if (ahead > 1) await wait(ahead);
    names += 1;
    const name = `N${names}`;
    startedAt.set(name, performance.now());
    void send(i, name);
  }
  const all = [...startedAt];
  await until('all came', () => hears.every((heard) => all.every(([name]) => heard.has(name))), {
    timeoutMs: 60_000,
    everyMs: 100,
  });
  return hears.map((heard) => all.map(([name, start]) => heard.get(name)! - start));
}

const through = (i: number, name: string) => world.say((i % users) + 1, name);
await measure(through, [atWebhook, atSocket]);
const found: { floor: number; webhook: number; socket: number }[] = [];
for (let round = 1; round <= rounds; round += 1) {
  const [floor] = await measure((_i, name) => straight(name), [atWebhook]);
  const [webhook, socket] = await measure(through, [atWebhook, atSocket]);
  found.push({ floor: p99(floor!), webhook: p99(webhook!), socket: p99(socket!) });
  console.log(
    `round ${round}: straight p50 ${median(floor!).toFixed(1)} p99 ${p99(floor!).toFixed(1)} ms; webhook p50 ${median(webhook!).toFixed(1)} p99 ${p99(webhook!).toFixed(1)}; socket p50 ${median(socket!).toFixed(1)} p99 ${p99(socket!).toFixed(1)}; allowed ${(4 * p99(floor!) + 100).toFixed(0)}`,
  );
}
const of = (name: 'floor' | 'webhook' | 'socket') => median(found.map((one) => one[name]));
console.log(
  `through: p99 webhook ${of('webhook').toFixed(0)} ms, socket ${of('socket').toFixed(0)} ms, straight ${of('floor').toFixed(0)} ms (allowed ${(4 * of('floor') + 100).toFixed(0)}), medians of ${rounds} rounds of ${seconds} s (${rate}/s over ${users} users, ${cpus().length} cores, Node ${process.version})`,
);
for (const socket of sockets) socket.close();
receiver.closeAllConnections();
receiver.close();
await world.stop();
process.exit(0);
