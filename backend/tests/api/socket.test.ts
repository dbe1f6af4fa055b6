import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { io, type Socket } from 'socket.io-client';
import { newUser, type TestUser } from '../support/client.js';
import { startGateway, type TestGateway } from '../support/gateway.js';
import { placedPhone, textFrom } from '../support/placed.js';
import { until } from '../support/until.js';

/** What a busy machine may add to the promised second. */
const BUSY_MS = 2000;

describe('the live feed', () => {
  let gateway: TestGateway;
  let user: TestUser;
  let phone: Awaited<ReturnType<typeof placedPhone>>;
  const open: Socket[] = [];
  beforeAll(async () => {
    gateway = await startGateway({ workers: [], env: { SOCKETS_PER_USER: '5' } });
    user = await newUser(gateway.url);
    phone = await placedPhone(gateway, user);
  });
  afterEach(() => open.splice(0).forEach((socket) => socket.close()));
  afterAll(async () => gateway?.stop());

  /** Connects, and keeps all it hears. */
  const connect = (auth: Record<string, unknown>, transports = ['websocket']) => {
    const socket = io(gateway.url, { auth, transports, reconnection: false, forceNew: true });
    open.push(socket);
    const heard: any[] = [];
    const names: string[] = [];
    socket.onAny((name: string, envelope) => {
      names.push(name);
      heard.push(envelope);
    });
    const state = { socket, heard, names, error: null as string | null };
    socket.on('connect_error', (error) => (state.error = error.message));
    return state;
  };
  const message = (id: string) => phone.say('messages.upsert', textFrom('+5511988887777', id, id));
  const sequences = (heard: any[]) => heard.map((envelope) => envelope.sequence);
  const last = async () => (await user.api.get('/api/events?limit=1')).body.lastSequence as number;

  it.each([
    ['nothing', {}],
    ['nonsense', { token: 'nonsense' }],
    ['a key with a bad checksum', { apiKey: 'ev_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa' }],
    ['an object', { token: { $gt: '' } }],
  ])('a handshake with %s › refused', async (_what, auth) => {
    const state = connect(auth);
    await until('refused', () => state.error === 'unauthenticated');
    expect(state.socket.connected).toBe(false);
  });

  it.each([['token'], ['apiKey']])(
    'a handshake with a good %s, by websocket and by polling › hears what happens',
    async (kind) => {
      const auth = kind === 'token' ? { token: user.token } : { apiKey: user.apiKey };
      const states = [connect(auth), connect(auth, ['polling'])];
      await until(
        'joined',
        () => states.every((state) => state.socket.connected) && gateway.gateway.feed.size === 2,
      );
      await message(`LIVE-${kind}`);
      await until('both heard it', () => states.every((state) => state.heard.length === 1));
      expect(states[0]!.names).toEqual(['message']);
      expect(states[0]!.heard).toEqual(states[1]!.heard);
      expect(states[0]!.heard[0]).toMatchObject({
        id: expect.stringMatching(/^evt_/),
        event: 'message',
        data: { message: `LIVE-${kind}` },
      });
    },
  );

  it('cut and joined again with lastSequence › while much happened › nothing missing, nothing twice', async () => {
    const first = connect({ token: user.token });
    await until('joined', () => gateway.gateway.feed.size === 1);
    const from = await last();
    for (let i = 0; i < 5; i += 1) await message(`A${i}`);
    await until('heard', () => first.heard.length === 5);
    first.socket.close();
    for (let i = 0; i < 250; i += 25)
      await Promise.all(Array.from({ length: 25 }, (_, n) => message(`B${i + n}`)));
    const second = connect({ token: user.token, lastSequence: first.heard.at(-1).sequence });
    const live = (async () => {
      for (let i = 0; i < 20; i += 1) await message(`C${i}`);
    })();
    await live;
    await until('all heard', () => first.heard.length + second.heard.length >= 275);
    const union = [...sequences(first.heard), ...sequences(second.heard)];
    expect(union).toEqual(Array.from({ length: 275 }, (_, i) => from + 1 + i));
  });

  it('lastSequence beyond the ledger › joined › told to resync, then live', async () => {
    const state = connect({ token: user.token, lastSequence: 1_000_000 });
    await until('told', () => state.names.includes('resync'));
    expect(state.heard[0]).toEqual({ lastSequence: await last() });
    await message('AFTER-RESYNC');
    await until('live', () => state.names.at(-1) === 'message');
  });

  it('another user › connected at the same time, asking for rooms › hears nothing', async () => {
    const other = await newUser(gateway.url);
    const state = connect({ token: other.token, userId: user.id, room: `user:${user.id}`, lastSequence: 0 });
    const mine = connect({ token: user.token });
    await until('both joined', () => gateway.gateway.feed.size === 2);
    state.socket.emit('join', `user:${user.id}`);
    state.socket.emit('subscribe', { userId: user.id });
    await message('NOT-YOURS');
    await until('mine heard', () => mine.heard.length === 1);
    expect(state.heard).toEqual([]);
  });

  it.each([
    ['a user is disabled', (id: number) => `update users set is_active = false where id = ${id}`, 2],
    [
      'all tokens of a user are ended',
      (id: number) => `update users set token_version = token_version + 1 where id = ${id}`,
      1,
    ],
    ['a key is revoked', (id: number) => `update api_keys set revoked_at = now() where user_id = ${id}`, 1],
    ['a key expires', (id: number) => `update api_keys set expires_at = now() where user_id = ${id}`, 1],
    [
      'a key may no longer read',
      (id: number) => `update api_keys set scopes = '{messages:write}' where user_id = ${id}`,
      1,
    ],
  ])(
    '%s while sockets are connected › within a second › those that it was are cut',
    async (_what, change, cut) => {
      const victim = await newUser(gateway.url);
      const states = [
        connect({ token: victim.token }),
        connect({ apiKey: victim.apiKey }),
        connect({ token: user.token }),
      ];
      await until('joined', () => gateway.gateway.feed.size === 3);
      await gateway.database.query(
        `begin; set local app.user_ids = '{${victim.id}}'; ${change(victim.id)}; commit`,
      );
      const start = Date.now();
      await until('cut', () => states.filter(({ socket }) => !socket.connected).length === cut);
      expect(Date.now() - start).toBeLessThan(1000 + BUSY_MS);
      await until('forgotten', () => gateway.gateway.feed.size === 3 - cut);
      expect(states[2]!.socket.connected).toBe(true);
    },
  );

  it('more sockets than a user may have › the next one › refused, and taken when another has gone', async () => {
    const many = await newUser(gateway.url);
    const states = Array.from({ length: 5 }, () => connect({ token: many.token }));
    await until('joined', () => gateway.gateway.feed.size === 5);
    const next = connect({ token: many.token });
    await until('refused', () => next.error === 'too_many_sockets');
    const others = connect({ token: user.token });
    await until('another user’s is taken', () => others.socket.connected);
    states[0]!.socket.close();
    await until('gone', () => gateway.gateway.feed.size === 5);
    const taken = connect({ token: many.token });
    await until('taken', () => taken.socket.connected);
  });

  it('a client that stops reading › while others read › is handed no more than it takes, and all of it later', async () => {
    const [slow, fast] = [connect({ token: user.token }), connect({ token: user.token })];
    await until('joined', () => gateway.gateway.feed.size === 2);
    const from = await last();
    const connection = (slow.socket.io.engine.transport as any).ws._socket;
    connection.pause();
    const total = 2500;
    // 20 MB: more than the two kernels keep.
    await gateway.database.query(`begin; set local app.user_ids = '{${user.id}}';
      select append_events(array_agg(${user.id}::bigint), array_agg('evt_slow' || n), array_agg('message'::text), array_agg(${phone.id}::bigint),
        array_agg(1::bigint), array_agg(json_build_object('phoneId', ${phone.id}, 'messageId', 1, 'whatsappId', 'S' || n,
          'direction', 'in', 'source', 'contact', 'from', '+1', 'to', '+2', 'chat', '+1', 'senderName', null, 'type', 'text',
          'message', repeat('x', 8000), 'timestamp', '2026-11-22T08:00:00.000Z')::text), now())
        from generate_series(1, ${total}) n; commit`);
    await until('the fast one heard all', () => fast.heard.length === total, 20_000);
    await until('the slow one is held', () => gateway.gateway.feed.held === 1);
    expect(slow.heard.length).toBeLessThan(total / 2);
    await message('AFTERWARDS');
    await until('the fast one goes on', () => fast.heard.length === total + 1);
    expect(gateway.gateway.feed.held).toBe(1);
    connection.resume();
    await until('the slow one heard all', () => slow.heard.length === total + 1, 20_000);
    expect(sequences(slow.heard)).toEqual(Array.from({ length: total + 1 }, (_, i) => from + 1 + i));
    expect(gateway.gateway.feed.held).toBe(0);
  });

  it('a client that answers no ping › after two heartbeats › is let go', async () => {
    const quick = await startGateway({ workers: [], env: { SOCKET_HEARTBEAT: '0.5' } });
    try {
      const { token } = await newUser(quick.url);
      const socket = io(quick.url, { auth: { token }, transports: ['websocket'], reconnection: false });
      open.push(socket);
      await until('joined', () => quick.gateway.feed.size === 1);
      // What it writes goes nowhere, as over a line that was cut without a word.
      const line = (socket.io.engine.transport as any).ws._socket;
      line.write = () => true;
      await until('let go', () => quick.gateway.feed.size === 0);
      line.destroy();
    } finally {
      await quick.stop();
    }
  });

  it('Redis gone › something happens › is heard within the sweep', async () => {
    const state = connect({ token: user.token });
    await until('joined', () => gateway.gateway.feed.size === 1);
    await gateway.redis.kill();
    await message('NO-REDIS');
    await until('heard', () => state.heard.length === 1);
  });
});
