import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createLogger } from '../../src/config/logger.js';
import { createPostgres, type Db, type Postgres } from '../../src/config/postgres.js';
import { createModels, MODELS } from '../../src/models/index.js';
import { sql } from '../../src/utils/sql.js';
import { newNumber, newUser, type TestUser } from '../support/client.js';
import { startGateway, type TestGateway } from '../support/gateway.js';

/**
 * Models whose methods work across tenants by name, and see ids, hashes and times alone (`createShared`); and the pool of
 * nodes, which is nobody's.
 */
const SHARED = new Set(['nodes', 'housekeeping.userIds', 'audit.latest', 'users.reserveId']);
const isShared = (model: string, method: string): boolean =>
  SHARED.has(model) ||
  SHARED.has(`${model}.${method}`) ||
  /^claim|^finish$|^renew$|^clearHeads|^listExpired/.test(method);

type Named = Record<string, unknown>;

/** An argument that stands for whatever a method wants: an id where it is bound, names of it where it is looked into. */
function standIn(id: unknown, names: Named): any {
  const self: any = new Proxy(
    {},
    {
      get(_target, name) {
        if (typeof name === 'string' && name in names) return names[name];
        if (name === 'toPostgres' || name === 'toJSON' || name === 'valueOf' || name === 'toString')
          return () => id;
        if (name === Symbol.toPrimitive) return () => id;
        if (name === Symbol.iterator) return [self][Symbol.iterator].bind([id]);
        if (name === 'length') return 1;
        if (name === 'then') return undefined;
        if (typeof name === 'string' && typeof ([] as any)[name] === 'function')
          return ([id] as any)[name].bind([id]);
        return id;
      },
    },
  );
  return self;
}

describe('models in the context of another tenant', () => {
  let gateway: TestGateway;
  let postgres: Postgres;
  let owner: TestUser;
  let stranger: TestUser;
  let ids: unknown[];
  let names: Named;
  beforeAll(async () => {
    gateway = await startGateway({ workers: [] });
    const { DB_HOST, DB_PORT, DB_NAME, DB_USER, DB_PASSWORD } = gateway.database.env;
    const at = {
      host: DB_HOST,
      port: Number(DB_PORT),
      database: DB_NAME,
      user: DB_USER,
      password: DB_PASSWORD,
    };
    postgres = createPostgres({ ...at, poolSize: 1 }, createLogger({ level: 'error', silent: true }));
    [owner, stranger] = [await newUser(gateway.url), await newUser(gateway.url)];
    const add = async (path: string, body?: unknown) => (await owner.api.post(path, body)).body;
    const phone = await add('/api/phones', {
      phoneNumber: newNumber(),
      webhookUrl: 'https://example.com/hook',
    });
    const media = await add('/api/media', { media: 'aGVsbG8=' });
    const say = { phoneId: phone.id, to: '+628987654321', message: 'a secret of the owner' };
    const message = await add('/api/messages/send', say);
    const cancelled = await add('/api/messages/send', say);
    await add(`/api/messages/${cancelled.id}/cancel`);
    const bulk = await add('/api/messages/bulk', { messages: [say] });
    await add('/api/me/export');
    const webhook = (await owner.api.get('/api/webhooks')).body.data[0];
    const delivery = (await owner.api.get(`/api/webhooks/${webhook.id}/deliveries`)).body.data[0];
    const key = (await owner.api.get('/api/keys')).body.data[0];
    const session = (await owner.api.get('/api/sessions')).body.data[0];
    await gateway.database.queryAll(
      `insert into chats (user_id, phone_id, chat, last_message_id, last_at) values (${owner.id}, ${phone.id}, '+628987654321', ${message.id}, now());`,
    );
    await gateway.database.queryAll(
      `insert into contacts (user_id, phone_id, address, name) values (${owner.id}, ${phone.id}, '+628987654321', 'A secret friend');`,
    );
    ids = [
      ...new Set<unknown>([
        owner.id,
        phone.id,
        message.id,
        bulk.id,
        media.id,
        webhook.id,
        delivery.id,
        key.id,
        session.id,
        '+628987654321',
      ]),
    ];
    names = {
      userId: owner.id,
      phoneId: phone.id,
      messageId: message.id,
      webhookId: webhook.id,
      limit: 50,
      after: 0,
      offset: 0,
    };
  });
  afterAll(async () => {
    await postgres?.close();
    await gateway?.stop();
  });

  const methods = () =>
    Object.entries(MODELS).flatMap(([model, make]) =>
      Object.keys(make(postgres))
        .filter((method) => !isShared(model, method))
        .map((method) => [model, method] as const),
    );

  async function writtenIn(db: Db): Promise<number> {
    const [row] = await db.query<{ written: number }>(sql`
      select coalesce(sum(s.n_tup_ins + s.n_tup_upd + s.n_tup_del), 0)::int as written
        from pg_stat_xact_user_tables s join pg_class c on c.oid = s.relid where c.relrowsecurity`);
    return row!.written;
  }

  class Undone extends Error {}
  /** What a method answers in a user's context, and how many rows of tenants it wrote; undone afterwards. */
  async function outcome(userId: number, [model, method, id]: readonly [string, string, unknown]) {
    const args = [0, 1, 2, 3].map((i) => standIn(i === 1 ? ids[1] : id, { ...names, id }));
    let answer: unknown = null;
    let written = 0;
    await postgres
      .transaction([userId], async (db) => {
        // What transactions before have undone is counted until it is reported, now and then.
        const before = await writtenIn(db);
        answer = await (createModels(db) as any)[model][method](...args);
        written = (await writtenIn(db)) - before;
        throw new Undone();
      })
      .catch((error: unknown) => {
        if (!(error instanceof Undone)) answer = null;
      });
    return { answer, written };
  }

  const isNothing = (answer: unknown): boolean =>
    answer === null ||
    answer === undefined ||
    answer === false ||
    answer === 0 ||
    (Array.isArray(answer) && answer.length === 0);

  it('every method, with every id of the owner › called by a stranger › tells nothing of the owner, and writes nothing', async () => {
    const told: string[] = [];
    const alive = new Set<string>();
    const marks = [
      'a secret of the owner',
      'A secret friend',
      owner.email,
      owner.username,
      'example.com/hook',
    ];
    for (const [model, method] of methods())
      for (const id of ids) {
        const { answer, written } = await outcome(stranger.id, [model, method, id]);
        const text = JSON.stringify(answer) ?? '';
        if (written > 0 || marks.some((mark) => text.includes(mark)))
          told.push(`${model}.${method}(${String(id)}): ${written} written, ${text.slice(0, 100)}`);
        if (alive.has(`${model}.${method}`)) continue;
        const own = await outcome(owner.id, [model, method, id]);
        if (own.written > 0 || !isNothing(own.answer)) alive.add(`${model}.${method}`);
      }
    expect(told).toEqual([]);
    // The same calls tell the owner something, or the silence above would prove nothing.
    expect(alive.size).toBeGreaterThan(40);
  });
});
