import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Db } from '../../src/config/postgres.js';
import { createLogger } from '../../src/config/logger.js';
import { createPostgres, type Postgres } from '../../src/config/postgres.js';
import { chatModel } from '../../src/models/chat.js';
import { historyModel, type MessageFilter } from '../../src/models/history.js';
import { createTenancy, type Tenancy } from '../../src/models/index.js';
import { sql } from '../../src/utils/sql.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';

const ROWS = 20_000;
const LIMIT = 11;

interface PlanNode {
  'Node Type': string;
  'Relation Name'?: string;
  'Index Name'?: string;
  'Actual Rows': number;
  'Actual Loops': number;
  'Rows Removed by Filter'?: number;
  Plans?: PlanNode[];
}
const nodesOf = (node: PlanNode): PlanNode[] => [node, ...(node.Plans ?? []).flatMap(nodesOf)];

/** What reading costs: the plans of the very statements that the models make, on a table with enough rows to matter. */
describe('history', () => {
  let database: TestDatabase;
  let postgres: Postgres;
  let tenancy: Tenancy;
  let userId: number;
  let phoneId: number;

  beforeAll(async () => {
    database = await createTestDatabase();
    const { DB_HOST, DB_PORT, DB_NAME, DB_USER, DB_PASSWORD } = database.env;
    postgres = createPostgres(
      {
        host: DB_HOST,
        port: Number(DB_PORT),
        database: DB_NAME,
        user: DB_USER,
        password: DB_PASSWORD,
        poolSize: 2,
      },
      createLogger({ level: 'error', silent: true }),
    );
    tenancy = createTenancy(postgres);
    for (let i = 0; i < 2; i += 1) {
      userId = await tenancy.shared.reserveUserId();
      phoneId = await fill(userId);
    }
    for (const table of ['messages', 'message_words', 'chats']) await database.query(`analyze ${table}`);
  });
  afterAll(async () => {
    await postgres?.close();
    await database?.drop();
  });

  /** A user with five phones, 2000 chats, and one message of each rare kind among its oldest. Returns a phone. */
  async function fill(user: number): Promise<number> {
    const [phone] = await database
      .query<{ id: string }>(
        `
      begin; set local app.user_ids = '{${user}}';
      insert into users (id, username, email, password_hash, api_key, jwt_secret)
      values (${user}, 'u${user}', 'u${user}@x.y', 'h', int8send(${user}), 's');
      insert into phone_numbers (user_id, phone_number, device_name, token)
      select ${user}, '+62812' || n, 'd', int8send(${user} * 1000 + n) from generate_series(1, 5) n;
      insert into messages (user_id, phone_number_id, direction, source, message_id, chat, from_number, to_number, type, content,
                            status, sequence, due_at, created_at)
      select ${user}, (select min(id) from phone_numbers where user_id = ${user}) + n % 5,
             case when n % 3 = 0 then 'in' else 'out' end, case when n % 3 = 0 then 'contact' else 'api' end, 'W' || n,
             '+62898' || n % 2000, 'x', 'x', case when n = 50 then 'location' when n % 10 = 0 then 'image' else 'text' end,
             'word' || n % 100, case when n % 3 = 0 then 'received' when n = 40 then 'unknown' else 'read' end, n, now(),
             now() - (${ROWS} - n) * interval '1 minute'
        from generate_series(1, ${ROWS}) n;
      commit`,
      )
      .then(() =>
        database.queryAll<{ id: string }>(`select min(id) as id from phone_numbers where user_id = ${user}`),
      );
    await tenancy.inTenant(user, async ({ history }) => {
      const waiting = await history.listUnnoted(user, ROWS);
      await history.note(waiting.map((one) => ({ ...one, words: [`word${one.id % 100}`] })));
    });
    return Number(phone!.id);
  }

  /** The plans of what is asked in there, with what they did. */
  async function plansOf(ask: (db: Db) => Promise<unknown>): Promise<PlanNode[]> {
    const nodes: PlanNode[] = [];
    await postgres.transaction([userId], (db) =>
      ask({
        query: async <Row>(statement: Parameters<Db['query']>[0]) => {
          const rows = await db.query<any>(sql`explain (analyze, format json) ${statement}`);
          nodes.push(...nodesOf(rows[0]['QUERY PLAN'][0].Plan));
          return [] as Row[];
        },
      }),
    );
    return nodes;
  }
  const sequential = (nodes: PlanNode[]) => nodes.filter((node) => node['Node Type'] === 'Seq Scan');
  const rowsRead = (nodes: PlanNode[]) =>
    nodes
      .filter((node) => node['Relation Name'] === 'messages' || node['Relation Name'] === 'chats')
      .reduce(
        (sum, node) =>
          sum + (node['Actual Rows'] + (node['Rows Removed by Filter'] ?? 0)) * node['Actual Loops'],
        0,
      );

  const day = 86_400_000;
  const filters: [string, Partial<MessageFilter>][] = [
    ['phoneId', {}],
    ['direction', { direction: 'out' }],
    ['status', { status: 'read' }],
    ['type', { type: 'image' }],
    ['chat', { chat: '+6289820' }],
    ['since', { since: new Date(Date.now() - 10 * day) }],
    ['until', { until: new Date(Date.now() - 3 * day) }],
    ['cursor', { after: { at: (Date.now() - 4 * day) * 1000, id: 7 } }],
  ];
  const filterOf = (names: string[]): MessageFilter => ({
    userId,
    limit: LIMIT,
    offset: 0,
    ...Object.assign({}, ...filters.filter(([name]) => names.includes(name)).map(([, one]) => one)),
    ...(names.includes('phoneId') ? { phoneId } : {}),
  });

  it.each([['no filter', []], ...filters.map(([name]) => [name, [name]] as [string, string[]])] as [
    string,
    string[],
  ][])('list › by %s › reads little more than it answers, by an index', async (_what, names) => {
    const nodes = await plansOf((db) => historyModel(db).list(filterOf(names)));
    expect(nodes.length).toBeGreaterThan(2);
    expect(sequential(nodes)).toEqual([]);
    // Both directions, and the rows themselves.
    expect(rowsRead(nodes)).toBeLessThanOrEqual(3 * LIMIT);
  });

  it.each([
    ['a rare status', { status: 'unknown' }],
    ['a status that none has', { status: 'scheduled' }],
    ['a rare type', { type: 'location' }],
    ['a type that none has', { type: 'sticker' }],
    ['a chat that is not there', { chat: '+1' }],
    ['a time before all', { until: new Date(0) }],
  ])('list › by %s › does not read the others', async (_what, filter) => {
    const nodes = await plansOf((db) => historyModel(db).list({ ...filterOf([]), ...filter }));
    expect(sequential(nodes)).toEqual([]);
    expect(rowsRead(nodes)).toBeLessThanOrEqual(LIMIT);
  });

  it('list › by every combination of filters › never reads the whole table', async () => {
    const found: string[] = [];
    for (let bits = 0; bits < 2 ** filters.length; bits += 1) {
      const names = filters.map(([name]) => name).filter((_name, i) => bits & (1 << i));
      const nodes = await plansOf((db) => historyModel(db).list(filterOf(names)));
      if (sequential(nodes).length > 0 || rowsRead(nodes) > ROWS / 10)
        found.push(`${names}: ${rowsRead(nodes)}`);
    }
    expect(found).toEqual([]);
  });

  it('search › a page of it › reads no table from end to end', async () => {
    const nodes = await plansOf((db) => historyModel(db).search(filterOf([]), ['word7']));
    expect(sequential(nodes)).toEqual([]);
    const hidden = await database.queryAll<Record<string, PlanNode[]>>(
      `explain (format json) select * from message_words where words @> (select array[hashtextextended('word7', ${userId})])`,
    );
    const inside = nodesOf((hidden[0]!['QUERY PLAN'] as any)[0].Plan);
    expect(inside.map((node) => node['Index Name'])).toContain('message_words_words');
  });

  it('chats › a page of them › reads little more than it answers, by an index', async () => {
    const nodes = await plansOf((db) =>
      chatModel(db).list({
        userId,
        phoneId,
        limit: LIMIT,
        offset: 0,
        after: { at: Date.now() * 1000, id: 1 },
      }),
    );
    expect(nodes.map((node) => node['Index Name'])).toContain('chats_latest');
    expect(sequential(nodes)).toEqual([]);
    expect(rowsRead(nodes)).toBe(LIMIT);
  });

  it('words › of another user › are not found, whoever’s id is named', async () => {
    const other = userId - 1;
    const found = (context: number, named: number) =>
      postgres.transaction([context], (db) => db.query(sql`select find_words(${named}, '["word7"]'::jsonb)`));
    expect((await found(userId, userId)).length).toBeGreaterThan(0);
    expect(await found(userId, other)).toEqual([]);
    const ids = await postgres.transaction([other], (db) =>
      db.query<{ id: number }>(sql`select id from messages limit 200`),
    );
    const having = await postgres.transaction([userId], (db) =>
      db.query(sql`select having_words(${other}, ${ids.map((row) => row.id)}::bigint[], '["word7"]'::jsonb)`),
    );
    expect(having).toEqual([]);
  });

  it('notes › given by one user for messages of another › change nothing of theirs', async () => {
    const other = userId - 1;
    const [theirs] = await postgres.transaction([other], (db) =>
      db.query<{ id: number }>(sql`select id from messages order by id limit 1`),
    );
    await database.queryAll(`insert into history_queue values (${theirs!.id}, ${other})`);
    await tenancy.inTenant(userId, ({ history }) =>
      history.note([{ id: theirs!.id, userId: other, words: ['stolen'] }]),
    );
    expect(await tenancy.inTenant(other, ({ history }) => history.listUnnoted(other, 10))).toEqual([
      { id: theirs!.id, userId: other },
    ]);
    const found = await postgres.transaction([other], (db) =>
      db.query(sql`select find_words(${other}, '["stolen"]'::jsonb)`),
    );
    expect(found).toEqual([]);
  });

  it('notes › two at once for the same messages › both end, and the chat is there once', async () => {
    const waiting = await database.queryAll<{ id: string }>(`
      insert into messages (user_id, phone_number_id, direction, source, chat, from_number, to_number, type, content, status,
                            sequence, due_at)
      select ${userId}, ${phoneId}, 'out', 'api', '+49' || n % 20, 'x', 'x', 'text', 'twice', 'failed', n, now()
        from generate_series(1, 200) n returning id`);
    const items = waiting.map(({ id }) => ({ id: Number(id), userId, words: ['twice'] }));
    const note = (of: typeof items) => tenancy.inTenant(userId, ({ history }) => history.note(of));
    await Promise.all([
      note(items),
      note([...items].reverse()),
      note(items.slice(50)),
      note(items.slice(0, 150)),
    ]);
    const chats = await tenancy.inTenant(userId, (models) =>
      models.chats.list({ userId, phoneId, limit: 100, offset: 0 }),
    );
    expect(chats.filter((one) => one.chat.startsWith('+49'))).toHaveLength(20);
    const left = await database.queryAll(
      `select 1 from message_words where user_id = ${userId} and words @> array[hashtextextended('twice', ${userId})]`,
    );
    expect(left).toHaveLength(200);
  });

  it('regression › notes › while they are made › hold no row of a message, which might be being sent', async () => {
    const ids = (
      await database.queryAll<{ id: string }>(`
      insert into messages (user_id, phone_number_id, direction, source, chat, from_number, to_number, type, content, status,
                            sequence, due_at)
      select ${userId}, ${phoneId}, 'out', 'api', '+48' || n, 'x', 'x', 'text', 'held', 'failed', n, now()
        from generate_series(1, 5) n returning id`)
    ).map((row) => Number(row.id));
    await tenancy.inTenant(userId, async ({ history }) => {
      await history.note(ids.map((id) => ({ id, userId, words: ['held'] })));
      const free = await database.queryAll(
        `select 1 from messages where id in (${ids.join()}) for update nowait`,
      );
      expect(free).toHaveLength(5);
    });
  });
});
