import { readdirSync } from 'node:fs';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { fromBuffer, type Entry, type ZipFile } from 'yauzl';
import { EXPORTED, NOT_EXPORTED } from '../../src/services/export.js';
import { newAdmin } from '../support/admin.js';
import { client, newPhone, newUser, settled, type TestUser } from '../support/client.js';
import { startGateway, type TestGateway } from '../support/gateway.js';
import { startNodes, type TestNodes } from '../support/nodes.js';
import { placesOf as placesIn } from '../support/places.js';
import { until } from '../support/until.js';

/** Who is talked to: found nowhere but where they were written by this test. */
const CONTACT = '+628915550005';
const OTHER = '+628916660005';
const WORDS = 'The password is swordfish';

describe('the data of a user', () => {
  let nodes: TestNodes;
  let gateway: TestGateway;
  beforeAll(async () => {
    nodes = await startNodes(1);
    gateway = await startGateway({ env: { EVOLUTION_NODES: nodes.list(), ...nodes.store } });
  });
  afterAll(async () => {
    await gateway?.stop();
    await nodes?.stop();
  });

  const say = async (user: TestUser, phoneId: number, to: string, more = {}) => {
    const { body } = await user.api.post('/api/messages/send', { phoneId, to, message: WORDS, ...more });
    return settled(user, body.id, ['read']);
  };
  const hear = (phoneNumber: string, from: string) =>
    nodes.call('/sandbox/inbound', {
      method: 'POST',
      body: { to: phoneNumber.slice(1), from: from.slice(1), text: `heard from ${from}` },
    });
  const heard = (user: TestUser, chat: string) =>
    until('it is heard', async () => {
      const { data } = (await user.api.get('/api/messages?direction=in&limit=100')).body;
      return data.some(({ from }: any) => from === chat);
    });
  /** A user with a phone that has talked to two people, with a file. */
  const busyUser = async (contact = CONTACT) => {
    const user = await newUser(gateway.url);
    const phone = await newPhone(user, { webhookUrl: `${nodes.nodes[0]!.url}/nowhere` });
    const { body: media } = await user.api.post('/api/media', { media: 'aGVsbG8=' });
    await say(user, phone.id, contact);
    await say(user, phone.id, contact, { type: 'document', mediaId: media.id, message: undefined });
    await say(user, phone.id, OTHER);
    await hear(phone.phoneNumber, contact);
    await heard(user, contact);
    return { user, phone, media };
  };

  /** To our own database, beside the gateway. */
  const connected = async (): Promise<pg.Client> => {
    const { env } = gateway.database;
    const one = new pg.Client({
      host: env.DB_HOST,
      port: Number(env.DB_PORT),
      database: env.DB_NAME,
      user: env.DB_USER,
      password: env.DB_PASSWORD,
    });
    await one.connect();
    return one;
  };

  const exported = async (user: TestUser) => {
    expect((await user.api.post('/api/me/export')).status).toBe(202);
    return until('it is ready', async () => {
      const { body } = await user.api.get('/api/me/export');
      return body.status === 'ready' ? body : null;
    });
  };

  const placesOf = (text: string) => placesIn(text, { gateway, nodes });
  const countOf = async (userId: number) => {
    const tables = await gateway.database.queryAll<{ name: string }>(
      `select c.table_name as name from information_schema.columns c join information_schema.tables t using (table_schema, table_name)
        where c.table_schema = 'public' and c.column_name = 'user_id' and t.table_type = 'BASE TABLE'`,
    );
    const left: string[] = [];
    for (const { name } of tables) {
      const rows = await gateway.database.queryAll(`select 1 from "${name}" where user_id = ${userId}`);
      if (rows.length > 0) left.push(name);
    }
    return left;
  };

  async function unzip(bytes: Buffer): Promise<Map<string, string>> {
    const zip = (await promisify(fromBuffer as any)(bytes, { lazyEntries: true })) as ZipFile;
    const files = new Map<string, string>();
    const open = promisify(zip.openReadStream.bind(zip) as any) as (
      entry: Entry,
    ) => Promise<NodeJS.ReadableStream>;
    await new Promise<void>((resolve, reject) => {
      zip.on('entry', (entry: Entry) => {
        open(entry)
          .then(async (stream) => {
            let text = '';
            for await (const chunk of stream) text += chunk.toString();
            files.set(entry.fileName, text);
            zip.readEntry();
          })
          .catch(reject);
      });
      zip.on('end', resolve);
      zip.readEntry();
    });
    return files;
  }

  it('every table of tenants › is exported, or left out by name', async () => {
    const tables = await gateway.database.queryAll<{ name: string }>(`
      select distinct c.relname as name from pg_class c join pg_policy p on p.polrelid = c.oid where c.relkind = 'r'`);
    const known = new Set([...EXPORTED.map(({ name }) => name), ...NOT_EXPORTED]);
    expect(tables.map(({ name }) => name).filter((name) => !known.has(name))).toEqual([]);
    expect([...known].filter((name) => !tables.some((table) => table.name === name))).toEqual([]);
  });

  it('exported › loaded by its link › has what was said and the files, nothing of others, and no secret', async () => {
    const { user, phone, media } = await busyUser();
    const stranger = await newUser(gateway.url);
    const admin = await newAdmin(gateway);
    await admin.api.call('PATCH', `/api/admin/users/${user.id}`, { quotas: { phones: 5 } });
    await until(
      'it is in their audit',
      async () => (await user.api.get('/api/me/audit')).body.data[0].actorId === admin.id,
    );
    expect((await user.api.get('/api/me/export')).status).toBe(404);
    const [one, two] = await Promise.all([1, 2].map(() => user.api.post('/api/me/export')));
    expect([one!.status, two!.status, one!.body.id]).toEqual([202, 202, two!.body.id]);
    const ready = await until('it is ready', async () => {
      const { body } = await user.api.get('/api/me/export');
      return body.status === 'ready' ? body : null;
    });
    expect(ready.progress.done).toBe(ready.progress.total);
    const link = ready.url.replace(/^https?:\/\/[^/]+/, gateway.url);
    const answer = await fetch(link);
    const bytes = Buffer.from(await answer.arrayBuffer());
    expect([answer.status, bytes.length]).toEqual([200, ready.size]);
    const files = await unzip(bytes);
    const lines = (name: string) =>
      files
        .get(name)!
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line));
    expect(lines('messages.jsonl').map(({ content }) => content)).toContain(WORDS);
    expect(lines('phone_numbers.jsonl')).toMatchObject([{ id: phone.id, phone_number: phone.phoneNumber }]);
    expect(files.get([...files.keys()].find((name) => name.startsWith(`media/${media.id}`))!)).toBe('hello');
    const byAdmin = (line: any) => line.actor_id === admin.id;
    expect(lines('audit.jsonl').filter(byAdmin)).toEqual([
      expect.not.objectContaining({ ip: expect.anything() }),
    ]);
    expect(lines('audit.jsonl').find((line) => !byAdmin(line))).toMatchObject({ ip: expect.any(String) });
    const all = [...files.values()].join('\n');
    expect(all).not.toContain(stranger.email);
    for (const secret of [user.token, user.apiKey, phone.token, phone.webhookSecret!, user.password])
      expect(all).not.toContain(secret);
    expect(all).not.toMatch(/password_hash|jwt_secret|refresh_hash/);
    expect((await fetch(link.replace(/.$/, (last: string) => (last === 'A' ? 'B' : 'A')))).status).toBe(404);
    expect((await stranger.api.get('/api/me/export')).status).toBe(404);
  });

  const erased = async (user: TestUser, contact: string) => {
    const asked = await user.api.post('/api/erasures', { contact });
    expect([asked.status, asked.body]).toMatchObject([202, { status: 'pending', endedAt: null }]);
    return until('it is erased', async () => {
      const { body } = await user.api.get(`/api/erasures/${asked.body.id}`);
      return body.status === 'done' ? body : null;
    });
  };

  it('a contact erased › every table, file, the nodes’ database and keys searched › is nowhere; others are', async () => {
    const contact = '+628917770005';
    const { user, phone } = await busyUser(contact);
    const waiting = await user.api.post('/api/messages/send', {
      phoneId: phone.id,
      to: contact,
      message: 'later',
      sendAt: new Date(Date.now() + 3_600_000).toISOString(),
    });
    const { body: before } = await user.api.get('/api/events?after=0&limit=100');
    expect(await placesOf(contact.slice(1))).toEqual(
      expect.arrayContaining(['gateway messages', 'nodes Message']),
    );
    const done = await erased(user, contact);
    expect(done).toEqual({
      id: done.id,
      status: 'done',
      createdAt: done.createdAt,
      endedAt: expect.any(String),
    });
    expect(await placesOf(contact.slice(1))).toEqual([]);
    expect((await user.api.get(`/api/messages/${waiting.body.id}`)).status).toBe(404);
    const { body: after } = await user.api.get('/api/events?after=0&limit=100');
    expect(after.data.map((event: any) => event.sequence).slice(0, before.data.length)).toEqual(
      before.data.map((event: any) => event.sequence),
    );
    expect((await user.api.get(`/api/messages?chat=${encodeURIComponent(OTHER)}`)).body.data.length).toBe(1);
    const { data: audit } = (await user.api.get('/api/me/audit')).body;
    expect(audit).toContainEqual(
      expect.objectContaining({
        action: 'POST /api/erasures',
        target: String(done.id),
        fields: ['contact'],
        userId: user.id,
      }),
    );
    await say(user, phone.id, contact);
    expect((await erased(user, contact)).id).not.toBe(done.id);
  });

  it('regression › a phone of one’s own, or somebody else’s erasure › 422, 404, and nothing is lost', async () => {
    const { user, phone } = await busyUser();
    const { body } = await user.api.post('/api/erasures', { contact: phone.phoneNumber });
    expect([body.code, body.errors[0].pointer]).toEqual(['unprocessable', '/contact']);
    expect((await user.api.get(`/api/messages?phoneId=${phone.id}`)).body.data.length).toBe(4);
    const own = await erased(user, '+628917770099');
    const stranger = await newUser(gateway.url);
    expect((await stranger.api.get(`/api/erasures/${own.id}`)).status).toBe(404);
    const ofPhone = client(gateway.url, { apiKey: phone.token });
    expect((await ofPhone.post('/api/erasures', { contact: CONTACT })).status).toBe(403);
  });

  it('regression › a contact whose number begins as those of others do › erased › nothing of the others', async () => {
    const { user, phone } = await busyUser();
    const { body: before } = await user.api.get('/api/events?after=0&limit=100');
    // Shorter than the phone's number and than the contacts'.
    const places = await placesOf(CONTACT.slice(1));
    for (const number of [phone.phoneNumber, CONTACT, OTHER]) await erased(user, number.slice(0, -2));
    expect(await placesOf(CONTACT.slice(1))).toEqual(places);
    expect((await user.api.get('/api/events?after=0&limit=100')).body).toEqual(before);
  });

  it('regression › an export from before a contact was erased › is taken away; one on its way tells of nobody', async () => {
    const contact = '+628917770105';
    const { user } = await busyUser(contact);
    const link = (await exported(user)).url.replace(/^https?:\/\/[^/]+/, gateway.url);
    expect((await fetch(link)).status).toBe(200);
    // Holds up the next one where it has read the messages already.
    const holder = await connected();
    try {
      await holder.query('begin; lock table usage_days in access exclusive mode');
      const { body: begun } = await user.api.post('/api/me/export');
      await until('it has read the messages', async () => {
        const { progress } = (await user.api.get('/api/me/export')).body;
        return progress.done > EXPORTED.findIndex(({ name }) => name === 'messages');
      });
      await erased(user, contact);
      expect((await fetch(link)).status).toBe(404);
      await holder.query('rollback');
      const ready = await until('it is ready', async () => {
        const { body } = await user.api.get('/api/me/export');
        return body.status === 'ready' ? body : null;
      });
      expect(ready.id).not.toBe(begun.id);
      const answer = await fetch(ready.url.replace(/^https?:\/\/[^/]+/, gateway.url));
      const files = await unzip(Buffer.from(await answer.arrayBuffer()));
      expect(files.get('messages.jsonl')).toContain(OTHER);
      expect([...files.values()].join('\n')).not.toContain(contact.slice(1));
      const keep = await gateway.database.queryAll<{ key: string }>(
        `select storage_key as key from exports where user_id = ${user.id} union all
         select storage_key from media where user_id = ${user.id} and storage_key is not null`,
      );
      await until('no other file of theirs is left', () => {
        const there = readdirSync(gateway.folder, { recursive: true, encoding: 'utf8' });
        return there.filter((file) => file.endsWith(`.${user.id}`)).length === keep.length;
      });
    } finally {
      await holder.end();
    }
  });

  it('regression › exports that take long › an erasure does not wait for them', async () => {
    const users = await Promise.all([1, 2, 3].map(() => newUser(gateway.url)));
    const holder = await connected();
    try {
      await holder.query('begin; lock table moves in access exclusive mode');
      for (const { api } of users.slice(1)) await api.post('/api/me/export');
      await until('one is on its way', async () => {
        const rows = await gateway.database.queryAll(
          `select 1 from jobs where kind = 'export' and lease_id is not null`,
        );
        return rows.length > 0;
      });
      await erased(users[0]!, CONTACT);
      await holder.query('rollback');
      for (const { api } of users.slice(1))
        await until('it is ready', async () => (await api.get('/api/me/export')).body.status === 'ready');
    } finally {
      await holder.end();
    }
  });

  it('regression › an export that cannot be made › failed after some tries, and another can be asked for', async () => {
    const user = await newUser(gateway.url);
    const { queryAll } = gateway.database;
    await queryAll(`insert into lids (user_id, lid, number) values (${user.id}, '1', '+62')`);
    await queryAll(
      `create policy unreadable on lids as restrictive for select using (1 / (user_id - ${user.id}) is not null)`,
    );
    const { body: first } = await user.api.post('/api/me/export');
    const latest = async () => (await user.api.get('/api/me/export')).body;
    try {
      await until('it was tried', async () => {
        const rows = await queryAll(
          `update jobs set tries = 5, ready_at = now() where user_id = ${user.id} and tries = 1 and lease_id is null returning 1`,
        );
        return rows.length > 0;
      });
      await until('it has failed', async () => (await latest()).status === 'failed');
    } finally {
      await queryAll('drop policy unreadable on lids');
    }
    expect((await exported(user)).id).not.toBe(first.id);
    expect(await queryAll(`select 1 from exports where user_id = ${user.id}`)).toHaveLength(1);
  });

  it('the account removed › at once nothing of it is let in › then it is nowhere: tables, files, nodes, keys', async () => {
    const { user, phone } = await busyUser();
    const remove = (currentPassword: string) => user.api.call('DELETE', '/api/me', { currentPassword });
    expect((await remove('wrong')).body.errors[0].pointer).toBe('/currentPassword');
    expect((await remove(user.password)).status).toBe(202);
    expect((await user.api.get('/api/me')).status).toBe(401);
    const key = client(gateway.url, { apiKey: user.apiKey });
    await until('its keys are refused', async () => (await key.get('/api/phones')).status === 401);
    await until('its rows are gone', async () => (await countOf(user.id)).length === 0);
    await until('its name is nowhere', async () => (await placesOf(user.email)).length === 0);
    await until('its number is nowhere', async () => {
      // The world of the simulated WhatsApp is not ours.
      const places = await placesOf(phone.phoneNumber.slice(1));
      if (places.length > 0) throw new Error(places.join());
      return true;
    });
    const again = await client(gateway.url).post('/api/auth/register', {
      username: user.username,
      email: user.email,
      password: user.password,
    });
    expect(again.status).toBe(201);
  });

  it('the account removed while its node is away › its name is gone at once › the rest when the node is back', async () => {
    const { user, phone } = await busyUser();
    const admin = await newAdmin(gateway);
    await nodes.nodes[0]!.kill();
    expect((await user.api.call('DELETE', '/api/me', { currentPassword: user.password })).status).toBe(202);
    const enabling = await admin.api.call('PATCH', `/api/admin/users/${user.id}`, { isActive: true });
    expect(enabling.status).toBe(404);
    await until('its messages and its name are gone', async () => {
      const left = await countOf(user.id);
      const named = await gateway.database.queryAll('select 1 from users where email = $1', [user.email]);
      return named.length === 0 && !left.includes('messages') && !left.includes('events');
    });
    expect(await countOf(user.id)).toContain('left_placements');
    await nodes.nodes[0]!.start();
    await until('nothing is left', async () => (await countOf(user.id)).length === 0);
    await until('nor on the node', async () => (await placesOf(phone.phoneNumber.slice(1))).length === 0);
  });
});
