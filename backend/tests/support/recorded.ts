import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { newUser } from './client.js';
import type { TestGateway } from './gateway.js';
import { placedPhone } from './placed.js';
import { eventsOf, truthOf } from './truth.js';

const folder = fileURLToPath(new URL('../../../sandbox/recorded/webhooks/', import.meta.url));

export interface Post {
  event: string;
  /** Which of the recorded numbers it is of. */
  instance: string;
  data: unknown;
  date_time: string;
  apikey?: string;
}

/** Every post that was recorded from live nodes, in the order in which it came. */
export const POSTS: Post[] = readdirSync(folder)
  .filter((file) => file.endsWith('.json') && !file.startsWith('_'))
  .flatMap((file) => JSON.parse(readFileSync(folder + file, 'utf8')) as any[])
  .filter((entry) => entry.recorded === 'live')
  .sort((a, b) => (a.receivedAt < b.receivedAt ? -1 : 1))
  .map((entry) => entry.request.body);

/** A user with a phone for each of the recorded numbers hears these posts, so many at once; what it then knows, and was told. */
export async function replay(gateway: TestGateway, posts: readonly Post[], atOnce = 1) {
  const user = await newUser(gateway.url);
  const names = [...new Set(POSTS.map(({ instance }) => instance))].sort();
  const phones = new Map<string, Awaited<ReturnType<typeof placedPhone>>>();
  for (const [i, name] of names.entries()) {
    const phoneNumber = name === 'golf' ? '+5511900000007' : `+551190000000${i + 1}`;
    phones.set(name, await placedPhone(gateway, user, { phoneNumber, opened: false }));
  }
  const waiting = posts.values();
  const poster = async () => {
    for (const post of waiting) {
      const answer = await phones.get(post.instance)!.post(post);
      if (answer.status !== 200) throw new Error(`${post.event}: ${answer.status}`);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, poster));
  const quarantined = await gateway.database.queryAll(
    `select why from quarantine where user_id = ${user.id}`,
  );
  return {
    truth: await truthOf(gateway, user, [...phones.values()]),
    events: await eventsOf(user),
    quarantined,
  };
}

/** The same ones in an order that a seed decides. */
export function shuffled<Item>(items: readonly Item[], seed: number): Item[] {
  let state = seed;
  const next = () => (state = (state * 1_103_515_245 + 12_345) % 2_147_483_648) / 2_147_483_648;
  return items
    .map((item) => ({ item, weight: next() }))
    .sort((a, b) => a.weight - b.weight)
    .map(({ item }) => item);
}
