import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createLogger } from '../../src/config/logger.js';
import { createPostgres, type Postgres } from '../../src/config/postgres.js';
import { createTenancy, type Tenancy } from '../../src/models/index.js';
import { limitedTo } from '../../src/utils/limited.js';
import { sql } from '../../src/utils/sql.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';

describe('one connection for all tenants', () => {
  let database: TestDatabase;
  let postgres: Postgres;
  let tenancy: Tenancy;
  const users = [1, 2, 3];
  beforeAll(async () => {
    database = await createTestDatabase();
    const { DB_HOST, DB_PORT, DB_NAME, DB_USER, DB_PASSWORD } = database.env;
    const at = {
      host: DB_HOST,
      port: Number(DB_PORT),
      database: DB_NAME,
      user: DB_USER,
      password: DB_PASSWORD,
    };
    postgres = createPostgres({ ...at, poolSize: 1 }, createLogger({ level: 'error', silent: true }));
    tenancy = createTenancy(postgres);
    for (const id of users)
      await tenancy.inTenant(id, async (models) => {
        await models.users.create({
          id,
          username: `u${id}`,
          email: `u${id}@x.y`,
          passwordHash: 'h',
          apiKeyHash: Buffer.from([id]),
          jwtSecret: 's',
        });
        for (const n of [1, 2])
          await models.phones.create({
            userId: id,
            phoneNumber: `+62812000${id}${n}`,
            deviceName: 'x',
            webhookUrl: null,
            token: Buffer.from([id, n]),
          });
      });
  });
  afterAll(async () => {
    await postgres?.close();
    await database?.drop();
  });
  const page = { after: 0, limit: 100, offset: 0 };
  const isHalfDone = ({ deviceName }: { deviceName: string }) => deviceName === 'half done';
  const owners = (all: readonly { userId: number }[]) => [...new Set(all.map(({ userId }) => userId))];

  it('tenants take turns › transactions that fail after they wrote, in every way, between them › no row ever crosses, and nothing of them is kept', async () => {
    const faults: string[] = [];
    const once = async (i: number) => {
      const userId = users[i % users.length]!;
      if (i % 4 === 0)
        await expect(
          tenancy.inTenant(userId, async (models) => {
            const [phone] = await models.phones.list(page);
            // Kept by nobody, however it fails: a statement that cannot be, one that breaks a rule, and an error of our own.
            await models.phones.setName(phone!.id, 'half done');
            if (i % 12 === 0) await models.users.setRole(userId, 'nonsense' as 'user');
            else if (i % 12 === 4)
              await models.phones.create({ ...phone!, userId: userId + 1, token: Buffer.from([9]) });
            else throw new Error('ours');
          }),
        ).rejects.toThrow(/violates|ours/);
      else if (i % 4 === 1) {
        const all = await tenancy.inTenants(users, (models) => models.phones.list(page));
        if (all.length !== 6) faults.push(`all of them are ${all.length}`);
        faults.push(...all.filter(isHalfDone).map(({ id }) => `phone ${id} is half done`));
      } else {
        const all = await tenancy.inTenant(userId, (models) => models.phones.list(page));
        if (all.length !== 2 || owners(all).join() !== String(userId))
          faults.push(`${userId}: ${owners(all)}`);
      }
    };
    // Some at a time: each waits for the one connection, and not for longer than a request would.
    for (let first = 0; first < 300; first += 30)
      await Promise.all(Array.from({ length: 30 }, (_, i) => once(first + i)));
    expect(faults).toEqual([]);
    const left = await tenancy.inTenants(users, (models) => models.phones.list(page));
    expect(left.filter(isHalfDone)).toEqual([]);
  });

  it('between them callers who are limited to a phone › whoever comes next on the connection › is not', async () => {
    const all = await tenancy.inTenant(1, (models) => models.phones.list(page));
    const some = await limitedTo([all[0]!.id], () =>
      tenancy.inTenant(1, (models) => models.phones.list(page)),
    );
    expect(some.map(({ id }) => id)).toEqual([all[0]!.id]);
    const counts = await Promise.all(
      Array.from({ length: 60 }, (_, i) => {
        const ask = () =>
          tenancy[i % 4 < 2 ? 'inTenant' : 'reading'](1, (models) => models.phones.list(page));
        return i % 2 === 0 ? limitedTo([all[0]!.id], ask) : ask();
      }),
    );
    expect(counts.map((found) => found.length)).toEqual(counts.map((_, i) => (i % 2 === 0 ? 1 : 2)));
    expect(
      (await limitedTo([], () => tenancy.inTenant(1, (models) => models.phones.list(page)))).length,
    ).toBe(0);
  });

  it('outside of every transaction, or in nobody’s › no row is in reach', async () => {
    expect(await postgres.query(sql`select 1 from phone_numbers`)).toEqual([]);
    expect(await tenancy.inTenants([], (models) => models.phones.list(page))).toEqual([]);
  });
});
