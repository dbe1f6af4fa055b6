import { newAdmin } from './admin.js';
import { newPhone, newUser, type TestUser } from './client.js';
import { startNodes, type TestNode } from './nodes.js';
import { startGatewayProcess } from './process.js';
import { until } from './until.js';

const USERS = 10;
/** What a chat is told is numbered, so that its order can be seen in the ledger. */
const CHATS = 3;

interface Sender {
  user: TestUser;
  phoneId: number;
}
interface Accepted {
  id: number;
  chat: string;
  number: number;
  words: string;
}
export interface Failover {
  /** Milliseconds after the node was gone. */
  firstOpen: number;
  allOpen: number;
  /** After the node was back, until it held none of what it lost. */
  clearedAfter: number;
  moved: number;
  accepted: number;
  unknown: number;
  /** What is wrong; empty: nothing. */
  faults: string[];
}

type How = 'kill' | 'freeze' | 'drain';

/**
 * Nodes under a steady load, one of which goes: `kill` (then started again), `freeze` (then woken), or `drain`ed by an admin.
 * All phones open on the others without a QR; then each message arrived once, in the order of its chat, and the node that is
 * back, or empty, holds none of them.
 */
export async function failOver(
  how: How,
  load: { phones: number; perSecond: number; seconds: number; nodes?: number },
): Promise<Failover> {
  const nodes = await startNodes(load.nodes ?? 3);
  const gateway = await startGatewayProcess({
    EVOLUTION_NODES: nodes.list(),
    ...nodes.store,
    FAILOVER_AFTER: '5',
    NODE_CHECK: '1',
    NODE_TIMEOUT: '5',
    SEND_TIMEOUT: '5',
    UNKNOWN_HOLD: '5',
  });
  const query = gateway.database.queryAll;
  try {
    const senders = await startSenders(gateway.url, load.phones);
    const victim = nodes.nodes[0]!;
    const places = () =>
      query<{ phone: string; id: string; node: string; status: string }>(`
        select f.id as phone, p.id, n.name as node, f.status from placements p
          join nodes n on n.id = p.node_id join phone_numbers f on f.id = p.phone_id
         where p.ended_at is null order by f.id`);
    const there = (await places()).filter(({ node }) => node === victim.name);

    const drain = await drainer(gateway, victim.name);
    const pairings = async () =>
      (await nodes.ledger(nodes.nodes[1]!.url)).filter(({ kind }) => kind === 'pair').length;
    const paired = await pairings();

    const sending = sendSteadily(senders, load);
    await new Promise((resolve) => setTimeout(resolve, (load.seconds * 1000) / 4));
    await (how === 'kill' ? victim.kill() : how === 'freeze' ? victim.signal('SIGSTOP') : drain());
    const goneAt = Date.now();
    let firstOpen = 0;
    await until(
      'all phones are open elsewhere',
      async () => {
        const now = await places();
        const open = now.filter(({ node, status }) => node !== victim.name && status === 'connected').length;
        if (firstOpen === 0 && open > load.phones - there.length) firstOpen = Date.now() - goneAt;
        return open === load.phones;
      },
      400_000,
    );
    const allOpen = Date.now() - goneAt;
    const accepted = await sending;
    await until(
      'every message ended',
      async () =>
        (await query(`select 1 from messages where status in ('scheduled', 'queued', 'sending') limit 1`))
          .length === 0,
      400_000,
    );
    const before = await places();
    const backAt = Date.now();
    if (how === 'kill') await victim.start();
    if (how === 'freeze') victim.signal('SIGCONT');
    await until(
      'the node that is back holds none of them',
      async () =>
        (await query('select 1 from nodes where is_lost')).length === 0 &&
        (await query('select 1 from left_placements')).length === 0,
      60_000,
    );
    const clearedAfter = Date.now() - backAt;
    const faults = await held(nodes, victim, there);
    if (JSON.stringify(await places()) !== JSON.stringify(before))
      faults.push('phones live elsewhere than before');
    const rows = await query<{ id: string; status: string }>('select id, status from messages');
    const unknown = new Set(rows.filter(({ status }) => status === 'unknown').map(({ id }) => Number(id)));
    const mostUnknown = how === 'drain' ? 0 : there.length;
    if (unknown.size > mostUnknown) faults.push(`${unknown.size} unknown of ${there.length} phones`);
    const failed = rows.filter(({ status }) => ['failed', 'expired', 'cancelled'].includes(status)).length;
    if (failed > 0) faults.push(`${failed} messages failed`);
    if ((await pairings()) !== paired) faults.push('a QR code was scanned');
    faults.push(...compared(accepted, unknown, await nodes.ledger(nodes.nodes[1]!.url)));
    return {
      firstOpen,
      allOpen,
      clearedAfter,
      moved: there.length,
      accepted: accepted.length,
      unknown: unknown.size,
      faults,
    };
  } finally {
    await gateway.stop();
    nodes.nodes.forEach((node) => node.signal('SIGCONT'));
    await nodes.stop();
  }
}

async function drainer(
  gateway: Awaited<ReturnType<typeof startGatewayProcess>>,
  name: string,
): Promise<() => Promise<unknown>> {
  const admin = await newAdmin(gateway);
  const { data } = (await admin.api.get('/api/admin/nodes')).body;
  const { id } = data.find((node: { name: string }) => node.name === name);
  return () => admin.api.post(`/api/admin/nodes/${id}/drain`);
}

async function startSenders(url: string, phones: number): Promise<Sender[]> {
  const users = await Promise.all(Array.from({ length: USERS }, () => newUser(url)));
  const senders = await Promise.all(
    users.map(async (user) => {
      const own: Sender[] = [];
      while (own.length < phones / USERS) own.push({ user, phoneId: (await newPhone(user)).id });
      return own;
    }),
  );
  return senders.flat();
}

/** As many a second as told, whatever becomes of them; resolves with what was accepted. */
async function sendSteadily(
  senders: readonly Sender[],
  load: { perSecond: number; seconds: number },
): Promise<Accepted[]> {
  const accepted: Promise<Accepted>[] = [];
  const numbers = new Map<string, Promise<unknown>>();
  const start = Date.now();
  for (let i = 0; i < load.perSecond * load.seconds; i += 1) {
    await new Promise((resolve) => setTimeout(resolve, start + (i * 1000) / load.perSecond - Date.now()));
    const { user, phoneId } = senders[i % senders.length]!;
    // The last digits are none that the simulated network answers to in a way of its own.
    const to = `+62897${String(phoneId).padStart(5, '0')}${Math.floor(i / senders.length) % CHATS}77`;
    const words = `load ${phoneId} ${i}`;
    // The next message of a chat is asked for when this one was accepted, so that their order is known.
    const turn = (numbers.get(to) ?? Promise.resolve()).then(async () => {
      const { status, body } = await user.api.post('/api/messages/send', { phoneId, to, message: words });
      if (status !== 202) throw new Error(`send: ${status} ${JSON.stringify(body)}`);
      return { id: body.id, chat: to, number: i, words };
    });
    numbers.set(to, turn);
    accepted.push(turn);
  }
  return Promise.all(accepted);
}

/** What the node still answers of phones that left it. */
async function held(
  nodes: Awaited<ReturnType<typeof startNodes>>,
  node: TestNode,
  places: readonly { id: string }[],
): Promise<string[]> {
  const states = await Promise.all(
    places.map(async ({ id }) => (await nodes.call(`/instance/connectionState/${id}`, {}, node.url)).status),
  );
  const count = states.filter((status) => status !== 404).length;
  return count === 0 ? [] : [`${node.name} still holds ${count} phones`];
}

/** Each message once, those nobody can know of at most once, and each chat in its order. */
function compared(
  accepted: readonly Accepted[],
  unknown: ReadonlySet<number>,
  ledger: readonly any[],
): string[] {
  const arrived = new Map<string, number[]>();
  ledger.forEach((entry, i) => {
    const words = /load \d+ \d+/.exec(JSON.stringify(entry))?.[0];
    if (words) arrived.set(words, [...(arrived.get(words) ?? []), i]);
  });
  const faults: string[] = [];
  const last = new Map<string, number>();
  for (const { id, chat, words } of accepted) {
    const at = arrived.get(words) ?? [];
    if (at.length > 1) faults.push(`${words} arrived ${at.length} times`);
    if (at.length === 0 && !unknown.has(id)) faults.push(`${words} never arrived`);
    if (at[0] === undefined || unknown.has(id)) continue;
    if (at[0] < (last.get(chat) ?? -1))
      faults.push(`${words} arrived before what was said earlier in its chat`);
    last.set(chat, at[0]);
  }
  return faults;
}
