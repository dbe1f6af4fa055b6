import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { io } from 'socket.io-client';
import { client, newNumber, newUser, type TestUser } from '../support/client.js';
import { startGateway, type TestGateway } from '../support/gateway.js';
import { startNodes, type TestNodes } from '../support/nodes.js';
import { until } from '../support/until.js';

describe('pairing', () => {
  let nodes: TestNodes;
  let gateway: TestGateway;
  let user: TestUser;
  beforeAll(async () => {
    // Nobody scans by himself here.
    nodes = await startNodes(1, { SANDBOX_SCAN_MS: '0' });
    gateway = await startGateway({ env: { EVOLUTION_NODES: nodes.list() } });
    user = await newUser(gateway.url);
  });
  afterAll(async () => {
    await gateway?.stop();
    await nodes?.stop();
  });

  const add = async () => (await user.api.post('/api/phones', { phoneNumber: newNumber() })).body;
  const qrOf = (id: number) =>
    until('there is a QR', async () => {
      const answer = await user.api.get(`/api/phones/${id}/qr`);
      if (answer.status !== 200) throw new Error(`${answer.status} ${answer.body.code}`);
      return answer;
    });
  const placementOf = async (id: number) =>
    (
      await gateway.database.queryAll<{ id: string }>('select id from placements where phone_id = $1', [id])
    )[0]!.id;

  it('a phone just added › its QR › comes as code and picture, not cached, announced on the socket without the code', async () => {
    const socket = io(gateway.url, {
      auth: { token: user.token, lastSequence: 0 },
      transports: ['websocket'],
    });
    const heard: any[] = [];
    socket.onAny((_name, envelope) => heard.push(envelope));
    const phone = await add();
    const { body, headers } = await qrOf(phone.id);
    expect(body).toMatchObject({
      phoneId: phone.id,
      status: 'pairing',
      image: expect.stringMatching(/^data:image\/png;base64,/),
    });
    expect(headers.get('cache-control')).toBe('no-store');
    await until('announced', () => heard.some((e) => e.event === 'phone.qr' && e.data.phoneId === phone.id));
    expect(JSON.stringify(heard)).not.toContain(body.code);
    const [row] = await gateway.database.queryAll<{ qr: string }>(
      'select qr from phone_numbers where id = $1',
      [phone.id],
    );
    expect(row!.qr).not.toContain(body.code);
    socket.close();
  });

  it('scanned › by the right number › connected, and asking for a QR says so', async () => {
    const phone = await add();
    await qrOf(phone.id);
    await nodes.call('/sandbox/scan', {
      method: 'POST',
      body: { instance: await placementOf(phone.id), number: phone.phoneNumber.slice(1) },
    });
    await until('connected', async () => (await user.api.get(`/api/phones/${phone.id}`)).body.isConnected);
    const again = await user.api.get(`/api/phones/${phone.id}/qr`);
    expect([again.status, again.body.code]).toEqual([409, 'phone_connected']);
    expect((await user.api.get(`/api/phones/${phone.id}`)).body.sessionData).toMatchObject({
      number: phone.phoneNumber,
    });
  });

  it('scanned › by another number › mismatch, and nothing is sent through it', async () => {
    const phone = await add();
    await qrOf(phone.id);
    await nodes.call('/sandbox/scan', {
      method: 'POST',
      body: { instance: await placementOf(phone.id), number: '628110001234' },
    });
    await until(
      'mismatch',
      async () => (await user.api.get(`/api/phones/${phone.id}`)).body.status === 'mismatch',
    );
    const send = await user.api.post('/api/messages/send', {
      phoneId: phone.id,
      to: '+628981119999',
      message: 'x',
    });
    expect([send.status, send.body.code]).toEqual([409, 'phone_logged_out']);
  });

  it('a message to a phone not paired yet › accepted › waits, and goes out when it is', async () => {
    const phone = await add();
    const { body: message } = await user.api.post('/api/messages/send', {
      phoneId: phone.id,
      to: '+628981119999',
      message: 'patience',
    });
    await qrOf(phone.id);
    expect((await user.api.get(`/api/messages/${message.id}`)).body).toMatchObject({
      status: 'queued',
      attempts: 0,
    });
    await nodes.call('/sandbox/scan', {
      method: 'POST',
      body: { instance: await placementOf(phone.id), number: phone.phoneNumber.slice(1) },
    });
    await until(
      'read',
      async () => (await user.api.get(`/api/messages/${message.id}`)).body.status === 'read',
    );
  });

  const paired = async () => {
    const phone = await add();
    await qrOf(phone.id);
    const instance = await placementOf(phone.id);
    await nodes.call('/sandbox/scan', {
      method: 'POST',
      body: { instance, number: phone.phoneNumber.slice(1) },
    });
    await until('connected', async () => (await user.api.get(`/api/phones/${phone.id}`)).body.isConnected);
    return { ...phone, instance };
  };
  const statusOf = async (id: number) => (await user.api.get(`/api/phones/${id}`)).body.status;

  it('regression › logged out on the phone, the node’s posts of it lost › logged out, as the node’s row says', async () => {
    const { id, instance } = await paired();
    const lost = await nodes.call('/sandbox/faults', {
      method: 'POST',
      body: { instance, dropWebhooks: true },
    });
    await nodes.call('/sandbox/faults', { method: 'POST', body: { instance, logout: 401 } });
    await until('the node says close', async () => {
      const { instance: there } = await nodes.call(`/instance/connectionState/${instance}`);
      return there.state === 'close';
    });
    await nodes.call(`/sandbox/faults/${lost.id}`, { method: 'DELETE' });
    // Whatever makes the gateway look: a send does.
    await user.api.post('/api/messages/send', { phoneId: id, to: '+628981119999', message: 'x' });
    await until('logged out', async () => (await statusOf(id)) === 'logged_out');
    const { body } = await user.api.get(`/api/phones/${id}`);
    expect(body).toMatchObject({ reason: 'logged_out_on_phone', sessionData: { endedBy: 401 } });
  });

  it('regression › its node lost it without a logout › is made anew there, shows a QR, and is paired again', async () => {
    const { id, instance, phoneNumber } = await paired();
    await nodes.database.query(`delete from "Instance" where name = '${instance}'`);
    await nodes.nodes[0]!.kill();
    await nodes.nodes[0]!.start();
    await user.api.post('/api/messages/send', { phoneId: id, to: '+628981119999', message: 'x' });
    await until('there is a QR', async () => (await user.api.get(`/api/phones/${id}/qr`)).status === 200);
    expect(await statusOf(id)).toBe('pairing');
    await nodes.call('/sandbox/scan', {
      method: 'POST',
      body: { instance, number: phoneNumber.slice(1) },
    });
    await until('connected', async () => (await statusOf(id)) === 'connected');
  });

  it('health › live and ready › are answered without credentials', async () => {
    const api = client(gateway.url);
    expect((await api.get('/health/live')).body).toEqual({ status: 'ok' });
    expect((await api.get('/health/ready')).body).toEqual({ status: 'ok' });
  });
});
