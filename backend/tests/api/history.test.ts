import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { createLogger } from '../../src/config/logger.js';
import { createPostgres, type Postgres } from '../../src/config/postgres.js';
import { createTenancy, type Tenancy } from '../../src/models/index.js';
import { newUser, type TestUser } from '../support/client.js';
import { startGateway, type TestGateway } from '../support/gateway.js';
import { placedPhone, textFrom } from '../support/placed.js';

const ALICE = '+5511988880001';
const BOB = '+5511988880002';

describe('history', () => {
  let gateway: TestGateway;
  let postgres: Postgres;
  let tenancy: Tenancy;
  let user: TestUser;
  let phone: Awaited<ReturnType<typeof placedPhone>>;
  beforeAll(async () => {
    // No worker notes anything: what a reader sees, it has seen to itself.
    gateway = await startGateway({ workers: [] });
    const {
      DB_HOST: host,
      DB_PORT: port,
      DB_NAME: database,
      DB_USER: user,
      DB_PASSWORD: password,
    } = gateway.env;
    postgres = createPostgres(
      { host, port, database, user, password, poolSize: 1 },
      createLogger({ level: 'error', silent: true }),
    );
    tenancy = createTenancy(postgres);
  });
  afterAll(async () => {
    await postgres?.close();
    await gateway?.stop();
  });
  beforeEach(async () => {
    user = await newUser(gateway.url);
    phone = await placedPhone(gateway, user);
  });

  let count = 0;
  const hear = async (from: string, words: string) => {
    const { status } = await phone.say('messages.upsert', textFrom(from, `IN${(count += 1)}`, words));
    expect(status).toBe(200);
  };
  const send = async (to: string, message: string, phoneId = phone.id): Promise<number> => {
    const { status, body } = await user.api.post('/api/messages/send', { phoneId, to, message });
    expect(status).toBe(202);
    return body.id;
  };
  /** As if it had been stored then, with that status. */
  const alter = (id: number, change: string) =>
    gateway.database.query(
      `begin; set local app.user_ids = '{${user.id}}'; update messages set ${change} where id = ${id}; commit`,
    );
  const list = async (query = ''): Promise<string[]> => {
    const { status, body } = await user.api.get(`/api/messages${query}`);
    expect(status).toBe(200);
    return body.data.map((message: any) => message.message);
  };
  const walk = async (path: string, between: (page: number) => Promise<void> = async () => undefined) => {
    const seen: any[] = [];
    let cursor: string | null = null;
    for (let page = 1; page === 1 || cursor; page += 1) {
      const mark: string = cursor ? `${path.includes('?') ? '&' : '?'}cursor=${cursor}` : '';
      const { body } = await user.api.get(`${path}${mark}`);
      seen.push(...body.data);
      cursor = body.nextCursor;
      expect(body.hasMore).toBe(cursor !== null);
      await between(page);
    }
    return seen;
  };

  it('list › without a filter, of nobody else › the user’s own, newest first', async () => {
    expect(await list()).toEqual([]);
    await send(ALICE, 'one');
    await hear(BOB, 'two');
    await alter(await send(ALICE, 'zero'), `created_at = now() - interval '1 day'`);
    // What is received has the node's time, in whole seconds.
    expect((await list()).slice(0, 2).sort()).toEqual(['one', 'two']);
    expect((await list()).slice(2)).toEqual(['zero']);
    const other = await newUser(gateway.url);
    expect((await other.api.get('/api/messages')).body).toEqual({
      data: [],
      hasMore: false,
      nextCursor: null,
    });
  });

  it('list › each filter, and several › what matches all of them', async () => {
    const second = await placedPhone(gateway, user);
    await hear(ALICE, 'in from alice');
    await send(ALICE, 'out to alice');
    await alter(await send(BOB, 'failed to bob'), `status = 'failed', reason = 'not_on_whatsapp'`);
    await alter(await send(BOB, 'old to bob', second.id), `created_at = '2020-05-05T12:00:00Z'`);
    await alter(await send(BOB, 'an image'), `type = 'image'`);
    const one = async (query: string) => (await list(query)).sort();
    expect(await one('?direction=in')).toEqual(['in from alice']);
    expect(await one(`?phoneId=${second.id}`)).toEqual(['old to bob']);
    expect(await one('?status=failed')).toEqual(['failed to bob']);
    expect(await one('?type=image')).toEqual(['an image']);
    expect(await one(`?chat=${encodeURIComponent(ALICE)}`)).toEqual(['in from alice', 'out to alice']);
    expect(await one('?until=2021-01-01')).toEqual(['old to bob']);
    expect(await one('?since=2020-05-05T12:00:00Z&until=2020-05-05T12:00:01Z')).toEqual(['old to bob']);
    expect(await one('?since=2020-05-05T12:00:01Z&until=2021-01-01')).toEqual([]);
    expect(await one('?until=2020-05-05T12:00:00Z')).toEqual([]);
    expect(await one('?since=2021-01-01&direction=out&type=text&status=queued')).toEqual(['out to alice']);
    expect(await one(`?chat=${encodeURIComponent(BOB)}&phoneId=${phone.id}&status=failed&text=bob`)).toEqual([
      'failed to bob',
    ]);
  });

  it.each([
    ['direction', 'sideways'],
    ['status', 'lost'],
    ['chat', 'bob'],
    ['since', 'yesterday'],
    ['until', '2026-13-40'],
    ['text', '...'],
    ['text', 'x'.repeat(201)],
    ['cursor', 'YzE'],
    ['cursor', Buffer.from('t1.1; drop table users').toString('base64url')],
    ['limit', '101'],
    ['offset', '-1'],
    ['phoneId', '1 OR 1=1'],
  ])('list › %s=%s › 400 that names it', async (name, value) => {
    const { status, body } = await user.api.get(`/api/messages?${name}=${encodeURIComponent(value)}`);
    expect(status).toBe(400);
    expect(body.errors[0].pointer).toBe(`/query/${name}`);
  });

  it('cursor › messages come while it walks, late ones among them › each is met once, and none is left out', async () => {
    const stored = await Promise.all(Array.from({ length: 25 }, (_, i) => send(ALICE, `m${i}`)));
    // In one moment, all of them: the ids have to tell them apart.
    await gateway.database.query(
      `begin; set local app.user_ids = '{${user.id}}'; update messages set created_at = '2026-01-01T00:00:00.123456Z'; commit`,
    );
    const seen = await walk('/api/messages?limit=4', async (page) => {
      await send(ALICE, `new ${page}`);
      await alter(await send(ALICE, `late ${page}`), `created_at = '2026-01-01T00:00:00.123457Z'`);
    });
    const ids = seen.map((message) => message.id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.filter((id) => stored.includes(id))).toEqual([...stored].sort((a, b) => b - a));
  });

  it('cursor › answered › is in the Link header too, with the filters, and the seed’s offset skips as it did', async () => {
    for (const text of ['a', 'b', 'c']) await send(ALICE, text);
    const { headers, body } = await user.api.get('/api/messages?limit=1&direction=out&offset=1');
    expect(body.data.map((m: any) => m.message)).toEqual(['b']);
    expect(headers.get('link')).toBe(
      `</api/messages?limit=1&direction=out&cursor=${body.nextCursor}>; rel="next"`,
    );
    const next = await user.api.get(/<(.*)>/.exec(headers.get('link')!)![1]!);
    expect(next.body.data.map((m: any) => m.message)).toEqual(['a']);
    expect(next.body).toMatchObject({ hasMore: false, nextCursor: null });
    expect(next.headers.get('link')).toBeNull();
  });

  it.each([
    ['case', 'INVOICE', ['Your invoice 42 is due']],
    ['order of words', '42 your', ['Your invoice 42 is due']],
    ['all words', 'invoice paid', []],
    ['part of a word', 'voice', []],
    ['letters beyond ASCII', 'ÉTÉ', ['bel été à tous']],
    ['decomposed letters', 'e\u0301te\u0301', ['bel été à tous']],
    ['a script without spaces', '发票', ['您的发票已付款']],
    ['one letter of it', '票', ['您的发票已付款']],
    ['letters that are apart in it', '您款', []],
    ['an emoji', '🎉', ['party 🎉!']],
    ['what a tenant might try', "') or true --", []],
  ])('search › by %s › finds what it should', async (_how, text, expected) => {
    for (const words of ['Your invoice 42 is due', 'bel été à tous', '您的发票已付款', 'party 🎉!'])
      await (words.startsWith('bel') ? hear(BOB, words) : send(ALICE, words));
    const stranger = await newUser(gateway.url);
    const theirs = await stranger.api.post('/api/phones', { phoneNumber: '+628120000001' });
    await stranger.api.post('/api/messages/send', {
      phoneId: theirs.body.id,
      to: ALICE,
      message: 'invoice 42',
    });
    expect(await list(`?text=${encodeURIComponent(text)}`)).toEqual(expected);
  });

  it('search › a message was edited › it is found by its new words only', async () => {
    const id = await send(ALICE, 'first words');
    expect(await list('?text=first')).toEqual(['first words']);
    await alter(id, `content = 'second thoughts'`);
    expect(await list('?text=first')).toEqual([]);
    expect(await list('?text=second')).toEqual(['second thoughts']);
  });

  it('search › more messages than are asked one by one › rare and common words, every page, with filters', async () => {
    await send(ALICE, 'needle in the hay');
    await gateway.database.query(`begin; set local app.user_ids = '{${user.id}}';
      insert into messages (user_id, phone_number_id, direction, source, message_id, chat, from_number, to_number, type, content,
                            status, sequence, due_at, created_at)
      select ${user.id}, ${phone.id}, 'in', 'contact', 'BULK' || n, '${BOB}', '${BOB}', 'x', 'text',
             case when n % 500 = 0 then 'pitchfork hay' else 'hay' end, 'received', n, now(), now() + n * interval '1 ms'
        from generate_series(1, 2600) n; commit`);
    // A reader notes 2000 of what waits, and the next one the rest.
    await list('?text=hay');
    await list('?text=hay');
    expect(await list('?text=needle')).toEqual(['needle in the hay']);
    expect(await list('?text=hay&direction=out')).toEqual(['needle in the hay']);
    expect(await walk('/api/messages?limit=2&text=pitchfork+hay')).toHaveLength(5);
    expect(await walk('/api/messages?limit=100&text=hay')).toHaveLength(2601);
    expect(await list('?text=hay&limit=1&offset=2600')).toEqual(['needle in the hay']);
  });

  describe('chats', () => {
    const chats = async () => {
      const { status, body } = await user.api.get(`/api/phones/${phone.id}/chats`);
      expect(status).toBe(200);
      return body.data.map((c: any) => [c.chat, c.unread, c.lastMessage.message]);
    };

    it('of a phone › messages come and go › the latest first, with the last message and what is unread', async () => {
      expect(await chats()).toEqual([]);
      await send(ALICE, 'hello');
      expect(await chats()).toEqual([[ALICE, 0, 'hello']]);
      // The time of what is received is the node's, in whole seconds: made plain here.
      await gateway.database.query(
        `begin; set local app.user_ids = '{${user.id}}'; update messages set created_at = now() - interval '1 hour';
         update chats set last_at = now() - interval '1 hour'; commit`,
      );
      await hear(BOB, 'hi');
      await hear(BOB, 'are you there?');
      expect(await chats()).toEqual([
        [BOB, 2, 'are you there?'],
        [ALICE, 0, 'hello'],
      ]);
      const typed = { ...textFrom(BOB, `OWN${(count += 1)}`, 'yes'), source: 'android' };
      typed.key.fromMe = true;
      await phone.say('messages.upsert', typed);
      expect((await chats())[0].slice(0, 2)).toEqual([BOB, 0]);
    });

    it('read marks › up to a message, up to the last, twice › what came after stays unread', async () => {
      for (const text of ['1', '2', '3', '4']) await hear(BOB, text);
      const { body } = await user.api.get('/api/messages');
      const ids = body.data.map((m: any) => m.id).sort((a: number, b: number) => a - b);
      const mark = (messageId: number) =>
        tenancy.inTenant(user.id, (models) =>
          models.chats.markRead({ userId: user.id, phoneId: phone.id, chat: BOB, messageId }),
        );
      const unread = async () => (await chats())[0][1];
      expect(await unread()).toBe(4);
      await mark(ids[1]);
      expect(await unread()).toBe(2);
      await mark(ids[0]);
      expect(await unread()).toBe(2);
      await mark(ids[3]);
      expect(await unread()).toBe(0);
      await hear(BOB, '5');
      expect(await unread()).toBe(1);
    });

    it('walked by cursor › more than a page › each chat once', async () => {
      for (let i = 0; i < 7; i += 1) await hear(`+551198888100${i}`, `from ${i}`);
      const seen = await walk(`/api/phones/${phone.id}/chats?limit=3`);
      expect(new Set(seen.map((c) => c.chat)).size).toBe(7);
      expect(seen).toHaveLength(7);
    });

    it('of a phone that is not there › asked › 404', async () => {
      const { status, body } = await user.api.get('/api/phones/999999/chats');
      expect([status, body.code]).toEqual([404, 'not_found']);
    });
  });
});
