import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newNumber, newUser, type TestUser } from '../support/client.js';
import { startGateway, type TestGateway } from '../support/gateway.js';

describe('bad input', () => {
  let gateway: TestGateway;
  let user: TestUser;
  let phoneId: number;
  beforeAll(async () => {
    gateway = await startGateway({ workers: [] });
    user = await newUser(gateway.url);
    phoneId = (await user.api.post('/api/phones', { phoneNumber: newNumber() })).body.id;
  });
  afterAll(async () => gateway?.stop());

  const good = () => ({ phoneId, to: '+628987654321', message: 'Hello World!', type: 'text' });
  const stored = async () =>
    Number((await gateway.database.queryAll('select count(*) from messages'))[0]!['count']);

  it.each([
    ['phoneId', -1],
    ['phoneId', 0],
    ['phoneId', 1.5],
    ['phoneId', '1'],
    ['phoneId', '1 OR 1=1'],
    ['phoneId', { $gt: 0 }],
    ['phoneId', 2 ** 63],
    ['phoneId', null],
    ['phoneId', [1]],
    ['to', 'not a number'],
    ['to', '+1'],
    ['to', ''],
    ['to', 628987654321],
    ['to', 'group:x'],
    ['to', '+628987654321; drop table users'],
    ['message', ''],
    ['message', 7],
    ['message', 'x'.repeat(70_000)],
    ['message', 'a\u0000b'],
    ['message', '\ud800'],
    ['type', 'fax'],
    ['userId', 1],
    ['status', 'sent'],
    ['id', 5],
  ])('send › %s = %j › 400 that names the field, and nothing stored', async (field, value) => {
    const before = await stored();
    const { status, body, headers } = await user.api.post('/api/messages/send', {
      ...good(),
      [field]: value,
    });
    expect(status).toBe(400);
    expect(headers.get('content-type')).toMatch('application/problem+json');
    expect(body).toMatchObject({ code: 'invalid_request', status: 400, requestId: expect.any(String) });
    expect(body.errors.map((e: any) => e.pointer)).toContain(`/${field}`);
    expect(await stored()).toBe(before);
  });

  it.each([
    ['not JSON', '{"phoneId":', 400, 'invalid_json'],
    ['a list', '[]', 400, 'invalid_request'],
    ['nested 10 000 deep', `${'['.repeat(10_000)}${']'.repeat(10_000)}`, 400, null],
    ['__proto__', '{"__proto__": {"phoneId": 1}}', 400, 'invalid_request'],
    ['too large', `{"message":"${'x'.repeat(9_000_000)}"}`, 413, 'payload_too_large'],
  ])('send › body is %s › %s', async (_what, body, status, code) => {
    const answer = await user.api.post('/api/messages/send', body);
    expect(answer.status).toBe(status);
    if (code) expect(answer.body.code).toBe(code);
  });

  it.each([
    ['text/plain', {}],
    ['application/x-www-form-urlencoded', {}],
    ['application/json', { 'content-encoding': 'gzip' }],
  ])('send › content type %s %j › 415', async (type, headers) => {
    const answer = await user.api.post('/api/messages/send', JSON.stringify(good()), {
      'content-type': type,
      ...headers,
    });
    expect(answer.status).toBe(415);
    expect(answer.body.code).toBe('unsupported_media_type');
  });

  it.each([
    'phoneId=-1',
    'phoneId=x',
    'limit=0',
    'limit=101',
    'offset=-1',
    'cursor=!!',
    'status=none',
    'unknown=1',
    'phoneId=1&phoneId=2',
  ])('list › ?%s › 400 that names the parameter', async (query) => {
    const { status, body } = await user.api.get(`/api/messages?${query}`);
    expect(status).toBe(400);
    expect(body.errors[0].pointer).toBe(`/query/${query.split('=')[0]}`);
  });

  it.each(['-271821-04-20', '0000-01-01', '+275760-09-13', '2026-02-30', '2026-02-30T00:00:00Z'])(
    'regression › list › since and until %s › 400 that names them, never 500',
    async (moment) => {
      for (const name of ['since', 'until']) {
        const { status, body } = await user.api.get(`/api/messages?${name}=${encodeURIComponent(moment)}`);
        expect([status, body.errors?.[0].pointer]).toEqual([400, `/query/${name}`]);
      }
    },
  );

  it.each(['0000-01-01T00:00:00Z', '2026-02-30T00:00:00Z', '2026-13-01T00:00:00Z', '2026-01-01T24:01:00Z'])(
    'regression › send › sendAt %s › 400 that names it',
    async (sendAt) => {
      const { status, body } = await user.api.post('/api/messages/send', { ...good(), sendAt });
      expect([status, body.errors?.[0].pointer]).toEqual([400, '/sendAt']);
    },
  );

  it.each(['2026-02-30', '0000-01-01'])(
    'regression › change phone › warm-up from %s › 400 that names it',
    async (from) => {
      const sending = { warmUp: { perDay: [10], from } };
      const { status, body } = await user.api.call('PATCH', `/api/phones/${good().phoneId}`, { sending });
      expect([status, body.errors?.[0].pointer]).toEqual([400, '/sending/warmUp/from']);
    },
  );

  it.each(['0', '-1', '9223372036854775808', '1%20OR%201=1', 'x', '1.5'])(
    'find › id %s › 400 or 404, never 500',
    async (id) => {
      for (const path of [`/api/messages/${id}`, `/api/phones/${id}`, `/api/phones/${id}/qr`]) {
        expect([400, 404]).toContain((await user.api.get(path)).status);
      }
    },
  );

  it.each([
    ['phoneNumber', '12'],
    ['phoneNumber', ''],
    ['phoneNumber', 'abc'],
    ['phoneNumber', null],
    ['deviceName', ''],
    ['deviceName', 'x'.repeat(101)],
    ['webhookUrl', 7],
    ['isConnected', true],
  ])('add phone › %s = %j › 400 that names the field', async (field, value) => {
    const { status, body } = await user.api.post('/api/phones', { phoneNumber: newNumber(), [field]: value });
    expect(status).toBe(400);
    expect(body.errors[0].pointer).toBe(`/${field}`);
  });

  it.each([
    'http://169.254.169.254/latest/meta-data',
    'http://10.0.0.1/',
    'http://2852039166/',
    'http://0xa9fea9fe/',
    'http://[::ffff:10.0.0.1]/',
    'http://[64:ff9b::10.0.0.1]/',
    'file:///etc/passwd',
    'ftp://example.com/',
    'http://user:pass@example.com/',
    'http://192.168.1.1.:80/',
    'nonsense',
  ])('add phone › webhookUrl %s › 422 that names the field, and no phone', async (webhookUrl) => {
    const { status, body } = await user.api.post('/api/phones', { phoneNumber: newNumber(), webhookUrl });
    expect(status).toBe(422);
    expect(body).toMatchObject({ code: 'invalid_url', errors: [{ pointer: '/webhookUrl' }] });
    expect((await user.api.get('/api/phones')).body.data).toHaveLength(1);
  });

  it('add phone › a number one has already › 409 that names the phone', async () => {
    const { body: phone } = await user.api.get(`/api/phones/${phoneId}`);
    const again = await user.api.post('/api/phones', {
      phoneNumber: phone.phoneNumber.replace('+62', '+62 '),
    });
    expect(again.status).toBe(409);
    expect(again.body).toMatchObject({
      code: 'phone_exists',
      detail: expect.stringContaining(String(phoneId)),
    });
  });

  it.each([['x'.repeat(256)], ['with space'], ['ümlaut']])(
    'Idempotency-Key %j › on a send › 400',
    async (key) => {
      const { status, body } = await user.api.post('/api/messages/send', good(), {
        'idempotency-key': Buffer.from(key, 'utf8').toString('latin1'),
      });
      expect(status).toBe(400);
      expect(body.errors[0].pointer).toMatch(/idempotency-key/i);
    },
  );

  it('unknown paths and methods › of ours › 404 and 405 as problems', async () => {
    expect((await user.api.get('/api/nothing')).body).toMatchObject({ code: 'not_found', status: 404 });
    const wrong = await user.api.call('DELETE', '/api/messages');
    expect([wrong.status, wrong.body.code, wrong.headers.get('allow')]).toEqual([
      405,
      'method_not_allowed',
      expect.stringContaining('GET'),
    ]);
  });
});
