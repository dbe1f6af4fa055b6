/**
 * How much one node carries: `npx tsx sandbox/bench/load.ts [instances] [messages]` with TEST_DATABASE_URL set.
 * Prints one JSON line; results kept in README.md.
 */
import { execFileSync } from 'node:child_process';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { KEY, startWorld } from '../tests/support/node.js';
import { until } from '../tests/support/until.js';

const instances = Number(process.argv[2] ?? 1_000);
const messages = Number(process.argv[3] ?? 5_000);

/** Counts webhooks without keeping them. */
const startCounter = async () => {
  const counts: Record<string, number> = {};
  const server = http.createServer((req, res) => {
    let text = '';
    req.on('data', (chunk: Buffer) => (text += chunk.toString()));
    req.on('end', () => {
      const event = /"event":"([^"]+)"/.exec(text)?.[1] ?? '?';
      counts[event] = (counts[event] ?? 0) + 1;
      res.writeHead(200).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { counts, server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
};

const agent = new http.Agent({ keepAlive: true, maxSockets: 64 });

const call = (method: string, url: string, body?: object): Promise<any> =>
  new Promise((resolve, reject) => {
    const data = body && JSON.stringify(body);
    const headers = {
      apikey: KEY,
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(data ?? ''),
    };
    const request = http.request(url, { method, agent, headers }, (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => (text += chunk.toString()));
      response.on('end', () => resolve(JSON.parse(text)));
    });
    request.on('error', reject);
    request.end(data);
  });

/** Runs the work for 0 … count-1, so many at a time. @returns milliseconds. */
const spread = async (
  count: number,
  width: number,
  work: (i: number) => Promise<unknown>,
): Promise<number> => {
  const started = Date.now();
  let next = 0;
  const lane = async (): Promise<void> => {
    for (let i = next++; i < count; i = next++) await work(i);
  };
  await Promise.all(Array.from({ length: width }, lane));
  return Date.now() - started;
};

const world = await startWorld();
const counter = await startCounter();
const node = await world.node('node-1', {
  SANDBOX_SCAN_MS: '10',
  SANDBOX_CONNECT_WAIT_MS: '0',
  SANDBOX_POLL_MS: '2000',
});
const base = node.url();
const events = ['CONNECTION_UPDATE', 'MESSAGES_UPDATE', 'MESSAGES_UPSERT', 'SEND_MESSAGE'];

/** Resident memory in MB. */
const memory = (): number =>
  Math.round(Number(execFileSync('ps', ['-o', 'rss=', '-p', String(node.pid())]).toString()) / 1024);

const create = await spread(instances, 32, (i) =>
  call('POST', `${base}/instance/create`, {
    instanceName: `load-${i}`,
    integration: 'WHATSAPP-BAILEYS',
    qrcode: false,
    number: `62812${String(i).padStart(8, '0')}`,
    webhook: { enabled: true, url: counter.url, events },
  }),
);
const connecting = await spread(instances, 32, (i) => call('GET', `${base}/instance/connect/load-${i}`));
const opened = Date.now();
await until(
  'all are open',
  async () => {
    const text = await (
      await fetch(`${base}/metrics`, { headers: { authorization: `Basic ${btoa('metrics:metrics')}` } })
    ).text();
    return (text.match(/_up\{[^}]*\} 1/g) ?? []).length === instances;
  },
  300_000,
);
const open = connecting + Date.now() - opened;

const send = await spread(messages, 50, (i) =>
  call('POST', `${base}/message/sendText/load-${i % instances}`, {
    number: `62877${String(i % 500).padStart(4, '0')}5555`,
    text: `m${i}`,
  }),
);
const sent = Date.now();
await until('all acks are posted', () => counter.counts['messages.update'] === messages * 2, 120_000);
const acks = Date.now() - sent;
const rss = memory();
await node.kill('SIGKILL');
const restarted = Date.now();
await node.start();
await until(
  'all are open again',
  async () => {
    const text = await (
      await fetch(`${base}/metrics`, { headers: { authorization: `Basic ${btoa('metrics:metrics')}` } })
    ).text();
    return (text.match(/_up\{[^}]*\} 1/g) ?? []).length === instances;
  },
  300_000,
);

const perSecond = (count: number, ms: number): number => Math.round((count / ms) * 1_000);
process.stdout.write(
  `${JSON.stringify({
    instances,
    messages,
    createPerSecond: perSecond(instances, create),
    openPerSecond: perSecond(instances, open),
    sendPerSecond: perSecond(messages, send),
    acksLateMs: acks,
    restartToAllOpenMs: Date.now() - restarted,
    rssMb: rss,
    webhooks: counter.counts,
  })}\n`,
);
counter.server.closeAllConnections();
counter.server.close();
agent.destroy();
await world.stop();
