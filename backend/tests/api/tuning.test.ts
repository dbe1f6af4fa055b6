import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newNumber, newPhone, newUser, type TestUser } from '../support/client.js';
import { startGateway, type TestGateway } from '../support/gateway.js';
import { startNodes, type TestNodes } from '../support/nodes.js';
import { until } from '../support/until.js';

describe('how a phone behaves, and through what it is connected', () => {
  let nodes: TestNodes;
  let gateway: TestGateway;
  let user: TestUser;
  beforeAll(async () => {
    nodes = await startNodes(1);
    gateway = await startGateway({
      env: { EVOLUTION_NODES: nodes.list(), ALLOWED_PRIVATE_NETWORKS: '', ALLOWED_PROXIES: 'proxy.internal' },
    });
    user = await newUser(gateway.url);
  });
  afterAll(async () => {
    await gateway?.stop();
    await nodes?.stop();
  });

  const PROXY = {
    protocol: 'socks5',
    host: '203.0.114.7',
    port: 1080,
    username: 'me',
    password: 'hidden-word',
  };
  const patch = (id: number, body: unknown) => user.api.call('PATCH', `/api/phones/${id}`, body);
  const find = async (id: number) => (await user.api.get(`/api/phones/${id}`)).body;
  const atNode = async (id: number, what: 'settings' | 'proxy') => {
    const [row] = await gateway.database.queryAll<{ id: string }>(
      'select id from placements where phone_id = $1 and ended_at is null',
      [id],
    );
    return row && nodes.call(`/${what}/find/${row.id}`);
  };
  const connected = (id: number) => until('connected', async () => (await find(id)).status === 'connected');

  it('settings of a connected phone › its node has them, those left out stay', async () => {
    const { id } = await newPhone(user);
    const { status, body } = await patch(id, {
      settings: { rejectCalls: true, rejectCallsMessage: 'Write!' },
    });
    expect([status, body.settings.rejectCalls, body.settings.ignoreGroups]).toEqual([200, true, false]);
    await until('told', async () => (await atNode(id, 'settings')).rejectCall === true);
    await patch(id, { settings: { ignoreGroups: true } });
    await until('told again', async () => (await atNode(id, 'settings')).groupsIgnore === true);
    expect(await atNode(id, 'settings')).toMatchObject({ rejectCall: true, msgCall: 'Write!' });
    expect((await find(id)).status).toBe('connected');
  });

  it('settings of a phone whose node is away › told when it is back', async () => {
    const { id } = await newPhone(user);
    await nodes.nodes[0]!.kill();
    expect((await patch(id, { settings: { alwaysOnline: true } })).status).toBe(200);
    await nodes.nodes[0]!.start();
    await until('told', async () => (await atNode(id, 'settings'))?.alwaysOnline === true);
  });

  it('a proxy › is used from the next connection on, its password shown to nobody', async () => {
    const { id } = await newPhone(user);
    const { body } = await patch(id, { proxy: PROXY });
    const { password: _password, ...shown } = PROXY;
    expect(body.proxy).toEqual({ ...shown, state: 'pending' });
    await until('applied', async () => (await find(id)).proxy.state === 'applied');
    expect(await atNode(id, 'proxy')).toMatchObject({ ...PROXY, port: '1080', enabled: true });
    await connected(id);
    const [row] = await gateway.database.queryAll(`select proxy::text from phone_numbers where id = ${id}`);
    expect(JSON.stringify(row)).not.toContain(PROXY.password);

    expect((await patch(id, { proxy: null })).body.proxy).toBeNull();
    await until('taken away', async () => (await atNode(id, 'proxy')).enabled === false);
    await connected(id);
  });

  it('a proxy that its node cannot use › says so, and the phone goes on without', async () => {
    const { id } = await newPhone(user);
    await patch(id, { proxy: { ...PROXY, port: 1 } });
    await until('refused', async () => (await find(id)).proxy.state === 'refused');
    expect((await find(id)).status).toBe('connected');
  });

  it('a phone that is to have a proxy from the start › is not connected without it', async () => {
    await nodes.nodes[0]!.kill();
    const { body: phone } = await user.api.post('/api/phones', { phoneNumber: newNumber() });
    await patch(phone.id, { proxy: { ...PROXY, port: 1 } });
    await nodes.nodes[0]!.start();
    await until('refused', async () => (await find(phone.id)).reason === 'proxy_refused');
    expect(await find(phone.id)).toMatchObject({ status: 'new', remedy: expect.stringMatching(/proxy/) });
    await patch(phone.id, { proxy: PROXY });
    await connected(phone.id);
    expect(await atNode(phone.id, 'proxy')).toMatchObject({ host: PROXY.host, enabled: true });
  });

  it.each([
    '127.0.0.1',
    '10.0.0.1',
    '169.254.169.254',
    '::1',
    '::ffff:127.0.0.1',
    '2130706433',
    '0x7f.1',
    'localhost',
    'proxy.example.com',
    '[::1]',
    '203.0.114.7@127.0.0.1',
  ])('a proxy at %s › 422 that names it, and nothing is changed', async (host) => {
    const { body: phone } = await user.api.post('/api/phones', { phoneNumber: newNumber() });
    const { status, body } = await patch(phone.id, { deviceName: 'Other', proxy: { ...PROXY, host } });
    expect([status, body.errors[0].pointer]).toEqual([422, '/proxy/host']);
    expect(await find(phone.id)).toMatchObject({ deviceName: phone.deviceName, proxy: null });
  });

  it('a proxy of the operator’s list › is taken', async () => {
    const { body: phone } = await user.api.post('/api/phones', { phoneNumber: newNumber() });
    const { status } = await patch(phone.id, {
      proxy: { protocol: 'http', host: 'proxy.internal', port: 8888 },
    });
    expect(status).toBe(200);
  });
});
