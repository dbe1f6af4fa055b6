import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { io, type Socket } from 'socket.io-client';
import { newUser, type TestUser } from '../support/client.js';
import { adminUrl } from '../support/database.js';
import { placedPhone, textFrom } from '../support/placed.js';
import { startGatewayProcess, type GatewayProcess } from '../support/process.js';
import { startGateway, type TestGateway } from '../support/gateway.js';
import { startTcpProxy } from '../support/tcp-proxy.js';
import { until } from '../support/until.js';

const proxied = () => startTcpProxy({ host: adminUrl().hostname, port: Number(adminUrl().port) });

describe('the database goes away', () => {
  let proxy: Awaited<ReturnType<typeof proxied>>;
  let gateway: GatewayProcess;
  let user: TestUser;
  beforeAll(async () => {
    proxy = await proxied();
    gateway = await startGatewayProcess({ DB_PORT: String(proxy.port) });
    user = await newUser(gateway.url);
  });
  afterAll(async () => {
    await gateway?.stop();
    await proxy?.stop();
  });

  it('regression › connections reset under load, several times › 503 only, the process lives on and recovers', async () => {
    const { body: phone } = await user.api.post('/api/phones', { phoneNumber: '+628123000001' });
    const statuses = new Set<number>();
    let done = false;
    const send = async () => {
      while (!done) {
        const draft = { phoneId: phone.id, to: '+628987654321', message: 'x' };
        statuses.add((await user.api.post('/api/messages/send', draft)).status);
        statuses.add((await user.api.get('/api/messages?limit=5')).status);
      }
    };
    const sending = Array.from({ length: 8 }, send);
    for (let round = 0; round < 6; round += 1) {
      await until('requests are answered', () => statuses.has(202) && statuses.has(200));
      proxy.cut();
      await until('it is felt', () => statuses.has(503));
      proxy.mend();
      statuses.clear();
    }
    await until('it has recovered', () => statuses.has(202) && statuses.has(200));
    done = true;
    await Promise.all(sending);
    expect([...statuses].filter((status) => ![200, 202, 503].includes(status))).toEqual([]);
    expect(gateway.output()).not.toContain('Unhandled');
    expect((await fetch(`${gateway.url}/health/ready`)).status).toBe(200);
  });

  it('regression › every connection leads nowhere, and nobody is told › 503 once, then all goes on', async () => {
    const { body: phone } = await user.api.post('/api/phones', { phoneNumber: '+628123000002' });
    const send = async () => {
      const draft = { phoneId: phone.id, to: '+628987654321', message: 'x' };
      return (await user.api.post('/api/messages/send', draft)).status;
    };
    // As many connections as there may be.
    expect(new Set(await Promise.all(Array.from({ length: 40 }, send)))).toEqual(new Set([202]));
    proxy.halve();
    const felt = await Promise.all(Array.from({ length: 20 }, send));
    expect(felt.filter((status) => status !== 503 && status !== 202)).toEqual([]);
    expect(new Set(await Promise.all(Array.from({ length: 40 }, send)))).toEqual(new Set([202]));
  });
});

describe('a socket', () => {
  let proxy: Awaited<ReturnType<typeof proxied>>;
  let gateway: TestGateway;
  const sockets: Socket[] = [];
  beforeAll(async () => {
    proxy = await proxied();
    gateway = await startGateway({ env: { DB_PORT: String(proxy.port) }, workers: [] });
  });
  afterAll(async () => {
    sockets.forEach((socket) => socket.close());
    await gateway?.stop();
    await proxy?.stop();
  });

  const open = (user: TestUser, auth: object, options: object = {}): { socket: Socket; seen: number[] } => {
    const socket = io(gateway.url, {
      auth: { token: user.token, ...auth },
      forceNew: true,
      reconnectionDelay: 50,
      reconnectionDelayMax: 100,
      ...options,
    });
    const seen: number[] = [];
    socket.onAny((_name, envelope: { sequence: number }) => seen.push(envelope.sequence));
    sockets.push(socket);
    return { socket, seen };
  };

  it('regression › turned away while the database was away › is back by itself when that is, missing nothing', async () => {
    const user = await newUser(gateway.url);
    const phone = await placedPhone(gateway, user);
    const { socket, seen } = open(user, { lastSequence: 0 });
    await until('connected', () => socket.connected);
    proxy.cut();
    socket.io.engine.close();
    const errors: string[] = [];
    socket.on('connect_error', (error) => errors.push(error.message));
    await until('the connection is lost', () => !socket.connected);
    // Long enough for it to be turned away: the credential is looked up anew after a second.
    await new Promise((resolve) => socket.io.once('reconnect_attempt', resolve));
    await new Promise((resolve) => socket.io.once('reconnect_attempt', resolve));
    expect(socket.active).toBe(true);
    proxy.mend();
    await until('connected again', () => socket.connected);
    await phone.say('messages.upsert', textFrom('+628111', 'AFTER', 'hello'));
    await until('the event is there', () => seen.length > 0);
    expect(seen).toEqual(seen.map((_, i) => i + 1));
  });

  it('regression › with a wrong credential › is refused for good', async () => {
    const user = await newUser(gateway.url);
    const { socket } = open(user, { token: 'wrong' });
    const message = await new Promise((resolve) => socket.once('connect_error', (e) => resolve(e.message)));
    expect([message, socket.active]).toEqual(['unauthenticated', false]);
  });

  it('regression › joined while another of the same user reads live › both get everything, in order, without a gap', async () => {
    const user = await newUser(gateway.url);
    const phone = await placedPhone(gateway, user);
    const first = open(user, { lastSequence: 0 });
    await until('connected', () => first.socket.connected);
    let said = 0;
    let done = false;
    const saying = (async () => {
      while (!done) {
        said += 1;
        await phone.say('messages.upsert', textFrom('+628112', `LIVE${said}`, `live ${said}`));
      }
    })();
    await until('there is some history', () => first.seen.length > 20);
    const joined: ReturnType<typeof open>[] = [];
    for (let i = 0; i < 25; i += 1) {
      const other = open(user, { lastSequence: 5 }, { transports: ['websocket'] });
      await until('it gets something', () => other.seen.length > 0);
      joined.push(other);
    }
    done = true;
    await saying;
    const last = Math.max(...first.seen);
    await until('all have all', () => joined.every(({ seen }) => seen.at(-1)! >= last));
    for (const { seen } of joined) expect(seen).toEqual(seen.map((_, i) => 6 + i));
    expect(first.seen).toEqual(first.seen.map((_, i) => 1 + i));
  });
});
