import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import pg from 'pg';
import { newPhone, newUser, settled, type TestUser } from '../support/client.js';
import { form, pdf, postForm } from '../support/files.js';
import { startGateway, type TestGateway } from '../support/gateway.js';
import { startNodes, type TestNodes } from '../support/nodes.js';
import { placesOf as placesIn } from '../support/places.js';
import { startReceiver } from '../support/receiver.js';
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.js';
import { until } from '../support/until.js';

const OTHER = '+628916660005';

describe('a contact erased', () => {
  let nodes: TestNodes;
  let gateway: TestGateway;
  /** To the nodes' database. */
  let proxy: TcpProxy;
  beforeAll(async () => {
    nodes = await startNodes(1);
    const url = new URL(nodes.store.EVOLUTION_DATABASE_URL);
    proxy = await startTcpProxy({ host: url.hostname, port: Number(url.port) });
    url.hostname = '127.0.0.1';
    url.port = String(proxy.port);
    gateway = await startGateway({
      env: { EVOLUTION_NODES: nodes.list(), ...nodes.store, EVOLUTION_DATABASE_URL: url.href },
    });
  });
  afterAll(async () => {
    await gateway?.stop();
    await nodes?.stop();
    await proxy?.stop();
  });

  const placesOf = (text: string) => placesIn(text, { gateway, nodes });
  /** Of our own database, beside the gateway. */
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
  const say = async (user: TestUser, phoneId: number, to: string, more = {}) => {
    const { body } = await user.api.post('/api/messages/send', {
      phoneId,
      to,
      message: 'swordfish',
      ...more,
    });
    return settled(user, body.id, ['read']);
  };
  const hear = (phoneNumber: string, from: string, more = {}) =>
    nodes.call('/sandbox/inbound', {
      method: 'POST',
      body: { to: phoneNumber.slice(1), from: from.slice(1), text: 'heard', ...more },
    });
  /** The newest, when there are so many. */
  const heard = (user: TestUser, count = 1) =>
    until('it is heard', async () => {
      const { data } = (await user.api.get('/api/messages?direction=in&limit=100')).body;
      return data.length >= count ? data[0] : null;
    });
  const ask = async (user: TestUser, contact: string): Promise<number> => {
    const asked = await user.api.post('/api/erasures', { contact });
    expect(asked.status).toBe(202);
    return asked.body.id;
  };
  const done = (user: TestUser, id: number) =>
    until('it is done', async () => (await user.api.get(`/api/erasures/${id}`)).body.status === 'done');
  const erased = async (user: TestUser, contact: string) => done(user, await ask(user, contact));

  it('regression › the nodes’ database is away › not done until it is back and nothing is left there', async () => {
    const contact = '+628910010005';
    const user = await newUser(gateway.url);
    const phone = await newPhone(user);
    await hear(phone.phoneNumber, contact);
    await heard(user);
    proxy.cut();
    const id = await ask(user, contact);
    try {
      await until('all of ours was erased', async () => {
        const jobs = await gateway.database.queryAll<{ waits: boolean }>(
          `select lease_id is null and ready_at > now() + interval '2 seconds' as waits from jobs where user_id = ${user.id}`,
        );
        return jobs[0]?.waits === true;
      });
      expect((await user.api.get(`/api/erasures/${id}`)).body.status).toBe('pending');
      expect((await user.api.get('/api/messages')).body.data).toEqual([]);
    } finally {
      proxy.mend();
    }
    await done(user, id);
    expect(await placesOf(contact.slice(1))).toEqual([]);
  });

  it('regression › a number that nodes spell otherwise › erased by either spelling › nowhere, and not met again', async () => {
    const user = await newUser(gateway.url);
    const phone = await newPhone(user);
    const spellings = ['+525512340015', '+5215512340015'];
    for (const spelling of spellings) {
      const before = (await user.api.get('/api/messages?direction=in')).body.data.length;
      await hear(phone.phoneNumber, spellings[1]!, { pushName: 'Maria', addressing: 'pn-only' });
      expect((await heard(user, before + 1)).from).toBe(spellings[0]);
      await erased(user, spelling);
      expect(await placesOf(spellings[0]!.slice(3))).toEqual([]);
    }
    await gateway.database.queryAll(`update phone_numbers set people_at = null where id = ${phone.id}`);
    expect((await user.api.get(`/api/phones/${phone.id}/contacts`)).body.data).toEqual([]);
    await until('the node was asked', async () => {
      const [row] = await gateway.database.queryAll<{ at: Date | null }>(
        `select people_at as at from phone_numbers where id = ${phone.id}`,
      );
      return row?.at;
    });
    expect((await user.api.get(`/api/phones/${phone.id}/contacts`)).body.data).toEqual([]);
  });

  it('regression › named, quoted and shown to others › erased › what others said is there, and names nobody', async () => {
    const contact = '+628910180005';
    const bare = contact.slice(1);
    const jid = `${bare}@s.whatsapp.net`;
    const user = await newUser(gateway.url);
    const phone = await newPhone(user);
    await say(user, phone.id, OTHER, {
      type: 'contact',
      message: undefined,
      contacts: [
        { name: 'Budi', phoneNumber: contact },
        { name: 'Sari', phoneNumber: '+628910180006' },
      ],
    });
    const { id: group } = await hear(phone.phoneNumber, contact, { type: 'group', text: 'Theirs' });
    await hear(phone.phoneNumber, contact, { group, text: 'in theirs' });
    const target = await heard(user);
    const contextInfo = {
      stanzaId: target.whatsappId,
      participant: jid,
      quotedMessage: { conversation: 'in theirs' },
      mentionedJid: [jid],
    };
    await hear(phone.phoneNumber, OTHER, {
      group,
      text: 'I quote',
      message: { extendedTextMessage: { text: `I quote @${bare}, twice`, contextInfo } },
    });
    await heard(user, 2);
    const redis = new Redis(nodes.store.EVOLUTION_REDIS_URL);
    const [placement] = await gateway.database.queryAll<{ id: string }>(
      `select id from placements where phone_id = ${phone.id}`,
    );
    const pool = new pg.Pool({ connectionString: nodes.store.EVOLUTION_DATABASE_URL, max: 1 });
    const { rows } = await pool.query('select id from "Instance" where name = $1', [placement!.id]);
    await pool.end();
    const [key] = await redis.keys(`*instance:${rows[0].id}`);
    await redis.hset(key!, `sender-key-memory-${group}`, JSON.stringify({ [jid]: true }));
    await redis.hset(key!, 'lid-mapping-998877665544332_reverse', JSON.stringify(bare));
    redis.disconnect();
    await erased(user, contact);
    expect(await placesOf(bare)).toEqual([]);
    const { data } = (await user.api.get('/api/messages?limit=100')).body;
    expect(data.map(({ message, contacts, mentions }: any) => ({ message, contacts, mentions }))).toEqual([
      { message: 'I quote @, twice' },
      { message: null, contacts: [expect.objectContaining({ name: 'Sari' })] },
    ]);
  });

  it('regression › a number that is also the id of a message › erased › nothing of the message', async () => {
    const user = await newUser(gateway.url);
    const phone = await newPhone(user);
    await gateway.database.queryAll(`select setval('messages_id_seq', 44779990)`);
    const message = await say(user, phone.id, OTHER);
    const events = async () => (await user.api.get('/api/events?after=0&limit=100')).body.data;
    await until('its read is told', async () => (await events()).at(-1).data.status === 'read');
    const before = await events();
    await erased(user, `+${message.id}`);
    expect(await events()).toEqual(before);
  });

  it('regression › a bulk, and a key that names the contact › asked for again after it › nothing is sent twice', async () => {
    const contact = '+628910020005';
    const user = await newUser(gateway.url);
    const phone = await newPhone(user);
    const messages = [contact, OTHER].map((to) => ({ phoneId: phone.id, to, message: 'bulk' }));
    const single = { phoneId: phone.id, to: contact, message: 'single' };
    const other = { phoneId: phone.id, to: OTHER, message: 'other' };
    const keyed = (name: string) => ({ 'idempotency-key': name });
    const [hello, about] = [`hello-${contact.slice(1)}`, `about-${contact.slice(1)}`];
    const bulk = () => user.api.post('/api/messages/bulk', { messages }, keyed('bulk-1'));
    const send = (body: object, name: string) => user.api.post('/api/messages/send', body, keyed(name));
    expect((await bulk()).status).toBe(202);
    const { body: first } = await send(single, hello);
    const { body: second } = await send(other, about);
    for (const { id } of [first, second]) await settled(user, id, ['read']);
    const count = async () => (await user.api.get('/api/messages?limit=100')).body.data.length;
    await until(
      'all went out',
      async () => (await user.api.get('/api/messages?status=read')).body.data.length === 4,
    );
    await erased(user, contact);
    expect(await placesOf(contact.slice(1))).toEqual([]);
    expect(await count()).toBe(2);
    const [again, alone, same] = [await bulk(), await send(single, hello), await send(other, about)];
    expect([again.body.code, alone.body.code]).toEqual(['idempotency_mismatch', 'idempotency_mismatch']);
    expect([same.status, same.body.id]).toEqual([202, second.id]);
    expect(await count()).toBe(2);
  });

  it('regression › a group in which they spoke last › erased › listed by what stays, and what is unread counted', async () => {
    const contact = '+628910030005';
    const user = await newUser(gateway.url);
    const phone = await newPhone(user);
    const { id } = await hear(phone.phoneNumber, contact, { type: 'group', text: 'Friends' });
    await hear(phone.phoneNumber, OTHER, { group: id, text: 'first' });
    const first = await heard(user);
    await hear(phone.phoneNumber, contact, { group: id, text: 'last' });
    await heard(user, 2);
    const { id: gone } = await hear(phone.phoneNumber, contact, { type: 'group', text: 'Theirs alone' });
    await hear(phone.phoneNumber, contact, { group: gone, text: 'alone' });
    await heard(user, 3);
    const chats = async () => (await user.api.get(`/api/phones/${phone.id}/chats`)).body.data;
    expect((await chats()).length).toBe(2);
    await erased(user, contact);
    expect(await chats()).toEqual([
      expect.objectContaining({ unread: 1, lastMessage: expect.objectContaining({ id: first.id }) }),
    ]);
  });

  it('regression › a file that is taken for another message just then, or was uploaded › erased › the file stays', async () => {
    const contact = '+628910050005';
    const user = await newUser(gateway.url);
    const phone = await newPhone(user);
    const { body: brochure } = await user.api.post('/api/media', { media: 'aGVsbG8=' });
    const file = form({}, { bytes: pdf(), name: 'own.pdf', type: 'application/pdf' });
    const uploaded = await postForm(`${gateway.url}/api/media`, user, file);
    for (const mediaId of [brochure.id, uploaded.body.id])
      await say(user, phone.id, contact, { type: 'document', mediaId, message: undefined });
    const other = await connected();
    await other.query(`begin; select set_config('app.user_ids', '{${user.id}}', true)`);
    await other.query(`select 1 from media where id = ${brochure.id} for share`);
    const id = await ask(user, contact);
    await until('it waits', async () => {
      const rows = await gateway.database.queryAll(
        `select 1 from pg_stat_activity where wait_event_type = 'Lock' and query like '%from media%'`,
      );
      return rows.length > 0;
    });
    await other.query(`
      insert into messages (user_id, phone_number_id, direction, source, chat, from_number, to_number, type, status, sequence, due_at, send_at, media_id)
      values (${user.id}, ${phone.id}, 'out', 'api', '${OTHER}', '${phone.phoneNumber}', '${OTHER}', 'document', 'scheduled', 999999,
              now() + interval '1 hour', now() + interval '1 hour', ${brochure.id})`);
    await other.query('commit');
    await other.end();
    await done(user, id);
    const { data } = (await user.api.get('/api/messages')).body;
    expect(data.map(({ media }: any) => media.id)).toEqual([brochure.id]);
    const files = await gateway.database.queryAll(`select 1 from media where user_id = ${user.id}`);
    expect(files).toHaveLength(2);
  });

  it('regression › the number of a phone that one had before › erased › what it said to others stays', async () => {
    const user = await newUser(gateway.url);
    const phone = await newPhone(user);
    const kept = await say(user, phone.id, OTHER);
    expect((await user.api.call('DELETE', `/api/phones/${phone.id}`)).status).toBe(204);
    await erased(user, phone.phoneNumber);
    expect((await user.api.get(`/api/messages/${kept.id}`)).status).toBe(200);
  });

  it('regression › asked for again while it runs › not done before what came meanwhile is erased too', async () => {
    const contact = '+628910060005';
    const user = await newUser(gateway.url);
    const phone = await newPhone(user);
    await say(user, phone.id, contact);
    const holder = await connected();
    const said = async () => (await user.api.get('/api/messages')).body.data.length;
    try {
      await holder.query('begin; lock table number_checks in access exclusive mode');
      const first = await ask(user, contact);
      await until('the messages are gone', async () => (await said()) === 0);
      await until('it waits', async () => {
        const rows = await gateway.database.queryAll(
          `select 1 from pg_stat_activity where wait_event_type = 'Lock' and query like '%number_checks%'`,
        );
        return rows.length > 0;
      });
      await hear(phone.phoneNumber, contact);
      await heard(user);
      expect(await ask(user, contact)).toBe(first);
      await holder.query('rollback');
      await done(user, first);
    } finally {
      await holder.end();
    }
    expect(await said()).toBe(0);
    expect(await placesOf(contact.slice(1))).toEqual([]);
  });

  it('regression › a receiver that answers with what it was told › erased before it answers › not kept', async () => {
    const contact = '+628910070005';
    const user = await newUser(gateway.url);
    let answer = () => undefined as void;
    const gate = new Promise<void>((resolve) => (answer = resolve));
    const receiver = await startReceiver((_request, response, got) => {
      if (!got.text.includes(contact)) response.writeHead(204).end();
      else void gate.then(() => response.writeHead(200).end(`got ${got.text}`));
    });
    const phone = await newPhone(user, { webhookUrl: receiver.url });
    await hear(phone.phoneNumber, contact);
    await until('it was told', () => receiver.all.some(({ text }) => text.includes(contact)));
    await erased(user, contact);
    answer();
    await until('its answer is known', async () => {
      const rows = await gateway.database.queryAll(
        `select 1 from attempts where user_id = ${user.id} and status_code = 200`,
      );
      return rows.length > 0;
    });
    expect(await placesOf(contact.slice(1))).toEqual([]);
    await receiver.stop();
  });
});
