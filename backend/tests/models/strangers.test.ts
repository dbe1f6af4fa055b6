import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { createLogger } from '../../src/config/logger.js';
import { createPostgres, type Db, type Postgres } from '../../src/config/postgres.js';
import { createTenancy, MODELS, type Models, type Tenancy } from '../../src/models/index.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { watchModels } from '../support/strange.js';
import { unwatched } from '../support/unwatched.js';

/** What the watch over models (`support/strange.ts`) notices, in a database whose walls have holes. */
describe('the stranger before each call of a model', () => {
  let database: TestDatabase;
  let postgres: Postgres;
  let tenancy: Tenancy;
  let phoneId: number;
  let bulkId: number;
  const OWNER = 1;
  const notes: string[] = [];
  const methods = Object.entries(MODELS).flatMap(([model, make]) =>
    Object.keys(make({} as Db)).map((method) => `${model}.${method}`),
  );

  beforeAll(async () => {
    watchModels((word, text) => notes.push(`${word} ${text}`));
    database = await createTestDatabase();
    const { DB_HOST, DB_PORT, DB_NAME, DB_USER, DB_PASSWORD } = database.env;
    const at = { host: DB_HOST, port: Number(DB_PORT), database: DB_NAME };
    postgres = createPostgres(
      { ...at, user: DB_USER, password: DB_PASSWORD, poolSize: 1 },
      createLogger({ level: 'error', silent: true }),
    );
    tenancy = createTenancy(postgres);
    await own(({ users }) =>
      users.create({
        id: OWNER,
        username: 'owner',
        email: 'owner@x.y',
        passwordHash: 'h',
        apiKeyHash: Buffer.from([1]),
        jwtSecret: 's',
      }),
    );
    const phone = { userId: OWNER, phoneNumber: '+62811', deviceName: 'd', webhookUrl: null };
    phoneId = (await own(({ phones }) => phones.create({ ...phone, token: Buffer.from([1]) })))!.id;
    await own(({ lanes }) => lanes.setOpen(OWNER, phoneId, true));
    bulkId = (await own(({ bulks }) => bulks.create({ userId: OWNER, name: 'mine', total: 1 }))).id;
  });
  beforeEach(() => {
    notes.length = 0;
  });
  afterAll(async () => {
    await postgres?.close();
    await database?.drop();
  });
  const own = <T>(work: (models: Models) => Promise<T>): Promise<T> => tenancy.inTenant(OWNER, work);

  it('walls that are whole › rows are read and written › every method that had an effect is noted, and no fault', async () => {
    expect((await own(({ bulks }) => bulks.find(bulkId)))?.name).toBe('mine');
    expect(await own(({ users }) => users.setName(OWNER, 'renamed'))).toBe(true);
    await own(({ bulks }) => bulks.setCancelled(-1));
    expect(notes).toEqual(['done model bulks.find', 'done model users.setName']);
  });

  it('a ledger that is empty › its bounds, which are those of nobody’s › are no fault', async () => {
    expect(await own(({ events }) => events.bounds(OWNER))).toEqual({ oldest: 1, last: 0 });
    expect(notes.filter((note) => note.startsWith('fault'))).toEqual([]);
  });

  it('a table whose rows anybody may read › one is read › the caller fails, and the run is told', async () => {
    await database.query('create policy everybody on bulks for select using (true)');
    const reading = own(({ bulks }) => bulks.find(bulkId));
    await expect(reading).rejects.toThrow(/^bulks\.find: a stranger was told .*"mine"/);
    expect(notes).toEqual([expect.stringMatching(/^fault model bulks\.find: a stranger was told/)]);
    await database.query('drop policy everybody on bulks');
  });

  it('a table whose rows anybody may write › one is written › the caller fails, and nothing was written', async () => {
    await database.query('create policy everybody on bulks using (true)');
    const writing = own(({ bulks }) => bulks.setCancelled(bulkId));
    await expect(writing).rejects.toThrow('bulks.setCancelled: a stranger wrote 1 rows');
    await database.query('drop policy everybody on bulks');
    expect((await own(({ bulks }) => bulks.find(bulkId)))?.cancelledAt).toBeNull();
  });

  it('a function that believes who calls it › told of a user › the caller fails', async () => {
    await database.query(`create or replace function pause_lane(p_user bigint, p_phone bigint, p_paused boolean) returns void
      language sql security definer set search_path = public, pg_temp as
      'update lanes set is_paused = p_paused where phone_id = p_phone and user_id = p_user'`);
    const pausing = own(({ lanes }) => lanes.setPaused(OWNER, phoneId, true));
    await expect(pausing).rejects.toThrow('lanes.setPaused: a stranger wrote 1 rows');
  });

  it('a statement that failed › what is asked after it › fails as it does without a stranger', async () => {
    const codes: unknown[] = [];
    const note = ({ code }: { code?: unknown }) => void codes.push(code);
    const failing = own(async ({ users }) => {
      await users.setRole(OWNER, 'nonsense' as 'user').catch(note);
      await users.find(OWNER).catch(note);
      throw new Error('ours');
    });
    await expect(failing).rejects.toThrow('ours');
    expect(codes).toEqual(['23514', '25P02']);
  });

  it('several asked at once › the first fails › the others are not asked in whatever comes next on the connection', async () => {
    const failing = own(({ users }) =>
      Promise.all([users.setRole(OWNER, 'nonsense' as 'user'), users.setActive(OWNER, false)]),
    );
    const next = Promise.all([failing.catch((error: unknown) => error), own(({ users }) => users.list())]);
    const [error, list] = await next;
    expect(error).toMatchObject({ code: '23514' });
    expect(list.map(({ isActive }) => isActive)).toEqual([true]);
    expect((await own(({ users }) => users.find(OWNER)))?.isActive).toBe(true);
  });

  it('a door through which nothing is written › used to write › refuses it, and still reads', async () => {
    const writing = tenancy.reading(OWNER, ({ users }) => users.setActive(OWNER, false));
    await expect(writing).rejects.toMatchObject({ code: 'unavailable' });
    expect(await tenancy.reading(OWNER, ({ users }) => users.list())).toHaveLength(1);
  });

  it('methods on which no stranger is tried › each of the list › is one that there is', () => {
    expect(unwatched.filter((name) => !methods.includes(name))).toEqual([]);
  });
});
