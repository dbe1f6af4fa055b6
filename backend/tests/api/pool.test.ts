import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newAdmin, runAdmin } from '../support/admin.js';
import { client, newPhone, newUser, settled, type TestUser } from '../support/client.js';
import { startGateway, type TestGateway } from '../support/gateway.js';
import { startNodes, type TestNodes } from '../support/nodes.js';
import { until } from '../support/until.js';

describe('the pool, as an admin sees it', () => {
  let nodes: TestNodes;
  let gateway: TestGateway;
  let admin: TestUser;
  let user: TestUser;
  beforeAll(async () => {
    nodes = await startNodes(2);
    gateway = await startGateway({ env: { EVOLUTION_NODES: nodes.list(), ...nodes.store } });
    [admin, user] = [await newAdmin(gateway), await newUser(gateway.url)];
  });
  afterAll(async () => {
    await gateway?.stop();
    await nodes?.stop();
  });

  const makeAdmin = (...args: string[]) => runAdmin(gateway, ...args);
  const call = async (token: string, method: string, path: string, body?: unknown) => {
    const answer = await fetch(`${gateway.url}${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: answer.status, body: (await answer.json()) as any };
  };
  const asAdmin = (method: string, path: string, body?: unknown) => call(admin.token, method, path, body);
  const list = async () => (await asAdmin('GET', '/api/admin/nodes')).body.data as any[];
  const nodeOf = async (phoneId: number): Promise<number> => {
    const [row] = await gateway.database.queryAll<{ node: number }>(
      'select node_id as node from placements where phone_id = $1 and ended_at is null',
      [phoneId],
    );
    return Number(row!.node);
  };
  const send = async (phoneId: number, message: string) =>
    (await user.api.post('/api/messages/send', { phoneId, to: '+628981119999', message })).body.id as number;
  const OUT = ['sent', 'delivered', 'read'];

  it('every row of an admin › asked for by a user or by an admin’s plain key › 403', async () => {
    const rows = gateway.gateway.endpoints.filter(({ access }) => access === 'admin');
    expect(rows.length).toBeGreaterThanOrEqual(4);
    const byKey = client(gateway.url, { apiKey: admin.apiKey });
    for (const { method, path } of rows) {
      const at = path.replace(':id', '1');
      expect((await call(user.token, method.toUpperCase(), at)).status).toBe(403);
      expect((await byKey.call(method.toUpperCase(), at)).status).toBe(403);
    }
  });

  it('npm run admin › of nobody, or of no name › says so', async () => {
    await expect(makeAdmin('nobody@example.com')).rejects.toMatchObject({
      stderr: 'nobody is registered as nobody@example.com\n',
    });
    await expect(makeAdmin()).rejects.toMatchObject({ stderr: expect.stringContaining('whom?') });
  });

  it('npm run admin --revoke › is no admin any more, within a moment', async () => {
    const other = await newUser(gateway.url);
    await makeAdmin(other.email);
    await until('may', async () => (await call(other.token, 'GET', '/api/admin/nodes')).status === 200);
    await makeAdmin(other.email, '--revoke');
    await until('may not', async () => (await call(other.token, 'GET', '/api/admin/nodes')).status === 403);
  });

  it('drained › its phones move while they send, nothing fails, and it takes none until it is resumed', async () => {
    const phones = [await newPhone(user), await newPhone(user), await newPhone(user), await newPhone(user)];
    const [{ id: drained }] = (await list()) as [{ id: number }];
    const codes = async () =>
      (await gateway.database.queryAll(`select 1 from events where type = 'phone.qr'`)).length;
    const before = await codes();
    const sent: number[] = [];
    let going = true;
    const sending = (async () => {
      for (let n = 0; going; n += 1) {
        for (const { id } of phones) sent.push(await send(id, `drain ${id} ${n}`));
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    })();
    const { status, body } = await asAdmin('POST', `/api/admin/nodes/${drained}/drain`);
    expect([status, body.isDraining]).toEqual([202, true]);
    await until('it is empty', async () => {
      const node = (await list()).find(({ id }) => id === drained);
      return node.phones === 0 && node.leftovers === 0;
    });
    going = false;
    await sending;
    await Promise.all(sent.map((id) => settled(user, id, OUT)));
    expect(await codes()).toBe(before);
    const ledger = (await nodes.ledger()).map((entry) => /drain \d+ \d+/.exec(JSON.stringify(entry))?.[0]);
    const words = ledger.filter(Boolean);
    expect([words.length, new Set(words).size]).toEqual([sent.length, sent.length]);

    const fresh = await newPhone(user);
    expect(await nodeOf(fresh.id)).not.toBe(drained);
    const last = (await list()).find(({ id }) => id !== drained);
    const refused = await asAdmin('POST', `/api/admin/nodes/${last.id}/drain`);
    expect([refused.status, refused.body.code]).toEqual([409, 'conflict']);
    expect((await asAdmin('POST', `/api/admin/nodes/${drained}/resume`)).body.isDraining).toBe(false);
  });

  it('a phone › moved to a node, then wherever there is room › lives there, and sends', async () => {
    const phone = await newPhone(user);
    const from = await nodeOf(phone.id);
    const to = (await list()).find(({ id }) => id !== from).id;
    const moved = await asAdmin('POST', `/api/admin/phones/${phone.id}/move`, { nodeId: to });
    expect([moved.status, moved.body]).toEqual([202, { phoneId: phone.id, status: 'moving' }]);
    const twice = await asAdmin('POST', `/api/admin/phones/${phone.id}/move`, { nodeId: from });
    expect([twice.status, twice.body.code]).toEqual([409, 'conflict']);
    await settled(user, await send(phone.id, 'from there'), OUT);
    expect(await nodeOf(phone.id)).toBe(to);
    const there = await asAdmin('POST', `/api/admin/phones/${phone.id}/move`, { nodeId: to });
    expect([there.status, there.body.code]).toEqual([409, 'conflict']);
    await until(
      'it may move again',
      async () => (await asAdmin('POST', `/api/admin/phones/${phone.id}/move`)).status === 202,
    );
    await settled(user, await send(phone.id, 'and back'), OUT);
    expect(await nodeOf(phone.id)).toBe(from);
  });

  it.each([
    ['an unknown node drained', 'POST', '/api/admin/nodes/999/drain', undefined, 404, 'not_found'],
    ['an unknown node resumed', 'POST', '/api/admin/nodes/999/resume', undefined, 404, 'not_found'],
    ['an unknown phone moved', 'POST', '/api/admin/phones/999/move', undefined, 404, 'not_found'],
    ['a node that is no number', 'POST', '/api/admin/phones/1/move', { nodeId: 'x' }, 400, 'invalid_request'],
  ])('%s › is refused', async (_what, method, path, body, status, code) => {
    const answer = await asAdmin(method, path, body);
    expect([answer.status, answer.body.code]).toEqual([status, code]);
  });

  it('a phone moved to an unknown node, or logged out › is refused, and nothing changes', async () => {
    const phone = await newPhone(user);
    const before = await nodeOf(phone.id);
    const unknown = await asAdmin('POST', `/api/admin/phones/${phone.id}/move`, { nodeId: 999 });
    expect([unknown.status, unknown.body.code]).toEqual([422, 'unprocessable']);
    expect(await nodeOf(phone.id)).toBe(before);
    await user.api.post(`/api/phones/${phone.id}/logout`);
    const out = await asAdmin('POST', `/api/admin/phones/${phone.id}/move`);
    expect([out.status, out.body.code]).toEqual([409, 'conflict']);
  });
});
