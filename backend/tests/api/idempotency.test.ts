import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newNumber, newUser, type TestUser } from '../support/client.js';
import { startGateway, type TestGateway } from '../support/gateway.js';

describe('Idempotency-Key', () => {
  let gateway: TestGateway;
  let user: TestUser;
  let phoneId: number;
  beforeAll(async () => {
    gateway = await startGateway({ workers: [] });
    user = await newUser(gateway.url);
    phoneId = (await user.api.post('/api/phones', { phoneNumber: newNumber() })).body.id;
  });
  afterAll(async () => gateway?.stop());

  const send = (key: string, message: string, as = user, id = phoneId) =>
    as.api.post(
      '/api/messages/send',
      { phoneId: id, to: '+628987654321', message },
      { 'idempotency-key': key },
    );

  it('a send › repeated › the first answer again, marked, and one message', async () => {
    const first = await send('k-1', 'once');
    const again = await send('k-1', 'once');
    expect([first.status, again.status]).toEqual([202, 202]);
    expect(again.body).toEqual(first.body);
    expect([first.headers.get('idempotent-replayed'), again.headers.get('idempotent-replayed')]).toEqual([
      null,
      'true',
    ]);
    expect(
      (await user.api.get('/api/messages')).body.data.filter((m: any) => m.message === 'once'),
    ).toHaveLength(1);
  });

  it('regression › a send whose message is no longer kept › repeated among those of another tenant › refused, and each of them has its own answer', async () => {
    const other = await newUser(gateway.url);
    const { body: theirs } = await other.api.post('/api/phones', { phoneNumber: newNumber() });
    const { body: first } = await send('k-gone', 'is erased');
    await gateway.database.queryAll(`delete from messages where id = ${first.id}`);
    let count = 0;
    const say = async () => {
      const message = `theirs ${(count += 1)}`;
      const to = '+628987654321';
      const { status, body } = await other.api.post('/api/messages/send', {
        phoneId: theirs.id,
        to,
        message,
      });
      return [status, body.phoneId, body.message] as const;
    };
    for (let round = 0; round < 5; round += 1) {
      const before = count;
      const [one, repeated, two, three] = await Promise.all([
        say(),
        send('k-gone', 'is erased'),
        say(),
        say(),
      ]);
      expect([repeated.status, repeated.body.code]).toEqual([422, 'idempotency_mismatch']);
      expect([one, two, three]).toEqual([1, 2, 3].map((n) => [202, theirs.id, `theirs ${before + n}`]));
    }
    const { data } = (await other.api.get('/api/messages?limit=100')).body;
    expect(data).toHaveLength(count);
  });

  it('a send › twenty at once with one key › one message, one first answer', async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => send('k-2', 'at once')));
    expect(new Set(answers.map((a) => a.status))).toEqual(new Set([202]));
    expect(new Set(answers.map((a) => a.body.id)).size).toBe(1);
    expect(answers.filter((a) => a.headers.get('idempotent-replayed') === null)).toHaveLength(1);
  });

  it('a send › same key, other body › 422', async () => {
    await send('k-3', 'a');
    const other = await send('k-3', 'b');
    expect([other.status, other.body.code]).toEqual([422, 'idempotency_mismatch']);
  });

  it('a send › refused, then repeated when it is right › is not remembered as refused', async () => {
    expect((await send('k-4', 'x', user, 999_999)).status).toBe(404);
    expect((await send('k-4', 'x')).status).toBe(202);
  });

  it('the same key › of another user › is another key', async () => {
    const other = await newUser(gateway.url);
    const { body: phone } = await other.api.post('/api/phones', { phoneNumber: newNumber() });
    const [mine, theirs] = [await send('k-5', 'x'), await send('k-5', 'x', other, phone.id)];
    expect(theirs.status).toBe(202);
    expect(theirs.body.id).not.toBe(mine.body.id);
  });

  it('adding a phone › repeated › the same phone, its secrets left out', async () => {
    const body = { phoneNumber: newNumber(), webhookUrl: 'http://127.0.0.1:9/hook' };
    const add = () => user.api.post('/api/phones', body, { 'idempotency-key': 'k-6' });
    const answers = await Promise.all([add(), add(), add()]);
    expect(answers.map((a) => a.status)).toEqual([201, 201, 201]);
    expect(new Set(answers.map((a) => a.body.id)).size).toBe(1);
    expect(answers.filter((a) => a.body.webhookSecret?.startsWith('whsec_'))).toHaveLength(1);
    expect(answers.filter((a) => a.body.secretOmitted === true && a.body.token === undefined)).toHaveLength(
      2,
    );
    const [row] = await gateway.database.queryAll(
      'select response::text from idempotency_keys where key = $1',
      ['k-6'],
    );
    expect(String(row!['response'])).not.toMatch(/whsec_|"token"/);
  });
});
