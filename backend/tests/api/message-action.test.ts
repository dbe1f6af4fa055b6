import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newNumber, newPhone, newUser, settled, type TestUser } from '../support/client.js';
import { startGateway, type TestGateway } from '../support/gateway.js';
import { startNodes, type TestNodes } from '../support/nodes.js';
import { until } from '../support/until.js';

const SENT = ['sent', 'delivered', 'read'];

describe('what is done to messages', () => {
  let nodes: TestNodes;
  let gateway: TestGateway;
  let user: TestUser;
  let phone: Awaited<ReturnType<typeof newPhone>>;
  beforeAll(async () => {
    nodes = await startNodes(1);
    gateway = await startGateway({ env: { EVOLUTION_NODES: nodes.list(), NODE_TIMEOUT: '2' } });
    user = await newUser(gateway.url);
    phone = await newPhone(user);
  });
  afterAll(async () => {
    await gateway?.stop();
    await nodes?.stop();
  });

  const to = '+628985550001';
  const sent = async (draft: object = {}) => {
    const { body } = await user.api.post('/api/messages/send', {
      phoneId: phone.id,
      to,
      ...('type' in draft ? {} : { message: 'as it was' }),
      ...draft,
    });
    return settled(user, body.id, SENT);
  };
  const inbound = async (more: object) => {
    const { id } = await nodes.call('/sandbox/inbound', {
      method: 'POST',
      body: { to: phone.phoneNumber.slice(1), from: '628985550009', ...more },
    });
    return until('it is stored', async () => {
      const { body } = await user.api.get(`/api/messages?phoneId=${phone.id}&direction=in&limit=100`);
      return body.data.find((m: any) => m.whatsappId === id);
    });
  };
  const ledger = async (query: string) => (await nodes.call(`/sandbox/ledger?${query}`)).entries as any[];
  const told = async (messageId: number, type: string) =>
    (await user.api.get('/api/events?limit=100')).body.data.filter(
      (e: any) => e.event === type && e.data.messageId === messageId,
    );
  const patch = (id: number, message: string) => user.api.call('PATCH', `/api/messages/${id}`, { message });
  const remove = (id: number) => user.api.call('DELETE', `/api/messages/${id}`);

  it('a sent text › edited › the recipient has the new words, and so has the list, told once', async () => {
    const { id, whatsappId } = await sent();
    const { status, body } = await patch(id, 'as it is');
    expect([status, body.message, body.editedAt]).toEqual([200, 'as it is', expect.any(String)]);
    const [entry] = await ledger('kind=edit&text=as%20it%20is');
    expect(entry.message.protocolMessage.key).toMatchObject({ id: whatsappId, fromMe: true });
    await patch(id, 'as it will be');
    expect((await user.api.get(`/api/messages/${id}`)).body.message).toBe('as it will be');
    // The node tells of edits as well; by now it has told of the first.
    const edits = await told(id, 'message.edited');
    expect(edits.map((e: any) => e.data.message)).toEqual(['as it is', 'as it will be']);
  });

  it('a sent message › deleted twice › revoked once, kept with its mark, told once', async () => {
    const { id, whatsappId } = await sent({ message: 'regret' });
    expect((await remove(id)).body).toMatchObject({ id, message: 'regret', deletedAt: expect.any(String) });
    expect((await remove(id)).status).toBe(200);
    const revokes = (await ledger('kind=revoke')).filter(
      (e) => e.message.protocolMessage.key.id === whatsappId,
    );
    expect(revokes).toHaveLength(1);
    expect(await told(id, 'message.deleted')).toHaveLength(1);
    expect(await patch(id, 'too late')).toMatchObject({ status: 409, body: { code: 'conflict' } });
  });

  it.each([
    ['a poll', { type: 'poll', poll: { name: 'Q', options: ['a', 'b'] } }],
    ['a location', { type: 'location', location: { latitude: 0, longitude: 0 } }],
  ])('%s › edited › 422; deleted › gone', async (_what, draft) => {
    const { id } = await sent(draft);
    expect(await patch(id, 'words')).toMatchObject({ status: 422, body: { code: 'unprocessable' } });
    expect((await remove(id)).status).toBe(200);
  });

  it('a text sent 16 minutes ago › edited › 409, and nothing reached the network', async () => {
    const { id } = await sent();
    await gateway.database.query(
      `begin; set local app.user_ids = '{${user.id}}';
       update message_timeline set at = at - interval '16 minutes' where message_id = ${id}; commit`,
    );
    expect(await patch(id, 'sixteen')).toMatchObject({
      status: 409,
      body: { code: 'conflict', detail: expect.stringContaining('15 minutes') },
    });
    expect(await ledger('text=sixteen')).toEqual([]);
  });

  it('what a contact said › edited or deleted by us › 422', async () => {
    const { id } = await inbound({ text: 'theirs' });
    expect([(await patch(id, 'ours')).status, (await remove(id)).status]).toEqual([422, 422]);
  });

  it('three received messages › the second marked as read › it and the one before it, once, and the sender is told', async () => {
    const from = '628985551119';
    const all = [];
    for (const text of ['one', 'two', 'three']) all.push(await inbound({ from, text }));
    const first = await user.api.post(`/api/messages/${all[1].id}/read`);
    expect([first.status, first.body]).toEqual([200, { phoneId: phone.id, chat: `+${from}`, messages: 2 }]);
    expect((await user.api.post(`/api/messages/${all[1].id}/read`)).body.messages).toBe(0);
    const statuses = await Promise.all(
      all.map(async ({ id }) => (await user.api.get(`/api/messages/${id}`)).body.status),
    );
    expect(statuses).toEqual(['read', 'read', 'received']);
    const marks = await ledger(`kind=read&to=${from}`);
    expect(marks.map((e) => e.messageId).sort()).toEqual([all[0].whatsappId, all[1].whatsappId].sort());
    const { body: chats } = await user.api.get(`/api/phones/${phone.id}/chats`);
    expect(chats.data.find((one: any) => one.chat === `+${from}`).unread).toBe(1);
  });

  it('a message in a group, by a LID › marked as read › the receipt names who wrote it', async () => {
    const { id: group } = await nodes.call('/sandbox/inbound', {
      method: 'POST',
      body: { to: phone.phoneNumber.slice(1), from: '628985552229', type: 'group', text: 'G' },
    });
    const message = await inbound({ from: '628985552229', group, text: 'in the group', addressing: 'lid' });
    expect(message).toMatchObject({ from: '+628985552229', lid: expect.stringMatching(/^lid:/) });
    expect((await user.api.post(`/api/messages/${message.id}/read`)).body.messages).toBe(1);
    expect(await ledger('kind=read&to=628985552229')).toHaveLength(1);
  });

  it('one’s own message › marked as read › 422', async () => {
    const { id } = await sent();
    expect((await user.api.post(`/api/messages/${id}/read`)).status).toBe(422);
  });

  it('typing › shown to a linked phone › 204 when its time is over', async () => {
    const start = Date.now();
    const { status } = await user.api.post(`/api/phones/${phone.id}/presence`, {
      to,
      state: 'typing',
      durationMs: 300,
    });
    expect(status).toBe(204);
    expect(Date.now() - start).toBeGreaterThanOrEqual(300);
  });

  it('a phone that is not connected › asked to do any of it › 409 that says so', async () => {
    const { body: lonely } = await user.api.post('/api/phones', { phoneNumber: newNumber() });
    const answer = await user.api.post(`/api/phones/${lonely.id}/presence`, { to, state: 'paused' });
    expect(answer).toMatchObject({ status: 409, body: { code: 'phone_offline' } });
    const { body } = await user.api.post('/api/messages/send', {
      phoneId: lonely.id,
      to,
      message: 'waits',
    });
    expect((await patch(body.id, 'x')).body.code).toBe('conflict');
    expect((await remove(body.id)).body.code).toBe('conflict');
  });

  it('a node that fails › asked to edit › 503, nothing changed here, and the next try works', async () => {
    const { id } = await sent();
    await nodes.call('/sandbox/faults', {
      method: 'POST',
      body: { status: 500, calls: '/chat/updateMessage', count: 1 },
    });
    const failed = await patch(id, 'second try');
    expect(failed).toMatchObject({ status: 503, body: { code: 'unavailable' } });
    expect((await user.api.get(`/api/messages/${id}`)).body.message).toBe('as it was');
    expect((await patch(id, 'second try')).status).toBe(200);
  });

  it.each([
    ['a quote', (id: number) => ({ message: 'x', quotedMessageId: id }), '/quotedMessageId'],
    [
      'a reaction',
      (id: number) => ({ type: 'reaction', reaction: { messageId: id, emoji: '👍' } }),
      '/reaction/messageId',
    ],
  ])(
    '%s of a stranger’s, of another chat’s and of an unsent message › refused › 404 or 422 naming the field',
    async (_what, draft, pointer) => {
      const stranger = await newUser(gateway.url);
      const { id: other } = await sent({ to: '+628985550002' });
      const { body: waiting } = await user.api.post('/api/messages/send', {
        phoneId: (await user.api.post('/api/phones', { phoneNumber: newNumber() })).body.id,
        to,
        message: 'waits',
      });
      const ask = async (id: number, by = user) => {
        const { status, body } = await by.api.post('/api/messages/send', {
          phoneId: phone.id,
          to,
          ...draft(id),
        });
        return [status, body.errors?.[0]?.pointer];
      };
      expect(await ask(other)).toEqual([422, pointer]);
      expect(await ask(waiting.id)).toEqual([422, pointer]);
      expect(await ask(999_999_999)).toEqual([404, pointer]);
      expect(await ask(other, stranger)).toEqual([404, pointer]);
    },
  );

  it('an Idempotency-Key › repeated with a quote whose message went meanwhile › the first answer', async () => {
    const quoted = await sent({ message: 'goes away' });
    const ask = (more: object = {}) =>
      user.api.post(
        '/api/messages/send',
        { phoneId: phone.id, to, message: 'again', quotedMessageId: quoted.id, ...more },
        { 'idempotency-key': `quote-${quoted.id}` },
      );
    const first = await ask();
    await settled(user, first.body.id, SENT);
    await gateway.database.query(
      `begin; set local app.user_ids = '{${user.id}}'; delete from messages where id = ${quoted.id}; commit`,
    );
    const second = await ask();
    expect([second.status, second.headers.get('idempotent-replayed'), second.body]).toEqual([
      202,
      'true',
      first.body,
    ]);
    expect((await ask({ linkPreview: false })).body.code).toBe('idempotency_mismatch');
  });
});
