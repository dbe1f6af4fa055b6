import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { createLogger } from '../../src/config/logger.js';
import { createPostgres, type Postgres } from '../../src/config/postgres.js';
import { createTenancy, type Tenancy } from '../../src/models/index.js';
import { createRetention } from '../../src/services/retention.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';

const logger = createLogger({ level: 'error', silent: true });

describe('retention', () => {
  let database: TestDatabase;
  let postgres: Postgres;
  let tenancy: Tenancy;
  let other: pg.Client;

  beforeAll(async () => {
    database = await createTestDatabase();
    const { DB_HOST, DB_PORT, DB_NAME, DB_USER, DB_PASSWORD } = database.env;
    const connection = {
      host: DB_HOST,
      port: Number(DB_PORT),
      database: DB_NAME,
      user: DB_USER,
      password: DB_PASSWORD,
    };
    postgres = createPostgres({ ...connection, poolSize: 2 }, logger);
    tenancy = createTenancy(postgres);
    other = new pg.Client(connection);
    await other.connect();
  });
  afterAll(async () => {
    await other?.end();
    await postgres?.close();
    await database?.drop();
  });

  /** A user with 1200 messages of the year before last, in 60 chats. */
  async function olds(): Promise<number> {
    const user = await tenancy.shared.reserveUserId();
    await database.query(`
      begin; set local app.user_ids = '{${user}}';
      insert into users (id, username, email, password_hash, api_key, jwt_secret)
      values (${user}, 'u${user}', 'u${user}@x.y', 'h', int8send(${user}), 's');
      insert into phone_numbers (user_id, phone_number, device_name, token) values (${user}, '+62812', 'd', int8send(${user}));
      insert into messages (user_id, phone_number_id, direction, source, message_id, chat, from_number, to_number, type, content,
                            status, sequence, due_at, created_at)
      select ${user}, p.id, 'in', 'contact', 'W' || n, '+62898' || n % 60, 'x', 'x', 'text', 'hello', 'received', n, now(),
             now() - interval '2 years' + n * interval '1 second'
        from generate_series(1, 1200) n, phone_numbers p where p.user_id = ${user};
      commit`);
    return user;
  }
  const left = async (user: number, table = 'messages') =>
    Number((await database.queryAll(`select count(*) from ${table} where user_id = ${user}`))[0]!['count']);
  const wordsLeft = async () =>
    Number((await database.query(`select count(*) from message_words`))[0]!['count']);
  const sweep = (settings: { keepDays: number; idempotencyTtl: number }) =>
    createRetention({ tenancy, logger, settings }).sweep();

  it('of several users › more than a batch each › all old ones go, with their chats', async () => {
    const users = [await olds(), await olds()];
    for (const user of users) {
      await tenancy.inTenant(user, async ({ history }) => {
        const items = await history.listUnnoted(user, 2000);
        await history.note(items.map((one) => ({ ...one, words: ['hello'] })));
      });
    }
    expect(await wordsLeft()).toBe(2400);
    expect(await sweep({ keepDays: 365, idempotencyTtl: 0 })).toBe(2400);
    for (const user of users) expect([await left(user), await left(user, 'chats')]).toEqual([0, 0]);
    expect(await wordsLeft()).toBe(0);
  });

  it.each([
    ['kept for ever', { keepDays: 0, idempotencyTtl: 0 }],
    ['kept for longer', { keepDays: 1000, idempotencyTtl: 0 }],
    ['named by keys that live longer', { keepDays: 1, idempotencyTtl: 1000 * 86_400 }],
  ])('messages › %s › stay', async (_why, settings) => {
    const user = await olds();
    expect(await sweep(settings)).toBe(0);
    expect(await left(user)).toBe(1200);
    await sweep({ keepDays: 365, idempotencyTtl: 0 });
  });

  it('rows that somebody holds › while it runs › are passed over, not waited for, and go the next time', async () => {
    const user = await olds();
    await other.query(`begin; set local app.user_ids = '{${user}}'`);
    await other.query(`select 1 from messages where user_id = ${user} order by id limit 3 for update`);
    await other.query(`select 1 from chats where user_id = ${user} order by chat limit 1 for update`);
    // It would wait for ten seconds, and fail.
    expect(await sweep({ keepDays: 365, idempotencyTtl: 0 })).toBe(1197);
    expect([await left(user), await left(user, 'chats')]).toEqual([3, 4]);
    await other.query('commit');
    expect(await sweep({ keepDays: 365, idempotencyTtl: 0 })).toBe(3);
    expect([await left(user), await left(user, 'chats')]).toEqual([0, 0]);
  });

  it('a chat › its last message goes and a new one comes at that moment › has the new one', async () => {
    const user = await olds();
    await other.query(`begin; set local app.user_ids = '{${user}}'`);
    await other.query(`
      insert into messages (user_id, phone_number_id, direction, source, message_id, chat, from_number, to_number, type, content,
                            status, sequence, due_at)
      select ${user}, id, 'in', 'contact', 'NEW', '+628980', 'x', 'x', 'text', 'new', 'received', 9999, now()
        from phone_numbers where user_id = ${user}`);
    expect(await sweep({ keepDays: 365, idempotencyTtl: 0 })).toBe(1200);
    await other.query('commit');
    const chats = await database.queryAll(`
      select c.chat, m.content from chats c left join messages m on m.id = c.last_message_id where c.user_id = ${user}`);
    expect(chats).toEqual([{ chat: '+628980', content: 'new' }]);
  });
});
