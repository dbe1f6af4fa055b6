import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newAdmin } from '../support/admin.js';
import { newNumber, newPhone, newUser, settled, type TestUser } from '../support/client.js';
import { startGateway, type TestGateway } from '../support/gateway.js';
import { NODE_KEY, startNodes, type TestNodes } from '../support/nodes.js';
import { until } from '../support/until.js';

describe('nodes at run time', () => {
  let nodes: TestNodes;
  let gateway: TestGateway;
  let admin: TestUser;
  let user: TestUser;
  beforeAll(async () => {
    nodes = await startNodes(3);
    const [listed] = nodes.nodes;
    gateway = await startGateway({
      env: {
        EVOLUTION_NODES: `${listed!.name}=${listed!.url}`,
        ...nodes.store,
        EVOLUTION_METRICS_USER: 'metrics',
        EVOLUTION_METRICS_PASSWORD: 'metrics',
      },
    });
    [admin, user] = [await newAdmin(gateway), await newUser(gateway.url)];
  });
  afterAll(async () => {
    await gateway?.stop();
    await nodes?.stop();
  });

  const OUT = ['sent', 'delivered', 'read'];
  const as = (method: string, path: string, body?: unknown) =>
    admin.api.call(method, `/api/admin/nodes${path}`, body);
  const list = async () => (await as('GET', '')).body.data as any[];
  const find = async (id: number) => (await list()).find((one) => one.id === id);
  const isUp = (id: number) => until('it is up', async () => (await find(id)).status === 'up');
  const placementOf = async (phoneId: number) => {
    const [row] = await gateway.database.queryAll<{ id: string; node: number }>(
      'select id, node_id as node from placements where phone_id = $1 and ended_at is null',
      [phoneId],
    );
    return { id: row!.id, node: Number(row!.node) };
  };
  const send = async (phoneId: number, message: string) =>
    (await user.api.post('/api/messages/send', { phoneId, to: '+628981119999', message })).body.id as number;
  const statusOf = async (phoneId: number) => (await user.api.get(`/api/phones/${phoneId}`)).body.status;
  /** The second and third nodes, added when they are first asked for. */
  const added = new Map<number, number>();
  const add = async (index: number, more: object = {}) => {
    const { url } = nodes.nodes[index]!;
    const { status, body } = await as('POST', '', { name: `extra-${index}`, url, ...more });
    expect([status, body.origin]).toEqual([201, 'admin']);
    added.set(index, body.id);
    await isUp(body.id);
    return body.id as number;
  };

  it('added with its own key › takes phones without a restart; its key is kept sealed, and changed', async () => {
    const first = await newPhone(user);
    const id = await add(1, { apiKey: NODE_KEY, weight: 100 });
    const { body: shown } = await as('PATCH', `/${id}`, { weight: 100 });
    expect([shown.hasOwnKey, JSON.stringify(shown).includes(NODE_KEY)]).toEqual([true, false]);
    const [{ key }] = (await gateway.database.queryAll('select api_key as key from nodes where id = $1', [
      id,
    ])) as [{ key: string }];
    expect(key).toMatch(/^v1\./);

    const second = await newPhone(user);
    expect([(await placementOf(first.id)).node === id, (await placementOf(second.id)).node]).toEqual([
      false,
      id,
    ]);
    await settled(user, await send(second.id, 'from a node that was added'), OUT);
    await until('its insides are known', async () => {
      const { version, held, faults } = await find(id);
      return version === '2.3.6' && typeof held === 'number' && faults.length === 0;
    });

    await as('PATCH', `/${id}`, { apiKey: 'another-key-that-is-wrong' });
    const picture = `/api/phones/${second.id}/picture?of=%2B628981119999`;
    await until('it is used', async () => (await user.api.get(picture)).status === 503);
    const waiting = await send(second.id, 'with the wrong key');
    await until('it waits', async () => {
      const { body } = await user.api.get(`/api/messages/${waiting}`);
      return body.attempts > 0 && body.status === 'queued';
    });
    await as('PATCH', `/${id}`, { apiKey: null });
    expect((await find(id)).hasOwnKey).toBe(false);
    await settled(user, waiting, OUT);
  });

  it('a node that is full › takes none; a phone moved there › 409, and stays', async () => {
    const id = added.get(1)!;
    const phone = await newPhone(user);
    const { phones } = await find(id);
    const { body } = await as('PATCH', `/${id}`, { capacity: phones });
    expect(body.capacity).toBe(phones);
    const next = await newPhone(user);
    const there = (await placementOf(next.id)).node;
    expect(there).not.toBe(id);
    const moved = await admin.api.post(`/api/admin/phones/${next.id}/move`, { nodeId: id });
    expect([moved.status, moved.body.code]).toEqual([409, 'conflict']);
    expect((await placementOf(next.id)).node).toBe(there);
    await as('PATCH', `/${id}`, { capacity: null, weight: 1 });
    expect(await statusOf(phone.id)).toBe('connected');
  });

  it('a phone moved to a node that is down › 409, and stays', async () => {
    const id = await add(2);
    const phone = await newPhone(user);
    if ((await placementOf(phone.id)).node === id) await admin.api.post(`/api/admin/nodes/${id}/drain`);
    await until('it lives elsewhere', async () => (await placementOf(phone.id)).node !== id);
    await until('connected', async () => (await statusOf(phone.id)) === 'connected');
    await admin.api.post(`/api/admin/nodes/${id}/resume`);
    await nodes.nodes[2]!.kill();
    await until('it is down', async () => (await find(id)).status === 'down');
    const before = await placementOf(phone.id);
    const moved = await admin.api.post(`/api/admin/phones/${phone.id}/move`, { nodeId: id });
    expect([moved.status, moved.body.code]).toEqual([409, 'conflict']);
    expect(await placementOf(phone.id)).toEqual(before);
    await nodes.nodes[2]!.start();
    await isUp(id);
  });

  it('rebalanced › only what is needed moves, without a QR, and a second time nothing', async () => {
    const codes = async () =>
      (await gateway.database.queryAll(`select 1 from events where type = 'phone.qr'`)).length;
    await Promise.all([1, 2, 3, 4].map(() => newPhone(user)));
    const id = added.get(2)!;
    await as('PATCH', `/${id}`, { weight: 3 });
    const before = await codes();
    await until('every node is up', async () => (await list()).every((one) => one.status === 'up'));
    const loads = await list();
    const { status, body } = await as('POST', '/rebalance');
    expect([status, body.remaining]).toEqual([202, 0]);
    expect(body.moves.length).toBeGreaterThan(0);
    expect(new Set(body.moves.map((one: any) => one.to))).toEqual(new Set([id]));
    for (const { phoneId } of body.moves)
      await until('it is there', async () => {
        const { node } = await placementOf(phoneId);
        return node === id && (await statusOf(phoneId)) === 'connected';
      });
    const total = loads.reduce((sum, { phones }) => sum + phones, 0);
    const share = (total * 3) / 5;
    const tally = { before: loads, moved: body.moves, after: await list(), share };
    expect({ ...tally, isShared: Math.abs((await find(id)).phones - share) <= 1 }).toEqual({
      ...tally,
      isShared: true,
    });
    expect(await codes()).toBe(before);
    expect((await as('POST', '/rebalance')).body).toEqual({ moves: [], remaining: 0 });
  });

  it('removed › only once it is empty; its name is free again', async () => {
    const id = added.get(2)!;
    const full = await as('DELETE', `/${id}`);
    expect([full.status, full.body.code]).toEqual([409, 'conflict']);
    await as('POST', `/${id}/drain`);
    await until('it is empty', async () => {
      const { phones, leftovers } = await find(id);
      return phones === 0 && leftovers === 0;
    });
    expect((await as('DELETE', `/${id}`)).status).toBe(204);
    expect(await find(id)).toBeUndefined();
    expect((await as('DELETE', `/${id}`)).status).toBe(404);
    expect(await add(2)).toBe(id);
  });

  it('regression › the settings’ list is read again at start › nodes of an admin stay', async () => {
    const before = (await list()).map(({ id }) => id);
    await gateway.gateway.syncNodes();
    expect((await list()).map(({ id }) => id)).toEqual(before);
  });

  it('two nodes of one client name › said, and neither takes a phone', async () => {
    const [ids] = [added.get(2)!];
    await gateway.database.queryAll(
      `update nodes set client_name = (select client_name from nodes where id = $1), details_at = now() where id <> $1`,
      [ids],
    );
    await as('PATCH', `/${ids}`, { weight: 1 });
    await until('it is seen', async () =>
      (await find(ids)).faults.some((one: any) => one.code === 'same_client_name' && one.remedy),
    );
    const { body: phone } = await user.api.post('/api/phones', { phoneNumber: newNumber() });
    await until('it waits', async () => {
      const { body } = await user.api.get(`/api/phones/${phone.id}`);
      return body.reason === 'no_node';
    });
    for (const { id } of await list()) await as('PATCH', `/${id}`, { weight: 1 });
    await until('mended', async () => (await list()).every(({ faults }) => faults.length === 0));
  });

  it.each([
    ['a name that is taken', 'POST', '', { name: 'extra-1', url: 'http://127.0.0.1:9' }, 409, '/name'],
    ['a name with a space', 'POST', '', { name: 'a b', url: 'http://127.0.0.1:9' }, 400, '/name'],
    ['a URL with a path', 'POST', '', { name: 'x', url: 'http://127.0.0.1:9/x' }, 400, '/url'],
    ['no weight at all', 'POST', '', { name: 'x', url: 'http://127.0.0.1:9', weight: 0 }, 400, '/weight'],
    ['an unknown one changed', 'PATCH', '/999', { weight: 2 }, 404, undefined],
    ['an unknown one removed', 'DELETE', '/999', undefined, 404, undefined],
    ['what an unknown one holds', 'GET', '/999/adoptable', undefined, 404, undefined],
    ['nothing changed', 'PATCH', '/1', {}, 400, ''],
  ])('%s › is refused', async (_what, method, path, body, status, pointer) => {
    const answer = await as(method, path, body);
    expect([answer.status, answer.body.errors?.[0]?.pointer]).toEqual([status, pointer]);
  });

  it('one that the settings list › keeps its name and stays', async () => {
    const { id } = (await list()).find(({ origin }) => origin === 'settings');
    expect((await as('PATCH', `/${id}`, { name: 'other' })).status).toBe(409);
    expect((await as('DELETE', `/${id}`)).status).toBe(409);
    expect((await as('PATCH', `/${id}`, { weight: 2 })).body.weight).toBe(2);
    await as('PATCH', `/${id}`, { weight: 1 });
  });

  describe('numbers that are paired on a node already', () => {
    /** As somebody without this gateway has it: a name of their own, their webhook, paired. */
    const paired = async (name: string, number: string) => {
      const at = nodes.nodes[1]!.url;
      await nodes.call(
        '/instance/create',
        {
          method: 'POST',
          body: {
            instanceName: name,
            integration: 'WHATSAPP-BAILEYS',
            number: number.slice(1),
            rejectCall: true,
          },
        },
        at,
      );
      await nodes.call(`/instance/connect/${encodeURIComponent(name)}`, {}, at);
      await until('it is open', async () => {
        const { instance } = await nodes.call(
          `/instance/connectionState/${encodeURIComponent(name)}`,
          {},
          at,
        );
        return instance.state === 'open';
      });
    };
    const adopt = (phones: object[]) => as('POST', `/${added.get(1)!}/adopt`, { phones });

    it('adopted › without a QR, they send and receive here, and keep how they behave', async () => {
      const number = newNumber();
      await paired('The shop #1', number);
      const { body: there } = await as('GET', `/${added.get(1)!}/adoptable`);
      expect(there.data.find((one: any) => one.name === 'The shop #1')).toEqual({
        name: 'The shop #1',
        phoneNumber: number,
        profileName: null,
        isOpen: true,
        isOurs: false,
      });
      const pairings = async () => (await nodes.ledger()).filter(({ kind }) => kind === 'pair').length;
      const before = await pairings();
      const { body } = await adopt([{ name: 'The shop #1', userId: user.id, deviceName: 'Shop' }]);
      expect(body.data).toEqual([{ name: 'The shop #1', phoneId: expect.any(Number), fault: null }]);
      const { phoneId } = body.data[0];
      await until('connected', async () => (await statusOf(phoneId)) === 'connected');
      expect((await user.api.get(`/api/phones/${phoneId}`)).body).toMatchObject({
        deviceName: 'Shop',
        phoneNumber: number,
        settings: { rejectCalls: true },
      });
      await settled(user, await send(phoneId, 'sent by an adopted phone'), OUT);
      await nodes.call('/sandbox/inbound', {
        method: 'POST',
        body: { to: number.slice(1), from: '628980000888', text: 'to an adopted phone' },
      });
      await until('received', async () => {
        const { data } = (await user.api.get(`/api/messages?phoneId=${phoneId}&direction=in`)).body;
        return data.some((one: any) => one.message === 'to an adopted phone');
      });
      expect(await pairings()).toBe(before);

      const again = await adopt([{ name: 'The shop #1', userId: user.id }]);
      expect(again.body.data[0].fault).toMatch(/adopted already/);
      const moved = await admin.api.post(`/api/admin/phones/${phoneId}/move`);
      expect(moved.status).toBe(202);
      await settled(user, await send(phoneId, 'and moved'), OUT);
      expect(await pairings()).toBe(before);
      const { data } = (await user.api.get('/api/me/audit?limit=2')).body;
      expect(data.map((one: any) => [one.action, one.actorId])).toEqual([
        ['POST /api/admin/phones/:id/move', admin.id],
        ['POST /api/admin/nodes/:id/adopt', admin.id],
      ]);
    });

    it('unpaired, unknown, or of nobody › told one by one, and nothing is changed', async () => {
      const at = nodes.nodes[1]!.url;
      await nodes.call(
        '/instance/create',
        { method: 'POST', body: { instanceName: 'empty', integration: 'WHATSAPP-BAILEYS' } },
        at,
      );
      await paired('of-nobody', newNumber());
      const phones = async () => (await gateway.database.queryAll('select 1 from phone_numbers')).length;
      const before = await phones();
      const { status, body } = await adopt([
        { name: 'empty', userId: user.id },
        { name: 'nothing', userId: user.id },
        { name: 'of-nobody', userId: 999_999 },
      ]);
      expect([status, body.data.map((one: any) => one.fault)]).toEqual([
        200,
        [
          expect.stringMatching(/no number/),
          expect.stringMatching(/holds nothing/),
          expect.stringMatching(/no user/),
        ],
      ]);
      expect(await phones()).toBe(before);
    });
  });

  describe('a number', () => {
    it('claimed by another user and not paired › free to anybody', async () => {
      const [one, other] = [await newUser(gateway.url), await newUser(gateway.url)];
      const phoneNumber = newNumber();
      await gateway.database.queryAll('update nodes set is_draining = true');
      expect((await one.api.post('/api/phones', { phoneNumber })).status).toBe(201);
      expect((await other.api.post('/api/phones', { phoneNumber })).status).toBe(201);
      await gateway.database.queryAll('update nodes set is_draining = false');
    });

    it('paired by another user › 409, nothing is stored; free again once it is unlinked there', async () => {
      const [one, other] = [await newUser(gateway.url), await newUser(gateway.url)];
      const { id, phoneNumber } = await newPhone(one);
      const { status, body } = await other.api.post('/api/phones', { phoneNumber });
      expect([status, body.code, body.errors[0].pointer]).toEqual([409, 'number_taken', '/phoneNumber']);
      expect((await other.api.get('/api/phones')).body.data).toEqual([]);
      await one.api.call('DELETE', `/api/phones/${id}`);
      expect((await other.api.post('/api/phones', { phoneNumber })).status).toBe(201);
    });

    it('paired by two at once › the first keeps it, the other is told', async () => {
      const [one, other] = [await newUser(gateway.url), await newUser(gateway.url)];
      const phoneNumber = newNumber();
      await gateway.database.queryAll('update nodes set is_draining = true');
      const ids = [
        [one, (await one.api.post('/api/phones', { phoneNumber })).body.id],
        [other, (await other.api.post('/api/phones', { phoneNumber })).body.id],
      ] as [TestUser, number][];
      await gateway.database.queryAll('update nodes set is_draining = false');
      await until('both are settled', async () => {
        const views = await Promise.all(ids.map(([who, id]) => who.api.get(`/api/phones/${id}`)));
        const states = views.map(({ body }) => `${body.status} ${body.reason}`).sort();
        return states.join() === 'conflict number_taken,connected null';
      });
    });

    it.each([
      ['of no country', '+999123456789'],
      ['too short', '+6281'],
      ['a landline', '+442071838750'],
      ['toll-free', '+18005550199'],
      ['a premium line', '+449098790000'],
    ])('%s › 400 that names it', async (_what, phoneNumber) => {
      const { status, body } = await user.api.post('/api/phones', { phoneNumber });
      expect([status, body.errors?.[0]?.pointer]).toEqual([400, '/phoneNumber']);
    });
  });
});
