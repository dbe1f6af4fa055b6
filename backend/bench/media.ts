import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync, rmSync } from 'node:fs';
import { createServer, request, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { temporaryFolder } from '../../dev/src/folders.js';
import { freePort } from '../../dev/src/ports.js';
import { startPostgres } from '../../dev/src/postgres.js';
import { startRedis } from '../../dev/src/redis.js';
import { until } from '../../dev/src/wait.js';
import { migrate } from '../src/migrate.js';

/**
 * Memory of a gateway process (all roles) while a document streams through: uploaded, downloaded, fetched from a link.
 * `npx tsx backend/bench/media.ts [rounds] [MB]`: peak of its resident memory over that of the same process idle just
 * before, one at a time. `BENCH_BUCKET=1`: into a bucket instead of a folder.
 */
const root = fileURLToPath(new URL('../../', import.meta.url));
const [rounds = 5, megabytes = 100] = process.argv.slice(2).map(Number);
const MB = 1024 * 1024;
const block = randomBytes(MB);

const folder = temporaryFolder('bench-media');
const postgres = await startPostgres({ dataDir: join(folder, 'postgres') });
const redis = await startRedis();
const login = new URL(postgres.gateway.url);
const database = {
  DB_HOST: login.hostname,
  DB_PORT: login.port,
  DB_NAME: login.pathname.slice(1),
  DB_USER: login.username,
  DB_PASSWORD: decodeURIComponent(login.password),
};
await migrate({ ...database, DB_PORT: Number(login.port) });

const bucket = process.env['BENCH_BUCKET'] ? await startBucket() : null;
const port = await freePort();
const gateway = spawn(process.execPath, ['--import', 'tsx', 'backend/src/server.ts'], {
  cwd: root,
  stdio: ['ignore', 'ignore', 'inherit'],
  env: {
    PATH: process.env['PATH'],
    ...database,
    NODE_ENV: 'test',
    PORT: String(port),
    INBOUND_PORT: String(await freePort()),
    REDIS_HOST: '127.0.0.1',
    REDIS_PORT: String(redis.port),
    JWT_SECRET: 'bench-secret-0123456789-0123456789-0123456789',
    EVOLUTION_API_KEY: 'bench-secret-0123456789',
    BCRYPT_COST: '4',
    ALLOWED_PRIVATE_NETWORKS: '127.0.0.0/8',
    MEDIA_DIR: join(folder, 'media'),
    MEDIA_LIMITS: `document=${megabytes + 1}M`,
    MEDIA_QUOTA: '0',
    ...bucket?.env,
  },
});
const url = `http://127.0.0.1:${port}`;
await until('the gateway answers', async () => (await fetch(url).catch(() => null)) !== null);

const links = createServer((_req, res) => {
  res.writeHead(200, { 'content-length': megabytes * MB });
  void pipeline(document(), res).catch(() => undefined);
});
await new Promise<void>((resolve) => links.listen(0, '127.0.0.1', resolve));
const link = `http://127.0.0.1:${(links.address() as AddressInfo).port}/document`;

const { token } = (await (
  await fetch(`${url}/api/auth/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ username: 'bench', email: 'bench@example.com', password: 'bench-password' }),
  })
).json()) as { token: string };

function document(): Readable {
  let left = megabytes;
  return new Readable({
    read() {
      this.push(left > 0 ? block : null);
      left -= 1;
    },
  });
}

/** In bytes. */
const resident = (): number =>
  Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${gateway.pid}/status`, 'utf8'))![1]) * 1024;

async function startBucket() {
  const { default: S3rver } = await import('s3rver');
  const { CreateBucketCommand, S3Client } = await import('@aws-sdk/client-s3');
  const s3Port = await freePort();
  await new S3rver({ port: s3Port, address: '127.0.0.1', silent: true, directory: join(folder, 's3') }).run();
  const endpoint = `http://127.0.0.1:${s3Port}`;
  const credentials = { accessKeyId: 'S3RVER', secretAccessKey: 'S3RVER' };
  const admin = new S3Client({ endpoint, region: 'us-east-1', forcePathStyle: true, credentials });
  await admin.send(new CreateBucketCommand({ Bucket: 'media' }));
  const env = { S3_ENDPOINT: endpoint, S3_BUCKET: 'media', S3_ACCESS_KEY: 'S3RVER', S3_SECRET_KEY: 'S3RVER' };
  return { env };
}

const drained = async (stream: AsyncIterable<unknown>): Promise<number> => {
  let size = 0;
  for await (const chunk of stream) size += (chunk as Buffer).length;
  return size;
};

async function upload(): Promise<number> {
  const boundary = 'bench-boundary';
  const head = `--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="a.bin"\r\nContent-Type: application/octet-stream\r\n\r\n`;
  const tail = `\r\n--${boundary}--\r\n`;
  const req = request(`${url}/api/media`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': `multipart/form-data; boundary=${boundary}`,
      'content-length': head.length + megabytes * MB + tail.length,
    },
  });
  const answered = new Promise<IncomingMessage>((resolve, reject) =>
    req.once('response', resolve).once('error', reject),
  );
  req.write(head);
  await pipeline(document(), req, { end: false });
  req.end(tail);
  const answer = await answered;
  const chunks: Buffer[] = [];
  for await (const chunk of answer) chunks.push(chunk as Buffer);
  if (answer.statusCode !== 201)
    throw new Error(`upload: ${answer.statusCode} ${Buffer.concat(chunks).toString()}`);
  return (JSON.parse(Buffer.concat(chunks).toString()) as { id: number }).id;
}

const auth = { authorization: `Bearer ${token}` };
async function download(id: number): Promise<void> {
  const answer = await fetch(`${url}/api/media/${id}`, { headers: auth });
  const size = await drained(answer.body!);
  if (size !== megabytes * MB) throw new Error(`download: ${answer.status}, ${size} bytes`);
}
async function fetched(): Promise<void> {
  const made = (await (
    await fetch(`${url}/api/media`, {
      method: 'POST',
      headers: { ...auth, 'content-type': 'application/json' },
      body: JSON.stringify({ mediaUrl: link }),
    })
  ).json()) as { id: number };
  await until(
    'the link is stored',
    async () => {
      const info = (await (await fetch(`${url}/api/media/${made.id}/info`, { headers: auth })).json()) as any;
      return info.status === 'stored';
    },
    { timeoutMs: 120_000 },
  );
}

/** How far resident memory rises above that of the moment before, and how long it takes. */
async function peakOf(work: () => Promise<unknown>): Promise<{ rise: number; seconds: number }> {
  await new Promise((resolve) => setTimeout(resolve, 2000));
  const idle = resident();
  let peak = idle;
  const timer = setInterval(() => (peak = Math.max(peak, resident())), 5);
  const started = performance.now();
  await work();
  clearInterval(timer);
  return { rise: (peak - idle) / MB, seconds: (performance.now() - started) / 1000 };
}

const median = (values: number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;
const results: Record<string, { rise: number; seconds: number }[]> = {};
let last = 0;
const tasks: Record<string, () => Promise<unknown>> = {
  upload: async () => (last = await upload()),
  download: () => download(last),
  link: fetched,
};
console.log(`idle ${(resident() / MB).toFixed(0)} MB, ${megabytes} MB each, ${bucket ? 'bucket' : 'folder'}`);
for (let round = 0; round < rounds; round += 1) {
  for (const [name, work] of Object.entries(tasks)) {
    const one = await peakOf(work);
    (results[name] ??= []).push(one);
    console.log(`${name} ${round + 1}: +${one.rise.toFixed(1)} MB, ${one.seconds.toFixed(2)} s`);
  }
}
for (const [name, all] of Object.entries(results)) {
  const rises = all.map(({ rise }) => rise);
  const line = `median +${median(rises).toFixed(1)} MB, most +${Math.max(...rises).toFixed(1)} MB`;
  console.log(`${name}: ${line}, ${median(all.map(({ seconds }) => seconds)).toFixed(2)} s`);
}
console.log(`after all of it: ${(resident() / MB).toFixed(0)} MB`);

gateway.kill('SIGKILL');
await new Promise((resolve) => gateway.once('exit', resolve));
links.closeAllConnections();
links.close();
await redis.stop();
await postgres.stop();
rmSync(folder, { recursive: true, force: true });
process.exit(0);
