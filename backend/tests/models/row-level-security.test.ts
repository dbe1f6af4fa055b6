import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createLogger } from '../../src/config/logger.js';
import { createPostgres, type Postgres } from '../../src/config/postgres.js';
import { sql, raw } from '../../src/utils/sql.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';

/** Tables without tenant rows: the pool of nodes, the ids of sealing keys, and the record of migrations. */
const SHARED = ['nodes', 'sealing_keys', 'migrations'];

describe('row-level security', () => {
  let database: TestDatabase;
  let postgres: Postgres;
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
  });
  afterAll(async () => {
    await postgres?.close();
    await database?.drop();
  });

  it('catalogue › every table › has a forced policy, or no grant to the application', async () => {
    const tables = await database.query<{
      name: string;
      forced: boolean;
      policies: number;
      granted: boolean;
    }>(`
      select c.relname as name, c.relrowsecurity and c.relforcerowsecurity as forced,
             (select count(*)::int from pg_policy p where p.polrelid = c.oid) as policies,
             has_any_column_privilege('evolution_app', c.oid, 'select, insert, update')
               or has_table_privilege('evolution_app', c.oid, 'delete') as granted
        from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')`);
    expect(tables.length).toBeGreaterThan(15);
    const open = tables.filter((t) => t.granted && !SHARED.includes(t.name) && !(t.forced && t.policies > 0));
    expect(open).toEqual([]);
    expect(tables.filter((t) => t.granted).length).toBeGreaterThan(10);
  });

  it('catalogue › every table that knows a phone › is closed to callers who are limited to others', async () => {
    const open = await database.query<{ name: string }>(`
      select c.relname as name from pg_class c
       where c.relnamespace = 'public'::regnamespace and c.relrowsecurity
         and (c.relname in ('api_keys', 'sessions', 'mail_tokens', 'recovery_codes', 'deliveries', 'attempts', 'media', 'bulks',
                            'message_timeline', 'phone_numbers')
              or exists (select 1 from pg_attribute a where a.attrelid = c.oid and a.attname in ('phone_id', 'phone_number_id')))
         and not exists (select 1 from pg_policy p where p.polrelid = c.oid and not p.polpermissive)`);
    expect(open).toEqual([]);
  });

  it('catalogue › every function that runs as the owner › has a fixed search path and no grant to the public', async () => {
    const functions = await database.query<{ name: string; path: string | null; open: boolean }>(`
      select p.proname as name, array_to_string(p.proconfig, ',') as path,
             has_function_privilege('public', p.oid, 'execute') as open
        from pg_proc p where p.pronamespace = 'public'::regnamespace and p.prosecdef`);
    expect(functions.length).toBeGreaterThan(10);
    expect(functions.filter((f) => !f.path?.includes('search_path') || f.open)).toEqual([]);
  });

  it('catalogue › every reference between tenants’ tables › carries the user, so that none can name another’s row', async () => {
    const bare = await database.query<{ name: string }>(`
      select con.conname as name from pg_constraint con
        join pg_class child on child.oid = con.conrelid join pg_class parent on parent.oid = con.confrelid
       where con.contype = 'f' and child.relrowsecurity and parent.relrowsecurity and parent.relname <> 'users'
         and not exists (select 1 from unnest(con.conkey) k join pg_attribute a on a.attrelid = con.conrelid and a.attnum = k
                          where a.attname = 'user_id')`);
    expect(bare).toEqual([]);
  });

  const insertUser = (id: number) =>
    postgres.transaction([id], (db) =>
      db.query(sql`
        insert into users (id, username, email, password_hash, api_key, jwt_secret)
        values (${id}, ${`u${id}`}, ${`u${id}@x.y`}, 'h', ${Buffer.from([id])}, 's')`),
    );

  it('the application’s role › owns nothing, bypasses nothing › and is what the pool runs as', async () => {
    const [role] = await postgres.query<Record<string, unknown>>(sql`
      select current_user as name, rolsuper as super, rolbypassrls as bypass from pg_roles where rolname = current_user`);
    expect(role).toEqual({ name: 'evolution_app', super: false, bypass: false });
  });

  it('rows › in another tenant’s context, or in none › are not there, and cannot be written', async () => {
    await insertUser(901);
    await insertUser(902);
    const seen = (ids: number[]) =>
      postgres.transaction(ids, (db) => db.query<{ id: number }>(sql`select id from users order by id`));
    expect((await seen([901])).map((row) => row.id)).toEqual([901]);
    expect((await seen([901, 902])).map((row) => row.id)).toEqual([901, 902]);
    expect(await postgres.query(sql`select id from users`)).toEqual([]);
    const foreign = postgres.transaction([901], (db) =>
      db.query(sql`insert into api_keys (id, user_id, name, hash) values ('key_x', 902, 'x', '\\x01')`),
    );
    await expect(foreign).rejects.toMatchObject({ code: '42501' });
    expect(
      await postgres.transaction([901], (db) =>
        db.query(sql`update users set username = 'stolen' where id = 902 returning id`),
      ),
    ).toEqual([]);
  });

  it('the door for lists › used to write › writes nothing, also where no replica is behind it', async () => {
    await insertUser(903);
    const read = <T>(ids: number[], text: ReturnType<typeof sql>) =>
      postgres.read(ids, (db) => db.query<T>(text));
    expect(await read([903], sql`select id from users`)).toEqual([{ id: 903 }]);
    expect(await read([904], sql`select id from users`)).toEqual([]);
    await expect(read([903], sql`update users set username = 'written' where id = 903`)).rejects.toThrow();
    expect(await read([903], sql`select username from users`)).toEqual([{ username: 'u903' }]);
  });

  it.each(['lanes', 'chat_heads', 'turns', 'credentials', 'delivery_queue', 'webhook_lanes', 'phone_checks'])(
    'table %s › asked by the application › is refused',
    async (table) => {
      await expect(postgres.query(sql`select * from ${raw(table)}`)).rejects.toMatchObject({ code: '42501' });
    },
  );

  it('context › after its transaction › is gone from the connection', async () => {
    await postgres.transaction([901], async () => undefined);
    const [row] = await postgres.query<{ ids: string | null }>(
      sql`select nullif(current_setting('app.user_ids', true), '') as ids`,
    );
    expect(row!.ids).toBeNull();
  });
});
