import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { client, newPhone, newUser, type TestUser } from '../support/client.js';
import { startGatewayProcess, type GatewayProcess } from '../support/process.js';
import { startNodes, type TestNodes } from '../support/nodes.js';
import { until } from '../support/until.js';

/** The oracle: what the client was told, what the database says, what the network really received. */
describe('faults of the gateway’s process', () => {
  let nodes: TestNodes;
  let gateway: GatewayProcess;
  let user: TestUser;
  let phones: number[];
  beforeAll(async () => {
    nodes = await startNodes(2);
    gateway = await startGatewayProcess({
      EVOLUTION_NODES: nodes.list(),
      SEND_TIMEOUT: '1',
      UNKNOWN_HOLD: '0.5',
    });
    user = await newUser(gateway.url);
    phones = (await Promise.all(Array.from({ length: 4 }, () => newPhone(user)))).map((phone) => phone.id);
  });
  afterAll(async () => {
    await gateway?.stop();
    await nodes?.stop();
  });

  const texts = async (tag: string): Promise<string[]> =>
    (await nodes.ledger())
      .flatMap((entry) => new RegExp(`${tag}-\\d+`).exec(JSON.stringify(entry)) ?? [])
      .map(String);

  it('killed three times while sending › started again › nothing lost, nothing doubled, doubt within its bound', async () => {
    const kills = 3;
    const accepted: { id: number; text: string }[] = [];
    const total = 200;
    const killer = (async () => {
      for (let i = 0; i < kills; i += 1) {
        await until(
          'some more were accepted',
          () => accepted.length >= ((i + 1) * total) / (kills + 1),
          60_000,
        );
        await gateway.end('SIGKILL');
        await gateway.start();
      }
    })();
    for (let i = 0; i < total; i += 1) {
      const text = `kill-${i}`;
      // A client does what it should: it repeats with the same key until it has an answer.
      await until(
        `${text} is accepted`,
        async () => {
          const { status, body } = await user.api.post(
            '/api/messages/send',
            {
              phoneId: phones[i % phones.length],
              to: `+62898${1_000_000 + (i % 10) * 10_000 + 1}`,
              message: text,
            },
            { 'idempotency-key': text },
          );
          if (status !== 202) throw new Error(`${status} ${JSON.stringify(body)}`);
          accepted.push({ id: body.id, text });
          return true;
        },
        30_000,
      );
    }
    await killer;
    const rows = await until(
      'everything ended',
      async () => {
        const all = await gateway.database.queryAll<any>(
          `select id, status, content from messages where direction = 'out'`,
        );
        return all.every((row) => !['queued', 'sending'].includes(row.status)) ? all : null;
      },
      60_000,
    );

    const received = await texts('kill');
    expect(rows.map((row) => row.content).sort()).toEqual(accepted.map(({ text }) => text).sort());
    expect(new Set(received).size).toBe(received.length);
    const inDoubt = rows.filter((row) => row.status === 'unknown').map((row) => row.content as string);
    expect(inDoubt.length).toBeLessThanOrEqual(kills * phones.length);
    const missing = accepted.filter(({ text }) => !received.includes(text)).map(({ text }) => text);
    expect(missing.filter((text) => !inDoubt.includes(text))).toEqual([]);
  }, 400_000);

  it('SIGTERM at load › every request that was taken is answered › exit 0, no lease left, nothing lost', async () => {
    let taken = 0;
    const answers: number[] = [];
    let stopped = false;
    const load = Array.from({ length: 10 }, async (_, i) => {
      while (!stopped) {
        taken += 1;
        const n = taken;
        try {
          const { status } = await user.api.post('/api/messages/send', {
            phoneId: phones[n % 4],
            to: `+62898700${i}0001`,
            message: `term-${n}`,
          });
          answers.push(status);
        } catch (error) {
          // Refused or never read: no request was taken. A cut answer would be one that was.
          expect(String((error as Error).cause ?? error)).toMatch(
            /ECONNREFUSED|ECONNRESET|other side closed|EPIPE/,
          );
          stopped = true;
        }
      }
    });
    await until('under load', () => answers.length > 100);
    const code = await gateway.end('SIGTERM');
    stopped = true;
    await Promise.all(load);
    expect(code).toBe(0);
    expect(new Set(answers)).toEqual(new Set([202]));
    expect(await gateway.database.queryAll(`select 1 from messages where status = 'sending'`)).toEqual([]);
    const stored = await gateway.database.queryAll<any>(
      `select content from messages where content like 'term-%'`,
    );
    expect(stored.length).toBeGreaterThanOrEqual(answers.length);
    await gateway.start();
    await until('all went out', async () => (await texts('term')).length === stored.length, 60_000);
    expect(new Set(await texts('term')).size).toBe(stored.length);
  }, 400_000);

  it('Redis absent at start › a message › is accepted and goes out', async () => {
    await gateway.end('SIGTERM');
    await gateway.redis.kill();
    await gateway.start();
    const { status } = await user.api.post('/api/messages/send', {
      phoneId: phones[0],
      to: '+628981119999',
      message: 'noredis-1',
    });
    expect(status).toBe(202);
    await until('it went out', async () => (await texts('noredis')).length === 1);
    expect((await client(gateway.url).get('/health')).body).toMatchObject({
      status: 'degraded',
      redis: { status: 'down' },
    });
  });

  it('all of the above › looked through › no secret, hash or stack trace in what was logged', () => {
    const log = gateway.output();
    expect(log.length).toBeGreaterThan(10_000);
    for (const secret of [
      user.password,
      user.apiKey,
      user.token,
      'test-jwt-secret-0123456789',
      'test-evolution-key-0123456789',
    ]) {
      expect(log).not.toContain(secret);
    }
    expect(log).not.toMatch(/\$2[aby]\$|whsec_|\bat .+\.ts:\d+/);
  });
});
