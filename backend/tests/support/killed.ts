import { expect } from '@jest/globals';
import { io } from 'socket.io-client';
import { newUser } from './client.js';
import { placedPhone, textFrom } from './placed.js';
import { startGatewayProcess } from './process.js';
import { startReceiver } from './receiver.js';
import { shuffled } from './recorded.js';
import { eventsOf } from './truth.js';
import { until } from './until.js';

const PHONES = 4;
const POSTS_AT_ONCE = 16;
const TIMES = 5;

/** As a node does: until it is taken, whatever happens to who takes it. */
async function insist(post: () => Promise<{ status: number }>): Promise<void> {
  await until(
    'the post is taken',
    async () => {
      const { status } = await post();
      if (status !== 200) throw new Error(`answered ${status}`);
      return true;
    },
    400_000,
  );
}

/**
 * The gateway's process is killed every `everyMs`, at most `times`, while `count` messages come in, each five times, in a
 * random order.
 * Then: each had one effect; every webhook saw each id at least once with the same bytes; what a socket heard, joined
 * anew after each kill, is the ledger. Returns how often it was killed.
 */
export async function receiveWhileKilled(
  count: number,
  { everyMs, times = Infinity, patience }: { everyMs: number; times?: number; patience: number },
): Promise<number> {
  const receiver = await startReceiver();
  const gateway = await startGatewayProcess({
    WEBHOOK_TIMEOUT: '1',
    WEBHOOK_RETRY_SCHEDULE: Array(50).fill('0.3').join(','),
  });
  const user = await newUser(gateway.url);
  const heard: any[] = [];
  const socket = io(gateway.url, {
    auth: (give) => give({ token: user.token, lastSequence: heard.at(-1)?.sequence ?? 0 }),
    transports: ['websocket'],
    reconnectionDelay: 50,
    reconnectionDelayMax: 200,
  });
  socket.onAny((_name, envelope) => heard.push(envelope));
  try {
    const phones = await Promise.all(
      Array.from({ length: PHONES }, () => placedPhone(gateway, user, { webhookUrl: receiver.url })),
    );
    const once = Array.from({ length: count }, (_, i) => ({
      phone: phones[i % PHONES]!,
      data: textFrom(`+55119${String(i % 50).padStart(8, '0')}`, `K${i}`, `words ${i}`),
    }));
    const posts = shuffled(Array.from({ length: TIMES }, () => once).flat(), count);
    let isDone = false;
    const killing = (async () => {
      let kills = 0;
      for (; !isDone && kills < times; kills += 1) {
        const at = Date.now() + everyMs;
        await until('it is time, or all is done', () => isDone || Date.now() >= at, everyMs * 2);
        await gateway.end('SIGKILL');
        await gateway.start();
      }
      return kills;
    })();
    let next = 0;
    const poster = async () => {
      for (let post = posts[next++]; post; post = posts[next++])
        await insist(() => post!.phone.say('messages.upsert', post!.data));
    };
    await Promise.all(Array.from({ length: POSTS_AT_ONCE }, poster));
    isDone = true;
    const kills = await killing;

    const ledger = await eventsOf(user);
    expect(ledger.map(({ sequence }) => sequence)).toEqual(ledger.map((_, i) => i + 1));
    const messages = ledger.filter(({ event }) => event === 'message');
    expect(messages.map(({ data }) => data.whatsappId).sort()).toEqual(
      once.map(({ data }) => data.key.id).sort(),
    );
    const stored = await gateway.database.queryAll(
      `select count(*)::int as n from messages where user_id = ${user.id}`,
    );
    expect(stored).toEqual([{ n: count }]);

    await until(
      'every Delivery ended',
      async () =>
        (await gateway.database.queryAll(`select 1 from deliveries where state <> 'delivered' limit 1`))
          .length === 0,
      patience,
    );
    const bytes = new Map<string, Set<string>>();
    for (const { headers, text } of receiver.all)
      bytes.set(headers['webhook-id']!, (bytes.get(headers['webhook-id']!) ?? new Set()).add(text));
    expect([...bytes.keys()].sort()).toEqual(ledger.map(({ id }) => id).sort());
    expect([...bytes.values()].filter((texts) => texts.size > 1)).toEqual([]);

    await until('the socket heard all', () => heard.length >= ledger.length, patience);
    expect(heard).toEqual(ledger);
    return kills;
  } finally {
    socket.close();
    await gateway.stop();
    await receiver.stop();
  }
}
