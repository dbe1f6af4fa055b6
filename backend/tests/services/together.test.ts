import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createLogger } from '../../src/config/logger.js';
import { createPostgres, type Postgres } from '../../src/config/postgres.js';
import { createTenancy, type Models, type Tenancy } from '../../src/models/index.js';
import { together } from '../../src/services/together.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';

describe('together', () => {
  let database: TestDatabase;
  let postgres: Postgres;
  let tenancy: Tenancy;

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
        poolSize: 8,
      },
      createLogger({ level: 'error', silent: true }),
    );
    tenancy = createTenancy(postgres);
  });
  afterAll(async () => {
    await postgres?.close();
    await database?.drop();
  });

  const newUser = async () => {
    const id = await tenancy.shared.reserveUserId();
    const user = { id, username: `u${id}`, email: `u${id}@x.y`, passwordHash: 'h', jwtSecret: 's' };
    await tenancy.inTenant(id, ({ users }) => users.create({ ...user, apiKeyHash: Buffer.from(`k${id}`) }));
    return id;
  };
  const tell = async (models: Models, items: { userId: number; n: number }[]) => {
    await models.events.appendAll(
      items.map(({ userId, n }) => ({
        userId,
        type: 'message',
        phoneId: null,
        messageId: null,
        data: { n },
      })),
    );
    return items.map(({ n }) => n);
  };
  const told = (userId: number) =>
    tenancy.inTenant(userId, async ({ events }) =>
      (await events.listAfter(userId, 0, 100)).map(({ sequence, body }) => [
        sequence,
        JSON.parse(body).data.n,
      ]),
    );
  const held = (userId: number) => {
    let letGo = () => undefined as void;
    const gate = new Promise<void>((resolve) => (letGo = resolve));
    let isHeld = () => undefined as void;
    const holding = new Promise<void>((resolve) => (isHeld = resolve));
    const done = tenancy.inTenant(userId, async ({ events }) => {
      await events.lockCounter(userId);
      isHeld();
      await gate;
    });
    return { holding, letGo, done };
  };

  it('items of several users › nobody holds their counters › one transaction, results in order, sequences without a gap', async () => {
    const [a, b] = [await newUser(), await newUser()];
    const items = [1, 2, 3, 4].map((n) => ({ userId: n % 2 ? b : a, n }));
    expect(await together(tenancy, items, tell)).toEqual([1, 2, 3, 4]);
    expect(await told(a)).toEqual([
      [1, 2],
      [2, 4],
    ]);
    expect(await told(b)).toEqual([
      [1, 1],
      [2, 3],
    ]);
  });

  it("items of several users › one's counter stays held › the others' are done meanwhile, and the held one's after", async () => {
    const [a, b] = [await newUser(), await newUser()];
    const frozen = held(a);
    await frozen.holding;
    const items = [1, 2, 3].map((n) => ({ userId: n === 2 ? b : a, n }));
    const results = await together(tenancy, items, tell);
    expect(await results[1]).toBe(2);
    expect(await told(b)).toEqual([[1, 2]]);
    expect(await told(a)).toEqual([]);
    frozen.letGo();
    await frozen.done;
    expect(await Promise.all(results)).toEqual([1, 2, 3]);
    expect(await told(a)).toEqual([
      [1, 1],
      [2, 3],
    ]);
  });

  it('items of several users › one is bad › nothing is done, and the error is told', async () => {
    const [a, b] = [await newUser(), await newUser()];
    const items = [a, b].map((userId) => ({ userId, n: userId }));
    const failing = async (models: Models, some: typeof items) => {
      await tell(models, some);
      throw new Error('bad');
    };
    await expect(together(tenancy, items, failing)).rejects.toThrow('bad');
    expect([await told(a), await told(b)]).toEqual([[], []]);
  });
});
