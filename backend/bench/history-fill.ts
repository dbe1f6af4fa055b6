import pg from 'pg';

/**
 * Fills a migrated database with the messages of one user: 1000 phones, a chat for each 100 messages, times over the last
 * 100 days, eight words a message of a vocabulary in which the n-th word is about n times as rare as the first. Seldom:
 * one message in 100 000 is a location, one in 200 000 is in doubt, one in 2 000 000 has the word `needle`.
 */
export async function fill(url: string, userId: number, rows: number): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const query = (text: string) => client.query<Record<string, string>>(text);
    // What triggers and references would do row by row is done below for all rows at once, and indexes are built last.
    await query(
      `set session_replication_role = replica; set maintenance_work_mem = '512MB'; set synchronous_commit = off`,
    );
    const indexes = await query(`
      select c.relname as name, pg_get_indexdef(i.indexrelid) as definition from pg_index i join pg_class c on c.oid = i.indexrelid
       where i.indrelid in ('messages'::regclass, 'message_words'::regclass, 'chats'::regclass)
         and not exists (select 1 from pg_constraint k where k.conindid = i.indexrelid)`);
    for (const { name } of indexes.rows) await query(`drop index ${name}`);
    await query(`
      insert into phone_numbers (user_id, phone_number, device_name, token)
      select ${userId}, '+62812' || lpad(n::text, 7, '0'), 'bench', int4send(n) from generate_series(1, 1000) n`);
    const [first] = (await query(`select min(id) as id from phone_numbers where user_id = ${userId}`)).rows;
    const from = Number(first!['id']);
    const chats = Math.max(1, Math.floor(rows / 100));
    for (let done = 0; done < rows; done += STEP)
      await query(
        insertMessages({ userId, phone: from, chats, rows, from: done + 1, to: Math.min(done + STEP, rows) }),
      );
    await query(`select setval('messages_id_seq', ${rows})`);
    await query(`
      insert into chats (user_id, phone_id, chat, last_message_id, last_at, unread)
      select distinct on (phone_number_id, chat) user_id, phone_number_id, chat, id, created_at, id % 3
        from messages order by phone_number_id, chat, created_at desc, id desc`);
    await query(`
      insert into message_words (message_id, user_id, words)
      select id, user_id, (select array_agg(distinct hashtextextended(w, ${userId})) from unnest(string_to_array(content, ' ')) w)
        from messages`);
    for (const { definition } of indexes.rows) await query(definition!);
    for (const table of ['messages', 'message_words', 'chats', 'phone_numbers'])
      await query(`vacuum analyze ${table}`);
    await query('checkpoint');
  } finally {
    await client.end();
  }
}

const STEP = 500_000;

/** `hash` makes the same rows each time. A chat belongs to one phone. */
const insertMessages = (of: {
  userId: number;
  phone: number;
  chats: number;
  rows: number;
  from: number;
  to: number;
}): string => `
  insert into messages (id, user_id, phone_number_id, direction, source, message_id, chat, from_number, to_number, type, content,
                        status, sequence, due_at, created_at, updated_at)
  select n, ${of.userId}, ${of.phone} + c % 1000, d, case d when 'in' then 'contact' else 'api' end, 'WA' || n,
         '+62898' || lpad(c::text, 7, '0'), '+62812', '+62898',
         case when n % 100000 = 7 then 'location' when n % 12 = 0 then 'image' else 'text' end,
         (select string_agg('word' || floor(exp(abs(hashint8(n * 8 + k)) / 2147483648.0 * ln(50000)))::int, ' ')
            from generate_series(1, 8) k) || case when n % 2000000 = 1000 then ' needle' else '' end,
         case when d = 'in' then 'received' when n % 200000 = 11 then 'unknown' when n % 97 = 0 then 'failed'
              when n % 5 < 2 then 'read' when n % 5 < 4 then 'delivered' else 'sent' end,
         n, t, t, t
    from generate_series(${of.from}::bigint, ${of.to}) n,
         lateral (select abs(hashint8(n)) % ${of.chats} as c, case when hashint8(n + 1) % 5 in (0, 1) then 'in' else 'out' end as d,
                         now() - (${of.rows} - n) * (interval '100 days' / ${of.rows}) as t) x`;
