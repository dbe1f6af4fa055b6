import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createLogger } from '../../src/config/logger.js';
import { createPostgres, type Postgres } from '../../src/config/postgres.js';
import { sql, raw } from '../../src/utils/sql.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { isNothing, rowsWritten } from '../support/strange.js';

/** Tables without tenant rows: the pool of nodes, the ids of sealing keys, and the record of migrations. */
const SHARED = ['nodes', 'sealing_keys', 'migrations'];

/** Functions that run as the owner and work across tenants, by what makes that harmless. */
const ACROSS_TENANTS: Record<string, string[]> = {
  'claims, outside of every context: ids and times alone': [
    ...[
      'claim_bulks',
      'claim_checks',
      'claim_compares',
      'claim_deliveries',
      'claim_expired_lanes',
      'claim_jobs',
    ],
    ...['claim_lanes', 'claim_media', 'clear_heads', 'expired_heads', 'list_unnoted', 'list_user_ids'],
  ],
  'whoever holds a lease knows its secret name': [
    ...['finish_check', 'finish_compare', 'finish_job', 'lengthen_leases', 'renew_check', 'renew_job'],
  ],
  'from what is presented to whose it is': ['find_credential'],
  'for admins: ids and times alone': ['latest_audit', 'phone_owner', 'phones_of_node'],
  'the pool is nobody’s': ['ask_checks_of_node', 'node_leftovers', 'node_loads', 'keep_sealing_key'],
};

/** What a trigger alone writes, from a row of its user; and numbers that are taken, whose phone is looked up first. */
const LOOKED_UP = ['bulk_checks_bulk_id_fkey', 'paired_numbers_phone_id_fkey'];

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

  it('catalogue › every function that runs as the owner and may be called › asks for the context, or works across tenants by name', async () => {
    const trusting = await database.query<{ name: string }>(`
      select p.proname as name from pg_proc p
       where p.pronamespace = 'public'::regnamespace and p.prosecdef and p.prorettype <> 'trigger'::regtype
         and has_function_privilege('evolution_app', p.oid, 'execute') and p.prosrc not like '%app_user_ids()%'`);
    // Of one that was given another argument there are two, while processes of before may be at work.
    const names = [...new Set(trusting.map(({ name }) => name))];
    expect(names.sort()).toEqual(Object.values(ACROSS_TENANTS).flat().sort());
  });

  it('catalogue › every queue › refers to what it is about together with its user', async () => {
    const bare = await database.query<{ name: string }>(`
      select con.conname as name from pg_constraint con join pg_class child on child.oid = con.conrelid
        join pg_class parent on parent.oid = con.confrelid
       where con.contype = 'f' and parent.relrowsecurity and parent.relname <> 'users' and cardinality(con.conkey) = 1
         and exists (select from pg_attribute a where a.attrelid = child.oid and a.attname = 'user_id')`);
    expect(bare.map(({ name }) => name).sort()).toEqual(LOOKED_UP);
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

  describe('functions that run as the owner', () => {
    const [OWNER, OTHER] = [911, 912];
    const LEASE = '6f1a3f4e-0000-4000-8000-000000000001';
    let at: { phone: number; hook: number; file: number; queued: number; delivery: string };
    class Undone extends Error {}

    /** What a call answers and how many rows it writes in a user's context; undone. A string: how it was refused. */
    async function outcome(userId: number, text: string) {
      let found: { answer: unknown; written: number } | string | undefined;
      await postgres
        .transaction([userId], async (db) => {
          const before = await rowsWritten(db);
          const rows = await db.query<{ answer: unknown }>(sql`select ${raw(text)} as answer`);
          found = { answer: rows.map((row) => row.answer), written: (await rowsWritten(db)) - before };
          throw new Undone();
        })
        .catch((error: { code?: string }) => {
          if (!(error instanceof Undone)) found = String(error.code);
        });
      return found!;
    }

    beforeAll(async () => {
      for (const id of [OWNER, OTHER]) await insertUser(id);
      const one = async (text: ReturnType<typeof sql>) =>
        postgres.transaction([OWNER], async (db) => (await db.query<{ id: number }>(text))[0]!.id);
      const phone = await one(sql`
        insert into phone_numbers (user_id, phone_number, device_name, token)
        values (${OWNER}, '+628110000911', 'd', '\\x01') returning id`);
      const hook = await one(sql`
        insert into webhooks (user_id, url, secret) values (${OWNER}, 'https://x.example', 's') returning id`);
      const newFile = sql`
        insert into media (user_id, status, source, kind, url) values (${OWNER}, 'pending', 'link', 'image', 'https://x.example')
        returning id`;
      const [file, queued] = [await one(newFile), await one(newFile)];
      await postgres.transaction([OWNER], async (db) => {
        for (const text of [
          `open_lane(${OWNER}, ${phone}, true)`,
          `ask_check(${OWNER}, ${phone}, now())`,
          `note_opening(${OWNER}, ${phone}, '1 hour')`,
          `queue_media(${OWNER}, ${queued})`,
          `enqueue('{${OWNER}}', '{${phone}}', '{7}', '{1}', array[now()], '{1}', '{1}', array[now()], '{f}')`,
          `append_events('{${OWNER}}', '{evt_911}', '{message}', '{${phone}}', '{null}', '{"{}"}', now())`,
        ])
          await db.query(sql`select ${raw(text)}`);
      });
      await database.query(`update lanes set lease_id = '${LEASE}', in_doubt = true where user_id = ${OWNER};
        update media_queue set lease_id = '${LEASE}'; update delivery_queue set lease_id = '${LEASE}';`);
      const [{ delivery_id: delivery }] = (await database.query<{ delivery_id: string }>(
        'select delivery_id from delivery_queue',
      )) as [{ delivery_id: string }];
      at = { phone, hook, file, queued, delivery };
    });

    const NOTHING = { isNothing: true, written: 0 };
    const quiet = (found: Awaited<ReturnType<typeof outcome>>) =>
      typeof found === 'string' ? found : { isNothing: isNothing(found.answer), written: found.written };
    const CALLS: Record<string, () => string> = {
      open_lane: () => `open_lane(${OWNER}, ${at.phone}, false)`,
      pause_lane: () => `pause_lane(${OWNER}, ${at.phone}, true)`,
      pace_lane: () => `pace_lane(${OWNER}, ${at.phone}, '{"jitter": 1, "timezone": "Asia/Jakarta"}')`,
      clear_doubt: () => `clear_doubt(${OWNER}, ${at.phone})`,
      lane_in_doubt: () => `lane_in_doubt(${OWNER}, ${at.phone})`,
      rejoin_lane: () => `rejoin_lane(${OWNER}, ${at.phone}, 7, true)`,
      finish_lane: () => `finish_lane(${OWNER}, ${at.phone}, 7, '${LEASE}', '1 day', '1 day', true, false)`,
      enqueue: () =>
        `enqueue('{${OWNER}}', '{${at.phone}}', '{8}', '{2}', array[now()], '{2}', '{1}', array[now()], '{f}')`,
      note_turns: () => `note_turns('{${OWNER}}')`,
      ask_check: () => `ask_check(${OWNER}, ${at.phone}, '-infinity')`,
      place_check: () => `place_check(${OWNER}, ${at.phone}, null)`,
      note_opening: () => `note_opening(${OWNER}, ${at.phone}, '1 second')`,
      take_number: () => `take_number(${OWNER}, ${at.phone})`,
      queue_media: () => `queue_media(${OWNER}, ${at.file})`,
      finish_media: () => `finish_media(${OWNER}, ${at.queued}, '${LEASE}', null)`,
      order_webhook: () => `order_webhook(${OWNER}, ${at.hook}, true)`,
      unqueue_webhook: () => `unqueue_webhook(${OWNER}, ${at.hook})`,
      finish_deliveries: () =>
        `finish_deliveries('{${OWNER}}', '{${at.delivery}}', '{${LEASE}}', array[null::timestamptz])`,
      add_job: () => `add_job(${OWNER}, 'export', 1)`,
    };
    it.each(Object.keys(CALLS))('%s › told of a user who is not in context › does nothing', async (name) => {
      const call = CALLS[name]!();
      const strange = await outcome(OTHER, call);
      if (typeof strange === 'string') expect(strange).toBe('42501');
      else expect(quiet(strange)).toEqual(NOTHING);
      const own = await outcome(OWNER, call);
      expect(quiet(own)).toEqual(expect.objectContaining({ written: expect.any(Number) }));
      expect(quiet(own)).not.toEqual(NOTHING);
    });

    it('queue_deliveries, advance_chat › told of a user who is not in context › is refused', async () => {
      const queue = (text: string) => outcome(OTHER, text);
      expect(await queue(`queue_deliveries('{${OWNER}}', '{x}', '{${at.hook}}', '{1}')`)).toBe('42501');
      expect(await queue(`advance_chat(${OWNER}, ${at.phone}, 7, null)`)).toBe('42501');
    });

    it('a user in context › told of with a phone, a webhook or a file of another › is refused, or nothing happens', async () => {
      const mixed = (name: string) => outcome(OTHER, CALLS[name]!().replaceAll(String(OWNER), String(OTHER)));
      for (const name of ['enqueue', 'queue_media']) expect(await mixed(name)).toBe('23503');
      for (const name of [
        'open_lane',
        'pause_lane',
        'ask_check',
        'note_opening',
        'order_webhook',
        'finish_lane',
      ])
        expect(quiet(await mixed(name))).toEqual(NOTHING);
    });
  });
});
