import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { io, type Socket } from 'socket.io-client';
import { Webhook } from 'standardwebhooks';
import { startRedisCluster, type RedisCluster } from '../../../dev/src/redis-cluster.js';
import { client, newPhone, newUser, settled, type TestUser } from '../support/client.js';
import { startFleet, type Fleet } from '../support/fleet.js';
import { startNodes, type TestNodes } from '../support/nodes.js';
import { startReceiver, type Receiver } from '../support/receiver.js';
import { until } from '../support/until.js';

describe('two api and two worker processes behind nginx, on one database and one Redis Cluster', () => {
  let nodes: TestNodes;
  let cluster: RedisCluster;
  let fleet: Fleet;
  let receiver: Receiver;
  let user: TestUser;
  let phones: Awaited<ReturnType<typeof newPhone>>[];
  const sockets: Socket[] = [];

  beforeAll(async () => {
    [nodes, cluster, receiver] = await Promise.all([startNodes(2), startRedisCluster(), startReceiver()]);
    fleet = await startFleet({
      api: 2,
      workers: 2,
      env: {
        EVOLUTION_NODES: nodes.list(),
        REDIS_CLUSTER_NODES: cluster.nodes,
        RATE_LIMIT_AUTH: '10',
        SEND_TIMEOUT: '1',
        UNKNOWN_HOLD: '0.5',
        LEASE_MARGIN: '2',
      },
    });
    user = await newUser(fleet.url);
    phones = await Promise.all([newPhone(user, { webhookUrl: receiver.url }), newPhone(user)]);
  }, 400_000);
  afterAll(async () => {
    sockets.forEach((socket) => socket.close());
    await fleet?.stop();
    await Promise.all([receiver?.stop(), cluster?.stop(), nodes?.stop()]);
  });

  /** The user's own calls, to one process rather than to nginx. */
  const at = (n: number) => client(fleet.api[n]!.url, { token: user.token });
  const listen = (n: number) => {
    const socket = io(fleet.api[n]!.url, { auth: { token: user.token }, transports: ['websocket'] });
    sockets.push(socket);
    const heard: any[] = [];
    socket.onAny((_name, envelope) => heard.push(envelope));
    return { socket, heard };
  };
  const draft = (message: string, to = '+628987650001') => ({ phoneId: phones[0]!.id, to, message });
  const texts = async (tag: string): Promise<string[]> =>
    (await nodes.ledger()).flatMap((entry) => new RegExp(`${tag}-\\d+`).exec(JSON.stringify(entry)) ?? []);
  const keyed = (n: number, key: string, message: string) =>
    at(n).post('/api/messages/send', draft(message), { 'idempotency-key': key });

  it('the main job › through nginx › sent, read, answered; the webhook signed; sockets on both hear one ledger', async () => {
    const [one, other] = [listen(0), listen(1)];
    await until('both joined', () => one.socket.connected && other.socket.connected);
    const sent = await user.api.post('/api/messages/send', draft('Hello fleet', '+628987650007'));
    expect(sent.status).toBe(202);
    await settled(user, sent.body.id, ['read']);
    await until('the answer was posted', () =>
      receiver.of('message').some((r) => r.body.data.message === 'echo: Hello fleet'),
    );
    const verifier = new Webhook(phones[0]!.webhookSecret!);
    for (const { text, headers } of receiver.all) expect(() => verifier.verify(text, headers)).not.toThrow();
    await until('both heard the answer', () =>
      [one, other].every(({ heard }) => heard.some((e) => e.data.message === 'echo: Hello fleet')),
    );
    const ledger = (await at(0).get('/api/events?after=0')).body.data;
    for (const { heard } of [one, other]) {
      await until('all was heard', () => heard.at(-1)?.sequence === ledger.at(-1).sequence);
      expect(heard).toEqual(ledger.slice(-heard.length));
    }
  });

  it('clients by websocket and by polling through nginx › while each process is killed in turn › hear the ledger without gap or double', async () => {
    const start = (await at(0).get('/api/events?limit=1')).body.lastSequence as number;
    const all = ['websocket', 'polling'].map((transport) => {
      const heard: any[] = [];
      const socket = io(fleet.url, {
        auth: (give) => give({ token: user.token, lastSequence: heard.at(-1)?.sequence ?? start }),
        transports: [transport],
        reconnectionDelay: 100,
        reconnectionDelayMax: 300,
        forceNew: true,
      });
      sockets.push(socket);
      socket.onAny((_name, envelope) => heard.push(envelope));
      return { socket, heard };
    });
    await until('connected', () => all.every(({ socket }) => socket.connected));
    for (const [n, member] of fleet.api.entries()) {
      await member.end('SIGKILL');
      for (let i = 0; i < 3; i += 1)
        expect((await at(1 - n).post('/api/messages/send', draft(`through-${n}${i}`))).status).toBe(202);
      await member.start();
    }
    const ledger = async () => (await at(0).get(`/api/events?after=${start}`)).body.data as any[];
    await until(
      'all was sent',
      async () => (await ledger()).filter((e) => e.event === 'message.sent').length >= 6,
    );
    for (const { heard } of all) {
      await until('heard', async () => heard.length >= (await ledger()).length);
      expect(heard).toEqual((await ledger()).slice(0, heard.length));
    }
  });

  it('one key at once through both › twenty duplicates › one message, one first answer', async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, (_, i) => keyed(i % 2, 'dup', 'dup-1')));
    expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(202));
    expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1);
    expect(answers.filter(({ headers }) => !headers.get('idempotent-replayed'))).toHaveLength(1);
    await settled(user, answers[0]!.body.id, ['sent', 'delivered']);
    expect(await texts('dup')).toEqual(['dup-1']);
  });

  it('a key of one process › asked of the other, and of both started anew › replays the first answer', async () => {
    const first = await keyed(0, 'kept', 'kept-1');
    const replays = [await keyed(1, 'kept', 'kept-1')];
    await Promise.all(fleet.api.map((member) => member.end('SIGTERM')));
    await Promise.all(fleet.api.map((member) => member.start()));
    replays.push(await keyed(0, 'kept', 'kept-1'), await keyed(1, 'kept', 'kept-1'));
    for (const replay of replays) {
      expect([replay.status, replay.headers.get('idempotent-replayed')]).toEqual([202, 'true']);
      expect(replay.body).toEqual(first.body);
    }
    expect((await keyed(1, 'kept', 'another')).status).toBe(422);
  });

  it('guesses at a password › half of them to each process › are refused by both after the limit', async () => {
    const guess = (n: number) =>
      client(fleet.api[n]!.url).post('/api/auth/login', { email: user.email, password: 'wrong' });
    const answers: number[] = [];
    await until('both refuse', async () => {
      const pair = [(await guess(0)).status, (await guess(1)).status];
      answers.push(...pair);
      return pair.every((status) => status === 429);
    });
    const wrong = answers.filter((status) => status === 401).length;
    expect(wrong).toBeGreaterThanOrEqual(10);
    // What came within the 100 ms between two tellings.
    expect(wrong).toBeLessThan(20);
    expect(answers.every((status) => [401, 429].includes(status))).toBe(true);
  });

  it('a master killed and all flushed › sends and what follows them › go on without hints', async () => {
    const one = listen(1);
    await until('joined', () => one.socket.connected);
    await cluster.masters[1]!.kill();
    await cluster.flushAll();
    const sent = [];
    for (let i = 0; i < 6; i += 1) sent.push(await at(i % 2).post('/api/messages/send', draft(`down-${i}`)));
    expect(sent.map(({ status }) => status)).toEqual(Array(6).fill(202));
    for (const { body } of sent) await settled(user, body.id, ['sent', 'delivered', 'read']);
    await until('heard', () => one.heard.filter((e) => e.event === 'message.sent').length >= 6);
    const health = await until('health says so', async () => {
      const { body } = await at(0).get('/health');
      return body.redis.status === 'down' ? body : null;
    });
    expect(health).toMatchObject({ status: 'degraded', database: { status: 'up' } });
    await cluster.masters[1]!.start();
    await until('health is well', async () => (await at(0).get('/health')).body.redis.status === 'up');
  });

  it('one of each killed under load, all flushed, started again › nothing lost, doubled or out of order', async () => {
    const total = 100;
    const accepted: { id: number; text: string }[] = [];
    const killed = [fleet.api[0]!, fleet.workers[0]!];
    const faults = (async () => {
      await until('some were accepted', () => accepted.length >= total / 2, 60_000);
      await Promise.all(killed.map((member) => member.end('SIGKILL')));
      await cluster.flushAll();
      await Promise.all(killed.map((member) => member.start()));
    })();
    const send = async (n: number) => {
      const text = `load-${String(n).padStart(3, '0')}`;
      const body = { phoneId: phones[n % 2]!.id, to: `+62898${1_000_001 + (n % 4)}`, message: text };
      await until(
        `${text} is accepted`,
        async () => {
          const answer = await user.api.post('/api/messages/send', body, { 'idempotency-key': text });
          if (answer.status !== 202) throw new Error(`${answer.status} ${JSON.stringify(answer.body)}`);
          return accepted.push({ id: answer.body.id, text });
        },
        30_000,
      );
    };
    // A chat's messages one after the other, so that their order is known; the chats side by side.
    const chat = async (first: number) => {
      for (let n = first; n < total; n += 4) await send(n);
    };
    await Promise.all([0, 1, 2, 3].map(chat));
    await faults;
    const rows = await until(
      'everything ended',
      async () => {
        const all = await fleet.database.queryAll<any>(
          `select status, content from messages where content like 'load-%' and direction = 'out'`,
        );
        return all.every((row) => !['queued', 'sending'].includes(row.status)) ? all : null;
      },
      60_000,
    );
    const received = await texts('load');
    const inDoubt = rows.filter((row) => row.status === 'unknown').map((row) => row.content);
    expect(rows.map((row) => row.content).sort()).toEqual(accepted.map(({ text }) => text).sort());
    expect(new Set(received).size).toBe(received.length);
    // One worker killed, two phones with a send in flight.
    expect(inDoubt.length).toBeLessThanOrEqual(2);
    const missing = accepted.filter(({ text }) => !received.includes(text)).map(({ text }) => text);
    expect(missing.filter((text) => !inDoubt.includes(text))).toEqual([]);
    for (const first of [0, 1, 2, 3]) {
      const inChat = received.filter((text) => Number(text.slice(5)) % 4 === first);
      expect(inChat).toEqual([...inChat].sort());
    }
  }, 400_000);
});
