import type { TestDatabase } from '../tests/support/database.js';
import type { TestNodes } from '../tests/support/nodes.js';
import { until } from '../tests/support/until.js';

/** One request of a client, with every answer it got. Each text is said once in a run, so that it names the message. */
export interface Asked {
  text: string;
  phoneId: number;
  chat: string;
  key: string | null;
  /** Its place among what was asked for this chat; the next is asked once this one was answered 202. */
  order: number;
  /** Ours, once a 202 came. */
  id: number | null;
  /** HTTP statuses; 0: the connection broke or was refused. */
  answers: number[];
  /** Milliseconds since the epoch. */
  askedAt: number;
  acceptedAt: number | null;
}

/** A message as the database has it. Times in milliseconds since the epoch. */
export interface Row {
  id: number;
  phoneId: number;
  chat: string;
  text: string;
  status: string;
  reason: string | null;
  whatsappId: string | null;
  sequence: number;
  dueAt: number;
  sendingAt: number | null;
  sentAt: number | null;
  wasInDoubt: boolean;
}

/** A message as the simulated network received it. */
export interface Arrival {
  text: string;
  whatsappId: string;
}

export interface Evidence {
  asked: Asked[];
  rows: Row[];
  /** In the order of the network. */
  arrivals: Arrival[];
  /** Summed over the faults: how many phones had a send in flight. */
  doubtBound: number;
  /** The statuses a client may have seen. */
  mayAnswer: readonly number[];
}

export interface Violation {
  rule: string;
  what: string;
}

export interface Verdict {
  violations: Violation[];
  counts: {
    asked: number;
    accepted: number;
    answered: Record<string, number>;
    stored: number;
    statuses: Record<string, number>;
    arrived: number;
    everInDoubt: number;
    doubtBound: number;
  };
}

const WAITING = ['scheduled', 'queued', 'sending'];

/** How many of a run's messages have not ended. */
const waiting = async (database: TestDatabase, tag: string): Promise<number> => {
  const [row] = await database.queryAll<{ n: string }>(
    `select count(*) as n from messages where direction = 'out' and status = any ($1) and content like $2`,
    [WAITING, `${tag}-%`],
  );
  return Number(row!.n);
};

const rowsOf = (database: TestDatabase, tag: string): Promise<Row[]> =>
  database.queryAll<Row>(
    `select m.id::float8 as id, phone_number_id::float8 as "phoneId", chat, content as text, m.status, m.reason,
            m.message_id as "whatsappId", m.sequence::float8 as sequence,
            extract(epoch from due_at)::float8 * 1000 as "dueAt",
            extract(epoch from sending_at)::float8 * 1000 as "sendingAt",
            extract(epoch from (select min(at) from message_timeline t
              where t.message_id = m.id and t.status = 'sent'))::float8 * 1000 as "sentAt",
            exists (select 1 from message_timeline t
              where t.message_id = m.id and t.status = 'unknown') as "wasInDoubt"
       from messages m where direction = 'out' and content like $1 order by m.id`,
    [`${tag}-%`],
  );

/** All that the network took of a run, page by page. */
async function arrivalsOf(nodes: TestNodes, tag: string, at: string): Promise<Arrival[]> {
  const found: Arrival[] = [];
  for (let after = 0; ;) {
    const page = await nodes.call(`/sandbox/ledger?kind=message&limit=10000&after=${after}`, {}, at);
    const entries = page.entries as { seq: number; text: string | null; messageId: string }[];
    for (const { text, messageId } of entries)
      if (text?.startsWith(`${tag}-`)) found.push({ text, whatsappId: messageId });
    if (entries.length < 10_000) return found;
    after = page.last as number;
  }
}

/** Waits until every message of a run has ended and the network takes nothing more, and gathers what there is to see. */
export async function gather(
  from: { database: TestDatabase; nodes: TestNodes; ledgerAt: string },
  tag: string,
  patienceMs: number,
): Promise<Pick<Evidence, 'rows' | 'arrivals'>> {
  const { database, nodes, ledgerAt } = from;
  // A test of "nothing is lost" looks at what has not ended too, rather than to fail here.
  await until('all have ended', async () => (await waiting(database, tag)) === 0, patienceMs).catch(
    () => undefined,
  );
  const rows = await settledRows(database, tag);
  return { rows, arrivals: await arrivalsOf(nodes, tag, ledgerAt) };
}

/** Facts that come late still change what is stored: read until two readings are alike. */
async function settledRows(database: TestDatabase, tag: string): Promise<Row[]> {
  const fingerprint = (rows: Row[]) => rows.map(({ id, status }) => `${id} ${status}`).join();
  let last = '';
  let rows: Row[] = [];
  await until(
    'facts have stopped coming',
    async () => {
      const before = last;
      await new Promise((resolve) => setTimeout(resolve, 300));
      rows = await rowsOf(database, tag);
      last = fingerprint(rows);
      return last === before;
    },
    400_000,
  );
  return rows;
}
