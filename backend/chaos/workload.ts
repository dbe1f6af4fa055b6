import { Agent, request } from 'node:http';
import type { Asked } from './evidence.js';
import type { Random } from './random.js';

/** A phone of a user, as whoever sends through it knows it. */
export interface ChaosPhone {
  id: number;
  apiKey: string;
}

export interface WorkloadOptions {
  url: string;
  phones: readonly ChaosPhone[];
  random: Random;
  /** What its texts begin with. */
  tag: string;
  /** It ends after so many, or when it is stopped. */
  messages: number;
  /** Clients at once; each has some phones of its own. */
  clients?: number;
  chatsPerPhone?: number;
  /** Share of requests without a key, which are made once, whatever comes of them. */
  keyless?: number;
  /** Share of requests that are made twice at once with one key. */
  twice?: number;
  /** Milliseconds a client waits between two messages, at most. */
  pauseMs?: number;
  /** Milliseconds a client goes on repeating a request that is not accepted. */
  patienceMs?: number;
}

export type Workload = ReturnType<typeof startWorkload>;

const delay = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** `0001` is never acked, `0000` is delivered and read, and `0013`'s ack is quicker than the node's answer. */
const ENDINGS = ['0001', '0000', '0001', '0013'];

const chatOf = (phoneId: number, n: number) =>
  `+62${String(800_000 + (phoneId % 9000) * 10 + n)}${ENDINGS[n % ENDINGS.length]}`;

/** Clients that say one thing after the other, keep their connections, and repeat with one key until they are heard. */
export function startWorkload(options: WorkloadOptions) {
  const { random, tag, phones, patienceMs = 60_000 } = options;
  const agent = new Agent({ keepAlive: true });
  const asked: Asked[] = [];
  const orders = new Map<string, number>();
  let isStopped = false;
  let accepted = 0;

  async function ask(one: Asked, apiKey: string): Promise<void> {
    const draft = { phoneId: one.phoneId, to: one.chat, message: one.text };
    const { status, id } = await post(agent, options.url, { draft, apiKey, key: one.key });
    one.answers.push(status);
    if (status !== 202 || one.id !== null) return;
    one.id = id;
    one.acceptedAt = Date.now();
    accepted += 1;
  }

  async function say(phone: ChaosPhone): Promise<void> {
    const chat = chatOf(phone.id, random.below(options.chatsPerPhone ?? 3));
    const name = `${phone.id} ${chat}`;
    const order = orders.get(name) ?? 0;
    orders.set(name, order + 1);
    const text = `${tag}-${asked.length}`;
    const key = random.chance(options.keyless ?? 0.05) ? null : text;
    const one: Asked = {
      ...{ text, phoneId: phone.id, chat, key, order, id: null, answers: [] },
      ...{ askedAt: Date.now(), acceptedAt: null },
    };
    asked.push(one);
    if (key !== null && random.chance(options.twice ?? 0.03))
      await Promise.all([ask(one, phone.apiKey), ask(one, phone.apiKey)]);
    const deadline = Date.now() + patienceMs;
    while (one.id === null && Date.now() < deadline) {
      await ask(one, phone.apiKey);
      if (key === null) return;
      if (one.id === null) await delay(50 + random.below(100));
    }
  }

  async function client(own: readonly ChaosPhone[]): Promise<void> {
    while (!isStopped && asked.length < options.messages) {
      await say(random.pick(own));
      if (options.pauseMs) await delay(random.below(options.pauseMs));
    }
  }

  const clients = Math.min(options.clients ?? phones.length, phones.length);
  const done = Promise.all(
    Array.from({ length: clients }, (_, n) => client(phones.filter((_phone, i) => i % clients === n))),
  ).then(() => agent.destroy());

  return {
    asked,
    accepted: () => accepted,
    /** Resolves when every client has had its last answer. */
    done,
    stop(): Promise<void> {
      isStopped = true;
      return done;
    },
  };
}

/** One try. Status 0: no answer. */
function post(
  agent: Agent,
  url: string,
  send: { draft: unknown; apiKey: string; key: string | null },
): Promise<{ status: number; id: number | null }> {
  return new Promise((resolve) => {
    const nothing = () => resolve({ status: 0, id: null });
    const asking = request(`${url}/api/messages/send`, {
      agent,
      method: 'POST',
      timeout: 30_000,
      headers: {
        'content-type': 'application/json',
        'x-api-key': send.apiKey,
        ...(send.key === null ? {} : { 'idempotency-key': send.key }),
      },
    });
    asking.on('error', nothing);
    asking.on('timeout', () => asking.destroy(new Error('no answer in time')));
    asking.on('response', (answer) => {
      let text = '';
      answer.setEncoding('utf8');
      answer.on('data', (chunk: string) => (text += chunk));
      answer.on('error', nothing);
      answer.on('end', () => {
        const status = answer.statusCode ?? 0;
        const id = status === 202 ? (JSON.parse(text) as { id: number }).id : null;
        resolve({ status, id });
      });
    });
    asking.end(JSON.stringify(send.draft));
  });
}
