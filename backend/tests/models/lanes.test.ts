import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createLogger } from '../../src/config/logger.js';
import { createPostgres, type Postgres } from '../../src/config/postgres.js';
import { createTenancy, type Tenancy } from '../../src/models/index.js';
import type { Send } from '../../src/models/lane.js';
import type { Draft } from '../../src/models/message.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { until } from '../support/until.js';

/** The scheduler by itself: what is claimed, in what order, and what a crash leaves. */
describe('lanes', () => {
  let database: TestDatabase;
  let postgres: Postgres;
  let tenancy: Tenancy;
  let next = 1;

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
    await tenancy.shared.nodes.sync([{ name: 'node-1', url: 'http://127.0.0.1:9' }]);
  });
  afterAll(async () => {
    await postgres?.close();
    await database?.drop();
  });

  const newUser = async () => {
    const id = await tenancy.shared.reserveUserId();
    await tenancy.inTenant(id, ({ users }) =>
      users.create({
        id,
        username: `u${id}`,
        email: `u${id}@x.y`,
        passwordHash: 'h',
        apiKeyHash: Buffer.from(`k${id}`),
        jwtSecret: 's',
      }),
    );
    return id;
  };
  const newPhone = async (userId: number) => {
    next += 1;
    const [node] = await tenancy.shared.nodes.list();
    return tenancy.inTenant(userId, async (models) => {
      const phone = await models.phones.create({
        userId,
        phoneNumber: `+62${next}`,
        deviceName: 'd',
        webhookUrl: null,
        token: Buffer.from(`t${next}`),
      });
      await models.checks.ask(userId, phone!.id, 1000);
      await models.placements.create({
        id: `plc_${next}`,
        userId,
        phoneId: phone!.id,
        nodeId: node!.id,
        secretHash: Buffer.from('s'),
      });
      await models.lanes.setOpen(userId, phone!.id, true);
      return phone!.id;
    });
  };
  const draft = (
    userId: number,
    phoneId: number,
    chat: string,
    content: string,
    more: Partial<Draft> = {},
  ): Draft => ({
    userId,
    phoneId,
    chat,
    content,
    type: 'text',
    payload: null,
    mediaId: null,
    priority: 1,
    ttl: 1000,
    sendAt: null,
    expiresAt: null,
    onUnknown: 'keep',
    bulkId: null,
    requestId: 'r',
    key: null,
    hash: null,
    keyTtl: 100,
    dayLimit: null,
    ...more,
  });
  const finish = (send: Send, status: 'sent' | 'queued' | 'unknown', end = {}) =>
    tenancy.inTenant(send.userId, async (models) => {
      const [message] = await models.messages.listForUpdate(send.id === null ? [] : [send.id]);
      if (message) await models.progress.save([{ ...message, status, reason: null, leaseId: null }]);
      return models.lanes.finishAll([{ ...send, ...end }]);
    });
  const claimAll = () => tenancy.shared.claims.sends(100, 30);
  const drainAll = async () => {
    const out: Send[] = [];
    for (let batch = await claimAll(); batch.length > 0; batch = await claimAll()) {
      for (const send of batch) {
        out.push(send);
        await finish(send, 'sent');
      }
    }
    return out;
  };

  it('a phone with many messages › claimed › one at a time, in order within each chat', async () => {
    const userId = await newUser();
    const phoneId = await newPhone(userId);
    for (let i = 0; i < 6; i += 1)
      await tenancy.shared.accept([draft(userId, phoneId, `+1000${i % 2}`, `${i}`)]);
    const first = await claimAll();
    expect(first.map((send) => send.content)).toEqual(['0']);
    expect(await claimAll()).toEqual([]);
    await finish(first[0]!, 'sent');
    const rest = await drainAll();
    const of = (chat: string) =>
      [first[0]!, ...rest].filter((send) => send.chat === chat).map((send) => send.content);
    expect([of('+10000'), of('+10001')]).toEqual([
      ['0', '2', '4'],
      ['1', '3', '5'],
    ]);
  });

  it('a send that did not leave › goes back › to the head of its chat, and the lane pauses', async () => {
    const userId = await newUser();
    const phoneId = await newPhone(userId);
    await tenancy.shared.accept([draft(userId, phoneId, '+2', 'a'), draft(userId, phoneId, '+2', 'b')]);
    const [send] = await claimAll();
    await finish(send!, 'queued', { pause: 0.15 });
    expect(await claimAll()).toEqual([]);
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect((await drainAll()).map((s) => [s.content, s.failures])).toEqual([
      ['a', 1],
      ['b', 0],
    ]);
  });

  it('a send in doubt › holds its chat, and its lane until a probe passed › then the others go first', async () => {
    const userId = await newUser();
    const phoneId = await newPhone(userId);
    await tenancy.shared.accept([
      draft(userId, phoneId, '+3', 'doubtful'),
      draft(userId, phoneId, '+3', 'held'),
      draft(userId, phoneId, '+4', 'free'),
    ]);
    const [send] = await claimAll();
    await finish(send!, 'unknown', { hold: 0.3, doubt: true });
    expect(await claimAll()).toEqual([]);
    await tenancy.inTenant(userId, ({ lanes }) => lanes.clearDoubt(userId, phoneId));
    expect((await drainAll()).map((s) => s.content)).toEqual(['free']);
    await new Promise((resolve) => setTimeout(resolve, 350));
    expect((await drainAll()).map((s) => s.content)).toEqual(['held']);
  });

  it('regression › its user is being disabled just then › a lane that is opened › stays closed, and opens with them', async () => {
    const userId = await newUser();
    const phoneId = await newPhone(userId);
    await tenancy.inTenant(userId, (models) =>
      models.phones.setState(phoneId, { status: 'connected', reason: null }),
    );
    const isOpen = async () => {
      const [lane] = await database.query<{ open: boolean }>(
        'select is_open as open from lanes where phone_id = $1',
        [phoneId],
      );
      return lane!.open;
    };
    const setActive = (isActive: boolean, before: () => Promise<unknown> = async () => undefined) =>
      tenancy.inTenant(userId, async (models) => {
        await models.users.setActive(userId, isActive);
        await models.lanes.setOpenOfUser(userId);
        await before();
      });
    let opening: Promise<void> = Promise.resolve();
    await setActive(false, async () => {
      opening = tenancy.inTenant(userId, (models) => models.lanes.setOpen(userId, phoneId, true));
      await until('it waits for whether its user is active', async () => {
        const waiting = await database.query(
          `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
        );
        return waiting.length > 0;
      });
    });
    await opening;
    expect(await isOpen()).toBe(false);
    await setActive(true);
    expect(await isOpen()).toBe(true);
  });

  it('a closed lane › phone not connected › waits, and goes when it opens', async () => {
    const userId = await newUser();
    const phoneId = await newPhone(userId);
    await tenancy.inTenant(userId, ({ lanes }) => lanes.setOpen(userId, phoneId, false));
    await tenancy.shared.accept([draft(userId, phoneId, '+5', 'x')]);
    expect(await claimAll()).toEqual([]);
    await tenancy.inTenant(userId, ({ lanes }) => lanes.setOpen(userId, phoneId, true));
    expect((await drainAll()).map((s) => s.content)).toEqual(['x']);
  });

  it('one user with many phones, another with one › few slots › the other’s turn comes in the first claim', async () => {
    const [big, small] = [await newUser(), await newUser()];
    for (let i = 0; i < 12; i += 1)
      await tenancy.shared.accept([draft(big, await newPhone(big), '+6', `big ${i}`)]);
    await tenancy.shared.accept([draft(small, await newPhone(small), '+6', 'small')]);
    const claimed = await tenancy.shared.claims.sends(4, 30);
    expect(claimed.map((send) => send.content)).toContain('small');
    for (const send of claimed) await finish(send, 'sent');
    expect(await drainAll()).toHaveLength(9);
  });

  it('priority › between chats › the higher goes first', async () => {
    const userId = await newUser();
    const phoneId = await newPhone(userId);
    await tenancy.shared.accept([
      draft(userId, phoneId, '+7', 'bulk', { priority: 2 }),
      draft(userId, phoneId, '+8', 'code', { priority: 0 }),
    ]);
    expect((await drainAll()).map((s) => s.content)).toEqual(['code', 'bulk']);
  });

  it('twenty claimers at once › forty phones › each message is claimed exactly once', async () => {
    const userId = await newUser();
    const phones = [];
    for (let i = 0; i < 40; i += 1) phones.push(await newPhone(userId));
    await tenancy.shared.accept(phones.map((phoneId, i) => draft(userId, phoneId, '+9', `${i}`)));
    const claimed = (
      await Promise.all(Array.from({ length: 20 }, () => tenancy.shared.claims.sends(5, 30)))
    ).flat();
    claimed.push(...(await claimAll()));
    expect(claimed.map((send) => send.content).sort()).toEqual(phones.map((_, i) => `${i}`).sort());
    for (const send of claimed) await finish(send, 'sent');
  });

  it('acceptances and settlements at once › on one chat › nothing is left behind', async () => {
    const userId = await newUser();
    const phoneId = await newPhone(userId);
    let done = false;
    const sent: string[] = [];
    const worker = async () => {
      while (!done || sent.length < 100) {
        for (const send of await tenancy.shared.claims.sends(1, 30)) {
          sent.push(send.content!);
          await finish(send, 'sent');
        }
      }
    };
    const working = worker();
    for (let i = 0; i < 100; i += 1) await tenancy.shared.accept([draft(userId, phoneId, '+11', `${i}`)]);
    done = true;
    await working;
    expect(sent).toEqual(Array.from({ length: 100 }, (_, i) => `${i}`));
  });

  it('a lease that ran out › its holder is gone › comes back once, for settling, and the old holder cannot finish', async () => {
    const userId = await newUser();
    const phoneId = await newPhone(userId);
    await tenancy.shared.accept([draft(userId, phoneId, '+12', 'x')]);
    const [send] = await tenancy.shared.claims.sends(1, 0);
    const [expired, ...more] = await tenancy.shared.claims.expiredLanes(10, 30);
    expect(more).toEqual([]);
    expect(expired).toMatchObject({ id: send!.id, phoneId, chatKey: send!.chatKey });
    expect(await tenancy.inTenant(userId, ({ lanes }) => lanes.finishAll([send!]))).toBe(0);
    expect(await finish({ ...send!, ...expired! }, 'unknown')).toBe(1);
  });

  it('regression › a look at a phone that outlasts its lease › is renewed and not claimed twice › soon claimed when its process is gone', async () => {
    const userId = await newUser();
    const phoneId = await newPhone(userId);
    const claim = async () =>
      (await tenancy.shared.checks.claim(100, 0.5)).filter((check) => check.phoneId === phoneId);
    await tenancy.inTenant(userId, ({ checks }) => checks.ask(userId, phoneId));
    const [look] = await claim();
    await tenancy.shared.checks.renew(look!, 3);
    const renewed = Date.now();
    const again = await until('claimed by another', async () => (await claim())[0]);
    expect(Date.now() - renewed).toBeGreaterThan(2500);
    // The first one's process wakes: it holds nothing any more, and ends nothing.
    await tenancy.shared.checks.renew(look!, 60);
    await tenancy.shared.checks.finish(look!, null);
    await until('claimed by a third', async () => (await claim())[0]);
    expect(again!.leaseId).not.toBe(look!.leaseId);
  });

  it('one key, many requests at once › accepted › one message', async () => {
    const userId = await newUser();
    const phoneId = await newPhone(userId);
    const one = draft(userId, phoneId, '+13', 'x', { key: 'k', hash: 'aa' });
    const answers = (
      await Promise.all(Array.from({ length: 10 }, () => tenancy.shared.accept([one])))
    ).flat();
    expect(new Set(answers.map((a) => a?.id)).size).toBe(1);
    expect(answers.filter((a) => a?.outcome === 'accepted')).toHaveLength(1);
    expect(answers.filter((a) => a?.outcome === 'replayed')).toHaveLength(9);
    expect((await tenancy.shared.accept([{ ...one, hash: 'bb' }]))[0]!.outcome).toBe('key_mismatch');
  });

  it('another tenant’s phone › in a batch with good ones › is missing, and the good ones are accepted', async () => {
    const [owner, stranger] = [await newUser(), await newUser()];
    const phoneId = await newPhone(owner);
    const answers = await tenancy.shared.accept([
      draft(owner, phoneId, '+14', 'mine'),
      draft(stranger, phoneId, '+14', 'not mine'),
    ]);
    expect(answers.map((a) => a?.outcome)).toEqual(['accepted', 'phone_missing']);
    expect((await drainAll()).filter((s) => s.chat === '+14').map((s) => s.content)).toEqual(['mine']);
  });

  const pace = (userId: number, phoneId: number, more: object) =>
    tenancy.inTenant(userId, ({ lanes }) =>
      lanes.setPace(userId, phoneId, {
        timezone: 'UTC',
        quietHours: null,
        perMinute: null,
        jitter: 0,
        recipientGap: 0,
        warmUp: null,
        ...more,
      }),
    );
  const inMs = (ms: number) => new Date(Date.now() + ms).toISOString();
  const soon = async (phoneId: number) => {
    const [lane] = await database.queryAll<{ ready: Date | null }>(
      `select ready_at as ready from lanes where phone_id = ${phoneId}`,
    );
    return (lane!.ready!.getTime() - Date.now()) / 1000;
  };
  /** `HH:MM` in UTC, so many minutes from now. */
  const clock = (minutes: number) => new Date(Date.now() + minutes * 60_000).toISOString().slice(11, 16);

  it('a time to send at › in a chat with others › due order, not acceptance order', async () => {
    const userId = await newUser();
    const phoneId = await newPhone(userId);
    await tenancy.shared.accept([
      draft(userId, phoneId, '+20', 'later', { sendAt: inMs(250) }),
      draft(userId, phoneId, '+20', 'now'),
      draft(userId, phoneId, '+20', 'much later', { sendAt: inMs(3_600_000) }),
    ]);
    expect((await drainAll()).map((s) => s.content)).toEqual(['now']);
    await until('it is due', async () => (await soon(phoneId)) < 0);
    expect((await drainAll()).map((s) => s.content)).toEqual(['later']);
    expect(await soon(phoneId)).toBeGreaterThan(3000);
  });

  it('quiet hours › only high priority leaves in them › the rest when they end, also across midnight', async () => {
    const userId = await newUser();
    const phoneId = await newPhone(userId);
    await pace(userId, phoneId, { quietHours: { from: clock(-5), to: clock(30) } });
    await tenancy.shared.accept([
      draft(userId, phoneId, '+21', 'ad', { priority: 2 }),
      draft(userId, phoneId, '+22', 'news'),
      draft(userId, phoneId, '+23', 'code', { priority: 0 }),
    ]);
    expect((await drainAll()).map((s) => s.content)).toEqual(['code']);
    expect((await soon(phoneId)) / 60).toBeGreaterThan(28);
    expect((await soon(phoneId)) / 60).toBeLessThan(31);
    // All of the day but a few minutes around now.
    await pace(userId, phoneId, { quietHours: { from: clock(30), to: clock(-5) } });
    expect((await drainAll()).map((s) => s.content)).toEqual(['news', 'ad']);
  });

  it('quiet hours in another time zone › are meant there', async () => {
    const [{ until: end }] = (await database.query<{ until: Date }>(
      `select quiet_end('Asia/Jakarta', '21:00', '07:30', '2026-11-23T15:00:00Z') as until`,
    )) as [{ until: Date }];
    // 15:00 UTC is 22:00 in Jakarta (UTC+7); quiet until 07:30 there, which is 00:30 UTC.
    expect(end.toISOString()).toBe('2026-11-24T00:30:00.000Z');
  });

  it('a pace › messages a minute › the next one waits its turn, in whatever chat', async () => {
    const userId = await newUser();
    const phoneId = await newPhone(userId);
    await pace(userId, phoneId, { perMinute: 30 });
    await tenancy.shared.accept([draft(userId, phoneId, '+24', 'a'), draft(userId, phoneId, '+25', 'b')]);
    const [send] = await claimAll();
    await finish(send!, 'sent', { left: true });
    expect(await claimAll()).toEqual([]);
    expect(await soon(phoneId)).toBeGreaterThan(1);
    expect(await soon(phoneId)).toBeLessThanOrEqual(2);
    await pace(userId, phoneId, { perMinute: 30, jitter: 0.5 });
    const gaps: number[] = [];
    for (let i = 0; i < 20; i += 1) {
      await tenancy.shared.accept([draft(userId, phoneId, '+24', `${i}`)]);
      await pace(userId, phoneId, { perMinute: 30, jitter: 0.5 });
      const [next] = await claimAll();
      await finish(next!, 'sent', { left: true });
      gaps.push(await soon(phoneId));
    }
    expect(Math.min(...gaps)).toBeGreaterThan(0.9);
    expect(Math.max(...gaps)).toBeLessThanOrEqual(3);
    expect(Math.max(...gaps) - Math.min(...gaps)).toBeGreaterThan(0.3);
    await pace(userId, phoneId, {});
    await drainAll();
  });

  it('a gap per recipient › that chat waits › the others do not', async () => {
    const userId = await newUser();
    const phoneId = await newPhone(userId);
    await pace(userId, phoneId, { recipientGap: 60 });
    await tenancy.shared.accept([draft(userId, phoneId, '+26', 'a1'), draft(userId, phoneId, '+26', 'a2')]);
    const [first] = await claimAll();
    await finish(first!, 'sent', { left: true });
    await tenancy.shared.accept([draft(userId, phoneId, '+27', 'b1')]);
    const [other, ...more] = await claimAll();
    expect([other!.content, more]).toEqual(['b1', []]);
    await finish(other!, 'sent', { left: true });
    expect(await soon(phoneId)).toBeGreaterThan(50);
  });

  it('a warm-up › the day’s allowance is used up › waits for the next day; high priority does not', async () => {
    const userId = await newUser();
    const phoneId = await newPhone(userId);
    const today = new Date().toISOString().slice(0, 10);
    await pace(userId, phoneId, { warmUp: { perDay: [2, 100], from: today } });
    for (const text of ['a', 'b', 'c'])
      await tenancy.shared.accept([draft(userId, phoneId, `+28${text}`, text)]);
    for (const text of ['a', 'b']) {
      const [send] = await claimAll();
      expect(send!.content).toBe(text);
      await finish(send!, 'sent', { left: true });
    }
    expect(await claimAll()).toEqual([]);
    const midnight = new Date(`${today}T24:00:00Z`).getTime();
    expect(Math.abs((await soon(phoneId)) - (midnight - Date.now()) / 1000)).toBeLessThan(2);
    await tenancy.shared.accept([draft(userId, phoneId, '+29', 'code', { priority: 0 })]);
    const [code] = await claimAll();
    expect(code!.content).toBe('code');
    await finish(code!, 'sent', { left: true });
    // The second day allows more.
    const yesterday = new Date(Date.now() - 86_400_000).toISOString().slice(0, 10);
    await pace(userId, phoneId, { warmUp: { perDay: [2, 100], from: yesterday } });
    expect((await drainAll()).map((s) => s.content)).toEqual(['c']);
  });

  it('a pause › nothing leaves › and goes on where it was', async () => {
    const userId = await newUser();
    const phoneId = await newPhone(userId);
    await tenancy.inTenant(userId, ({ lanes }) => lanes.setPaused(userId, phoneId, true));
    await tenancy.shared.accept([draft(userId, phoneId, '+30', 'a'), draft(userId, phoneId, '+30', 'b')]);
    expect(await claimAll()).toEqual([]);
    await tenancy.inTenant(userId, ({ lanes }) => lanes.setPaused(userId, phoneId, false));
    expect((await drainAll()).map((s) => s.content)).toEqual(['a', 'b']);
  });

  it('media that is not stored yet › holds its chat only › released when it is', async () => {
    const userId = await newUser();
    const phoneId = await newPhone(userId);
    const [media] = await database
      .query<{ id: string }>(
        `begin; set local app.user_ids = '{${userId}}';
       insert into media (user_id, status, source, kind) values (${userId}, 'pending', 'link', 'image') returning id; commit`,
      )
      .then(() => database.queryAll<{ id: string }>(`select id from media where user_id = ${userId}`));
    const mediaId = Number(media!.id);
    await tenancy.shared.accept([
      draft(userId, phoneId, '+31', 'picture', { mediaId }),
      draft(userId, phoneId, '+31', 'behind it'),
      draft(userId, phoneId, '+32', 'free'),
    ]);
    expect((await drainAll()).map((s) => s.content)).toEqual(['free']);
    await tenancy.inTenant(userId, async () => undefined);
    await database.query(
      `begin; set local app.user_ids = '{${userId}}'; select * from release_media(${userId}, ${mediaId}); commit`,
    );
    expect((await drainAll()).map((s) => s.content)).toEqual(['picture', 'behind it']);
  });

  it('a phone with 20 000 chats that wait › claimed › as quickly as one with none', async () => {
    const userId = await newUser();
    const phoneId = await newPhone(userId);
    await pace(userId, phoneId, { quietHours: { from: clock(-5), to: clock(30) } });
    await database.queryAll(
      `insert into chat_heads (phone_id, chat_key, user_id, message_id, due_at, sequence, priority, ready_at)
       select ${phoneId}, n, ${userId}, n, now(), n, 1 + n % 2, now() from generate_series(1, 20000) n`,
    );
    await tenancy.shared.accept([draft(userId, phoneId, '+33', 'code', { priority: 0 })]);
    const plan = async (statement: string) =>
      JSON.stringify(await database.queryAll(`explain (analyze, buffers, format json) ${statement}`));
    const [send] = await claimAll();
    expect(send!.content).toBe('code');
    await finish(send!, 'sent', { left: true });
    expect(await claimAll()).toEqual([]);
    const seen = await plan(`select refresh_lane(${phoneId})`);
    expect(Number(/"Shared Hit Blocks":\s*(\d+)/.exec(seen)![1])).toBeLessThan(400);
    await database.queryAll(`delete from chat_heads where phone_id = ${phoneId}`);
    await database.queryAll(`select refresh_lane(${phoneId})`);
  });
});
