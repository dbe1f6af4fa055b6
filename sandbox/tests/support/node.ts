import { spawn, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { startRedis } from '../../../dev/src/redis.js';
import { createDatabase } from './database.js';
import { startReceiver } from './receiver.js';
import { until } from './until.js';

const SERVER = fileURLToPath(new URL('../../src/server.ts', import.meta.url));
export const KEY = 'global-key-of-the-tests';

export interface Answer {
  readonly status: number;
  readonly contentType: string;
  readonly body: any;
  readonly ms: number;
}

export interface CallOptions {
  readonly body?: unknown;
  readonly key?: string | null;
  readonly headers?: Record<string, string>;
  readonly signal?: AbortSignal;
}

/** Quick enough to test with; nothing is scanned by itself unless a test asks for it. */
const QUICK = {
  SANDBOX_SCAN_MS: '0',
  SANDBOX_OPEN_MS: '15',
  SANDBOX_RECONNECT_MS: '100',
  SANDBOX_CONNECT_WAIT_MS: '60',
  SANDBOX_CREATE_WAIT_MS: '120',
  SANDBOX_DELIVERED_MS: '20',
  SANDBOX_READ_MS: '50',
  SANDBOX_ECHO_MS: '20',
  SANDBOX_SLOW_MS: '700',
  SANDBOX_POLL_MS: '300',
};

const parse = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
};

/** One node in a process of its own. Its port stays the same over restarts. */
export const createNode = (env: Record<string, string>) => {
  let child: ChildProcess | undefined;
  let port = Number(env['SANDBOX_PORT'] ?? 0);
  let output = '';
  const url = (): string => `http://127.0.0.1:${port}`;

  const call = async (method: string, path: string, options: CallOptions = {}): Promise<Answer> => {
    const { body, key = KEY, headers = {}, signal } = options;
    const isForm = body instanceof FormData;
    const started = Date.now();
    const response = await fetch(`${url()}${path}`, {
      method,
      headers: {
        ...(key === null ? {} : { apikey: key }),
        ...(body === undefined || isForm ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined
        ? {}
        : { body: isForm || typeof body === 'string' ? body : JSON.stringify(body) }),
      ...(signal ? { signal } : {}),
    });
    const text = await response.text();
    const contentType = response.headers.get('content-type') ?? '';
    return { status: response.status, contentType, body: parse(text), ms: Date.now() - started };
  };
  const start = async (): Promise<void> => {
    output = '';
    child = spawn(process.execPath, ['--import', 'tsx', SERVER], {
      env: { PATH: process.env['PATH'], ...QUICK, ...env, SANDBOX_API_KEY: KEY, SANDBOX_PORT: String(port) },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const mine = child;
    for (const stream of [child.stdout!, child.stderr!])
      stream.on('data', (chunk: Buffer) => (output = (output + chunk.toString()).slice(-20_000)));
    const ended = (): boolean => mine.exitCode !== null || mine.signalCode !== null;
    const listening = (): RegExpExecArray | null => /^sandbox \S+ listening on (\d+)$/m.exec(output);
    await until('the node listens, or ends', () => listening() ?? ended(), 150_000);
    const line = listening();
    if (!line) throw new Error(`the node ended: ${output}`);
    port = Number(line[1]);
  };
  const kill = (signal: NodeJS.Signals = 'SIGKILL'): Promise<void> =>
    new Promise((resolve) => {
      const dying = child;
      child = undefined;
      if (!dying || dying.exitCode !== null || dying.signalCode !== null) return resolve();
      dying.once('exit', () => resolve());
      dying.kill(signal);
    });

  return {
    name: env['SANDBOX_NAME'] ?? 'node-1',
    url,
    start,
    kill,
    call,
    pid: (): number | undefined => child?.pid,
    signal: (signal: NodeJS.Signals) => child?.kill(signal),
    isAlive: (): boolean => child !== undefined && child.exitCode === null && child.signalCode === null,
    output: (): string => output,
    get: (path: string, options?: CallOptions) => call('GET', path, options),
    post: (path: string, body: unknown = {}, options?: CallOptions) =>
      call('POST', path, { body, ...options }),
    delete: (path: string, body?: unknown) => call('DELETE', path, { body }),
    state: async (instance: string): Promise<string | undefined> =>
      (await call('GET', `/instance/connectionState/${instance}`)).body?.instance?.state,
    ledger: async (query = ''): Promise<any[]> =>
      (await call('GET', `/sandbox/ledger?limit=10000&${query}`)).body.entries,
    text: (instance: string, number: string, text: string, options?: CallOptions) =>
      call('POST', `/message/sendText/${instance}`, { body: { number, text }, ...options }),
  };
};

export type TestNode = ReturnType<typeof createNode>;

let numbers = 0;
/** A number nobody else has, ending as asked. */
export const someNumber = (ending = '5555'): string => `62811${String(++numbers).padStart(4, '0')}${ending}`;

export interface PhoneOptions {
  readonly number?: string;
  readonly webhook?: Record<string, unknown>;
}

/** A database, a Redis and a receiver for one test file, and nodes on them. */
export const startWorld = async () => {
  const database = await createDatabase();
  const redis = await startRedis();
  const receiver = await startReceiver();
  const nodes: TestNode[] = [];

  const node = async (name: string, env: Record<string, string> = {}): Promise<TestNode> => {
    const created = createNode({
      SANDBOX_NAME: name,
      SANDBOX_DATABASE_URL: database.url,
      SANDBOX_REDIS_URL: redis.url,
      ...env,
    });
    nodes.push(created);
    await created.start();
    return created;
  };
  /** Creates an instance, with a webhook for everything, and pairs it. @returns its number. */
  const pair = async (on: TestNode, instance: string, options: PhoneOptions = {}): Promise<string> => {
    const number = options.number ?? someNumber();
    const webhook = { enabled: true, url: `${receiver.url}/${instance}`, events: [], ...options.webhook };
    const body = { instanceName: instance, integration: 'WHATSAPP-BAILEYS', qrcode: false, number, webhook };
    const created = await on.post('/instance/create', body);
    if (created.status !== 201) throw new Error(`create answered ${JSON.stringify(created.body)}`);
    await on.get(`/instance/connect/${instance}`);
    await scan(on, instance, number);
    return number;
  };
  const scan = async (on: TestNode, instance: string, number: string): Promise<void> => {
    const scanned = async (): Promise<boolean> =>
      (await on.post('/sandbox/scan', { instance, number })).status === 201;
    // Where codes are scanned by themselves, that phone may have been quicker.
    await until(
      'the code is scanned',
      async () => (await scanned()) || (await on.state(instance)) === 'open',
    );
    await until('it is open', async () => (await on.state(instance)) === 'open');
  };
  /** A node drops the credentials only once `logout.instance` was delivered; until then a connect finds them still. */
  const forgotten = (instance: string): Promise<unknown> =>
    until('the credentials are gone', async () => {
      const query = 'select from "Session" s join "Instance" i on i.id = s."sessionId" where i.name = $1';
      return (await database.query(query, [instance])).length === 0;
    });
  return {
    database,
    redis,
    receiver,
    forgotten,
    node,
    pair,
    scan,
    /** Webhooks of one instance and event so far. */
    heard: (instance: string, event: string, fits: (data: any) => boolean = () => true): any[] =>
      receiver.of(event, (body) => body.instance === instance && fits(body.data)).map(({ data }) => data),
    hear: async (instance: string, event: string, fits: (data: any) => boolean = () => true): Promise<any> =>
      (await receiver.next(event, (body) => body.instance === instance && fits(body.data))).body.data,
    stop: async (): Promise<void> => {
      await Promise.all(nodes.map((one) => one.kill()));
      await receiver.stop();
      await redis.stop();
      await database.drop();
    },
  };
};

export type World = Awaited<ReturnType<typeof startWorld>>;
