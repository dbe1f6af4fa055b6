import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newPhone, newUser, type TestUser } from '../support/client.js';
import { startGateway, type TestGateway } from '../support/gateway.js';
import { startNodes, type TestNodes } from '../support/nodes.js';
import { placesOf as placesIn } from '../support/places.js';
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.js';
import { until } from '../support/until.js';

describe('a contact erased', () => {
  let nodes: TestNodes;
  let gateway: TestGateway;
  /** To the nodes' database. */
  let proxy: TcpProxy;
  beforeAll(async () => {
    nodes = await startNodes(1);
    const url = new URL(nodes.store.EVOLUTION_DATABASE_URL);
    proxy = await startTcpProxy({ host: url.hostname, port: Number(url.port) });
    url.hostname = '127.0.0.1';
    url.port = String(proxy.port);
    gateway = await startGateway({
      env: { EVOLUTION_NODES: nodes.list(), ...nodes.store, EVOLUTION_DATABASE_URL: url.href },
    });
  });
  afterAll(async () => {
    await gateway?.stop();
    await nodes?.stop();
    await proxy?.stop();
  });

  const placesOf = (text: string) => placesIn(text, { gateway, nodes });
  const hear = (phoneNumber: string, from: string, more = {}) =>
    nodes.call('/sandbox/inbound', {
      method: 'POST',
      body: { to: phoneNumber.slice(1), from: from.slice(1), text: 'heard', ...more },
    });
  /** The newest, when there are so many. */
  const heard = (user: TestUser, count = 1) =>
    until('it is heard', async () => {
      const { data } = (await user.api.get('/api/messages?direction=in&limit=100')).body;
      return data.length >= count ? data[0] : null;
    });
  const ask = async (user: TestUser, contact: string): Promise<number> => {
    const asked = await user.api.post('/api/erasures', { contact });
    expect(asked.status).toBe(202);
    return asked.body.id;
  };
  const done = (user: TestUser, id: number) =>
    until('it is done', async () => (await user.api.get(`/api/erasures/${id}`)).body.status === 'done');

  it('regression › the nodes’ database is away › not done until it is back and nothing is left there', async () => {
    const contact = '+628910010005';
    const user = await newUser(gateway.url);
    const phone = await newPhone(user);
    await hear(phone.phoneNumber, contact);
    await heard(user);
    proxy.cut();
    const id = await ask(user, contact);
    try {
      await until('all of ours was erased', async () => {
        const jobs = await gateway.database.queryAll<{ waits: boolean }>(
          `select lease_id is null and ready_at > now() + interval '2 seconds' as waits from jobs where user_id = ${user.id}`,
        );
        return jobs[0]?.waits === true;
      });
      expect((await user.api.get(`/api/erasures/${id}`)).body.status).toBe('pending');
      expect((await user.api.get('/api/messages')).body.data).toEqual([]);
    } finally {
      proxy.mend();
    }
    await done(user, id);
    expect(await placesOf(contact.slice(1))).toEqual([]);
  });
});
