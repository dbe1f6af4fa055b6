import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newNumber, newPhone, newUser, settled, type TestUser } from '../support/client.js';
import { startGateway, type TestGateway } from '../support/gateway.js';
import { startNodes, type TestNodes } from '../support/nodes.js';
import { placedPhone, textFrom } from '../support/placed.js';
import { startReceiver, type Receiver } from '../support/receiver.js';
import { until } from '../support/until.js';

describe("a phone's life", () => {
  let nodes: TestNodes;
  let gateway: TestGateway;
  let receiver: Receiver;
  let user: TestUser;
  beforeAll(async () => {
    nodes = await startNodes(1);
    gateway = await startGateway({ env: { EVOLUTION_NODES: nodes.list() } });
    receiver = await startReceiver();
    user = await newUser(gateway.url);
  });
  afterAll(async () => {
    await gateway?.stop();
    await nodes?.stop();
    await receiver?.stop();
  });

  const statusOf = async (id: number) => (await user.api.get(`/api/phones/${id}`)).body.status;
  const connected = (id: number) => until('connected', async () => (await statusOf(id)) === 'connected');
  const placementsOf = (id: number) =>
    gateway.database.queryAll<{ id: string; ended_at: Date | null; cleared_at: Date | null }>(
      'select id, ended_at, cleared_at from placements where phone_id = $1 order by generation',
      [id],
    );
  const isForgotten = async (placement: string) =>
    (await nodes.call(`/instance/connectionState/${placement}`)).status === 404;
  const remove = (id: number) => user.api.call('DELETE', `/api/phones/${id}`);
  const send = async (phoneId: number, message: string, more = {}) =>
    (await user.api.post('/api/messages/send', { phoneId, to: '+628981119999', message, ...more })).body;

  describe('logged out', () => {
    it('what waits › waits on, and goes out when it is connected again, under another placement', async () => {
      const { id } = await newPhone(user, { webhookUrl: receiver.url });
      const { status, body } = await user.api.post(`/api/phones/${id}/logout`);
      expect([status, body.status, body.reason]).toEqual([200, 'logged_out', 'logged_out_by_owner']);
      expect(body.remedy).toMatch(/Connect the phone again/);
      await until('its owner is told', () =>
        receiver
          .of('phone.status')
          .some(({ body: told }) => told.data.phoneId === id && told.data.status === 'logged_out'),
      );
      const [before] = await placementsOf(id);
      await until('its node forgets it', () => isForgotten(before!.id));
      expect((await send(id, 'too early')).code).toBe('phone_logged_out');

      const again = await user.api.post(`/api/phones/${id}/connect`);
      expect([again.status, again.body.status]).toEqual([200, 'new']);
      const waiting = await send(id, 'when you are back');
      await settled(user, waiting.id, ['sent', 'delivered', 'read']);
      const [ended, current] = await placementsOf(id);
      expect([ended!.cleared_at, current!.ended_at]).toEqual([expect.any(Date), null]);
      expect(current!.id).not.toBe(before!.id);
    });

    it('twice › is told once', async () => {
      const { id } = await newPhone(user);
      await Promise.all([1, 2].map(() => user.api.post(`/api/phones/${id}/logout`)));
      expect(await statusOf(id)).toBe('logged_out');
      const told = await gateway.database.queryAll(
        `select 1 from events where type = 'phone.status' and body::jsonb->'data'->>'phoneId' = $1 and body::jsonb->'data'->>'status' = 'logged_out'`,
        [String(id)],
      );
      expect(told.length).toBe(1);
    });
  });

  describe('connect', () => {
    it('of a connected phone › 409', async () => {
      const { id } = await newPhone(user);
      const { status, body } = await user.api.post(`/api/phones/${id}/connect`);
      expect([status, body.code]).toEqual([409, 'phone_connected']);
    });

    it('another method › 400 that names it', async () => {
      const { id } = await newPhone(user);
      const { status, body } = await user.api.post(`/api/phones/${id}/connect`, { method: 'fax' });
      expect([status, body.errors[0].pointer]).toEqual([400, '/method']);
    });
  });

  describe('restart', () => {
    it('of a connected phone › opens its connection anew, and it sends on', async () => {
      const { id } = await newPhone(user);
      expect((await user.api.post(`/api/phones/${id}/restart`)).status).toBe(200);
      await connected(id);
      await settled(user, (await send(id, 'after a restart')).id, ['sent', 'delivered', 'read']);
    });

    it('of one that is logged out › 409', async () => {
      const { id } = await newPhone(user);
      await user.api.post(`/api/phones/${id}/logout`);
      const { status, body } = await user.api.post(`/api/phones/${id}/restart`);
      expect([status, body.code]).toEqual([409, 'phone_offline']);
    });
  });

  describe('removed', () => {
    it('in reach of nobody from then on › what waited is cancelled, what was said stays', async () => {
      const { id } = await newPhone(user, { webhookUrl: `${receiver.url}/removed` });
      const sent = await send(id, 'said');
      await settled(user, sent.id, ['sent', 'delivered', 'read']);
      await user.api.post(`/api/phones/${id}/pause`);
      const waiting = await send(id, 'unsaid');
      const later = await send(id, 'later', { sendAt: new Date(Date.now() + 3_600_000).toISOString() });
      const [placement] = await placementsOf(id);

      expect((await remove(id)).status).toBe(204);
      for (const path of ['', '/qr', '/chats', '/pace'])
        expect((await user.api.get(`/api/phones/${id}${path}`)).status).toBe(404);
      expect((await remove(id)).status).toBe(404);
      const { body: phones } = await user.api.get('/api/phones');
      expect(phones.data.map((phone: any) => phone.id)).not.toContain(id);
      const { body: webhooks } = await user.api.get('/api/webhooks');
      expect(webhooks.data.map((webhook: any) => webhook.phoneId)).not.toContain(id);

      for (const message of [waiting, later])
        expect(await settled(user, message.id, ['cancelled'])).toMatchObject({ reason: 'phone_removed' });
      expect(['sent', 'delivered', 'read']).toContain(
        (await user.api.get(`/api/messages/${sent.id}`)).body.status,
      );
      expect((await send(id, 'never')).code).toBe('not_found');
      await until('its node forgets it', () => isForgotten(placement!.id));
    });

    it('its number › is free to be added again, as another phone', async () => {
      const { id, phoneNumber } = await newPhone(user);
      await remove(id);
      const again = await newPhone(user, { phoneNumber });
      expect(again.id).not.toBe(id);
      await settled(user, (await send(again.id, 'anew')).id, ['sent', 'delivered', 'read']);
    });

    it('what its node still posts › is refused for good, and told to nobody', async () => {
      const phone = await placedPhone(gateway, user);
      const say = (id: string) =>
        phone
          .say('messages.upsert', textFrom('+628112223344', id, `hello ${id}`))
          .then(({ status }) => status);
      expect(await say('BEFORE')).toBe(200);
      await remove(phone.id);
      expect(await say('AFTER')).toBe(401);
      const { body } = await user.api.get('/api/messages?chat=%2B628112223344');
      expect(body.data.map((message: any) => message.message)).toEqual(['hello BEFORE']);
    });

    it('while its node is away › at once; the node forgets it when it is back', async () => {
      const { id } = await newPhone(user);
      const [placement] = await placementsOf(id);
      await nodes.nodes[0]!.kill();
      expect((await remove(id)).status).toBe(204);
      expect((await user.api.get(`/api/phones/${id}`)).status).toBe(404);
      await nodes.nodes[0]!.start();
      await until('its node forgets it', () => isForgotten(placement!.id));
      await until('that is known', async () => (await placementsOf(id))[0]!.cleared_at !== null);
    });
  });

  describe('a phone that nobody scans', () => {
    it('connected by pairing code › is shown one to type, beside the QR', async () => {
      const still = await startNodes(1, { SANDBOX_SCAN_MS: '0' });
      const other = await startGateway({ env: { EVOLUTION_NODES: still.list() } });
      try {
        const owner = await newUser(other.url);
        const { body: phone } = await owner.api.post('/api/phones', { phoneNumber: newNumber() });
        const qr = (wanted: (body: any) => boolean) =>
          until('it is shown', async () => {
            const { status, body } = await owner.api.get(`/api/phones/${phone.id}/qr`);
            if (status !== 200) throw new Error(`${status} ${body.code}`);
            return wanted(body) && body;
          });
        expect(await qr(() => true)).toMatchObject({ code: expect.any(String), pairingCode: null });
        const { status } = await owner.api.post(`/api/phones/${phone.id}/connect`, { method: 'pairingCode' });
        expect(status).toBe(200);
        const shown = await qr(({ pairingCode }) => pairingCode !== null);
        expect(shown).toMatchObject({
          pairingCode: expect.stringMatching(/^[A-Z0-9]{8}$/),
          code: expect.any(String),
        });
      } finally {
        await other.stop();
        await still.stop();
      }
    });
  });
});
