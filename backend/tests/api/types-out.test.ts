import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newPhone, newUser, settled, type TestUser } from '../support/client.js';
import { startGateway, type TestGateway } from '../support/gateway.js';
import { startNodes, type TestNodes } from '../support/nodes.js';
import { until } from '../support/until.js';

const SENT = ['sent', 'delivered', 'read'];

describe('every type out', () => {
  let nodes: TestNodes;
  let gateway: TestGateway;
  let user: TestUser;
  let phone: Awaited<ReturnType<typeof newPhone>>;
  beforeAll(async () => {
    nodes = await startNodes(1);
    gateway = await startGateway({
      env: { EVOLUTION_NODES: nodes.list(), SEND_TIMEOUT: '3', UNKNOWN_HOLD: '1' },
    });
    user = await newUser(gateway.url);
    phone = await newPhone(user);
  });
  afterAll(async () => {
    await gateway?.stop();
    await nodes?.stop();
  });

  const to = '+628985550001';
  const send = async (draft: object, statuses = SENT) => {
    const { status, body } = await user.api.post('/api/messages/send', { phoneId: phone.id, ...draft });
    expect([status, body]).toEqual([202, expect.anything()]);
    return settled(user, body.id, statuses);
  };
  /** What the simulated network holds under the WhatsApp id of a message. */
  const arrived = async (message: any) => {
    const { entries } = await nodes.call(`/sandbox/ledger?messageId=${message.whatsappId}`);
    expect(entries).toHaveLength(1);
    return entries[0];
  };

  it.each([
    [
      'text',
      { message: 'Hello *world* https://example.com', linkPreview: false },
      { conversation: 'Hello *world* https://example.com' },
    ],
    [
      'location',
      { location: { latitude: -6.2, longitude: 106.8, name: 'Office', address: 'Street 1' } },
      {
        locationMessage: {
          degreesLatitude: -6.2,
          degreesLongitude: 106.8,
          name: 'Office',
          address: 'Street 1',
        },
      },
    ],
    [
      'location',
      { location: { latitude: 90, longitude: -180 } },
      { locationMessage: { degreesLatitude: 90, degreesLongitude: -180 } },
    ],
    [
      'contact',
      {
        contacts: [
          {
            name: 'Jane Doe',
            phoneNumber: '+62 811-1111-1111',
            organization: 'ACME',
            email: 'jane@example.com',
            url: 'https://example.com',
          },
        ],
      },
      {
        contactMessage: {
          displayName: 'Jane Doe',
          vcard: expect.stringMatching(/ORG:ACME;[\s\S]*waid=6281111111111:\+6281111111111/),
        },
      },
    ],
    [
      'contact',
      {
        contacts: [
          { name: 'A', phoneNumber: '+6281111111111' },
          { name: 'B', phoneNumber: '+6281111111112' },
        ],
      },
      { contactsArrayMessage: { contacts: [{ displayName: 'A' }, { displayName: 'B' }] } },
    ],
    [
      'poll',
      { poll: { name: 'Lunch?', options: ['Pizza', 'Sushi', 'Rice'], selectableCount: 2 } },
      {
        pollCreationMessageV3: {
          name: 'Lunch?',
          selectableOptionsCount: 2,
          options: [{ optionName: 'Pizza' }, { optionName: 'Sushi' }, { optionName: 'Rice' }],
        },
      },
    ],
    [
      'buttons',
      {
        buttons: {
          title: 'Order 7',
          description: 'Ready?',
          footer: 'Shop',
          items: [
            { type: 'reply', text: 'Yes', id: 'yes' },
            { type: 'url', text: 'See', url: 'https://example.com' },
            { type: 'copy', text: 'Code', code: '4711' },
          ],
        },
      },
      {
        viewOnceMessage: {
          message: {
            interactiveMessage: {
              body: { text: '*Order 7*\n\nReady?\n' },
              footer: { text: 'Shop' },
              nativeFlowMessage: {
                buttons: [
                  {
                    name: 'quick_reply',
                    buttonParamsJson: JSON.stringify({ display_text: 'Yes', id: 'yes' }),
                  },
                  { name: 'cta_url' },
                  { name: 'cta_copy' },
                ],
              },
            },
          },
        },
      },
    ],
  ])('%s %j › sent › in the network with the same content, and shown with it', async (type, fields, wire) => {
    const message = await send({ to, type, ...fields });
    expect((await arrived(message)).message).toMatchObject(wire);
    const shown = JSON.parse(JSON.stringify(fields).replace('+62 811-1111-1111', '+6281111111111'));
    expect(message).toMatchObject({ type, ...shown });
    expect(message).not.toHaveProperty('target');
  });

  it('a quote, a reaction and its taking back › sent › about the right message', async () => {
    const first = await send({ to, message: 'quote me' });
    const answer = await send({ to, message: 'an answer', quotedMessageId: first.id });
    expect(answer.quotedMessageId).toBe(first.id);
    const row = await nodes.call(`/chat/findMessages/${await placementOf()}`, {
      method: 'POST',
      body: { where: { key: { id: answer.whatsappId } } },
    });
    expect(row.messages.records[0].contextInfo).toMatchObject({
      stanzaId: first.whatsappId,
      quotedMessage: { conversation: 'quote me' },
    });

    const reaction = await send({ type: 'reaction', reaction: { messageId: first.id, emoji: '👍🏽' } });
    expect(reaction).toMatchObject({ to, chat: to, reaction: { messageId: first.id, emoji: '👍🏽' } });
    expect(await arrived(reaction)).toMatchObject({
      kind: 'reaction',
      message: { reactionMessage: { text: '👍🏽', key: { id: first.whatsappId, fromMe: true } } },
    });
    const back = await send({ to, type: 'reaction', reaction: { messageId: first.id, emoji: '' } });
    expect((await arrived(back)).message.reactionMessage.text).toBe('');
  });

  const placementOf = async () =>
    (await gateway.database.queryAll(`select id from placements where phone_id = ${phone.id}`))[0]![
      'id'
    ] as string;

  it('a status › posted › to the status chat, to whom it was meant', async () => {
    const message = await send({
      type: 'status',
      message: 'open today',
      statusPost: { recipients: [to], backgroundColor: '#112233', font: 2 },
    });
    expect(message).toMatchObject({ chat: 'status', to: 'status', type: 'status' });
    expect(await arrived(message)).toMatchObject({
      chat: 'status@broadcast',
      message: { conversation: 'open today' },
    });
    const { body } = await user.api.get('/api/messages?chat=status');
    expect(body.data.map((one: any) => one.id)).toEqual([message.id]);
  });

  it('mentions in a group, one and all › sent › named to the network', async () => {
    const { id } = await nodes.call('/sandbox/inbound', {
      method: 'POST',
      body: {
        to: phone.phoneNumber.slice(1),
        from: '628985557777',
        type: 'group',
        text: 'G',
      },
    });
    const group = `group:${String(id).split('@')[0]}`;
    const one = await send({ to: group, message: 'hi @628985557777', mentions: ['+628985557777'] });
    const all = await send({ to: group, message: 'hi all', mentionAll: true });
    const rows = await Promise.all(
      [one, all].map(async (message) => {
        const { messages } = await nodes.call(`/chat/findMessages/${await placementOf()}`, {
          method: 'POST',
          body: { where: { key: { id: message.whatsappId } } },
        });
        return messages.records[0].contextInfo.mentionedJid;
      }),
    );
    expect(rows).toEqual([
      ['628985557777@s.whatsapp.net'],
      expect.arrayContaining(['628985557777@s.whatsapp.net']),
    ]);
    expect(rows[1]).toHaveLength(2);
  });

  it('a group that the phone is not in › sent to › in doubt, as the node’s answer is, and not in the network', async () => {
    const message = await send({ to: 'group:120363000000000000', message: 'to no group' }, ['unknown']);
    expect(message.reason).toBe('answer_unclear');
    expect((await nodes.call('/sandbox/ledger?text=to%20no%20group')).entries).toEqual([]);
  });

  it('a list on a version that cannot send lists › failed, with its reason and remedy', async () => {
    const message = await send(
      {
        to,
        type: 'list',
        list: { title: 'Menu', buttonText: 'Open', sections: [{ rows: [{ id: 'r1', title: 'Row' }] }] },
      },
      ['failed'],
    );
    expect(message).toMatchObject({
      reason: 'type_not_supported',
      remedy: expect.stringContaining('version'),
    });
  });

  it.each([
    ['text', { message: 'lost text' }],
    ['location', { location: { latitude: 3, longitude: 4, name: 'Lost' } }],
    ['contact', { contacts: [{ name: 'Lost', phoneNumber: '+6281111111113' }] }],
    ['poll', { poll: { name: 'Lost?', options: ['a', 'b'] } }],
    ['buttons', { buttons: { title: 'Lost', items: [{ type: 'reply', text: 'Y', id: 'y' }] } }],
  ])('%s › its answer lost, its echo not › is sent, once, by its echo', async (type, fields) => {
    await nodes.call('/sandbox/faults', {
      method: 'POST',
      body: { reset: true, after: true, calls: '/message/', count: 1 },
    });
    const message = await send({ to, type, ...fields });
    await arrived(message);
  });

  it('every type from one phone of ours to another › received › the same fields with the same content', async () => {
    const other = await newPhone(user);
    const fields = [
      { type: 'text', message: 'to myself, é\u{1F600}' },
      { type: 'location', location: { latitude: 5, longitude: 6, name: 'Here', address: 'Road 1' } },
      { type: 'contact', contacts: [{ name: 'Jane', phoneNumber: '+6281111111114', organization: 'ACME' }] },
      { type: 'poll', poll: { name: 'Again?', options: ['Yes', 'No', 'Maybe'], selectableCount: 0 } },
      {
        type: 'buttons',
        buttons: {
          title: 'Choose',
          description: 'one\nof them',
          footer: 'now',
          items: [
            { type: 'reply', text: 'A', id: 'a' },
            { type: 'call', text: 'Call', phoneNumber: '+6281111111115' },
          ],
        },
      },
    ];
    for (const draft of fields) await send({ to: other.phoneNumber, ...draft });
    const received = await until('all arrived', async () => {
      const { body } = await user.api.get(`/api/messages?phoneId=${other.id}&direction=in`);
      return body.data.length === fields.length ? body.data.reverse() : null;
    });
    expect(received).toEqual(fields.map((draft) => expect.objectContaining(draft)));
  });

  it('typing before a send › shown to the recipient › before the message', async () => {
    const other = await newPhone(user);
    const start = Date.now();
    await send({
      to: other.phoneNumber,
      message: 'typed',
      presence: { state: 'typing', durationMs: 400 },
    });
    expect(Date.now() - start).toBeGreaterThanOrEqual(400);
    await until('it arrived', async () => {
      const { body } = await user.api.get(`/api/messages?phoneId=${other.id}&direction=in`);
      return body.data.some((m: any) => m.message === 'typed' && m.from === phone.phoneNumber);
    });
  });

  it('a Brazilian number with and without its ninth digit › one chat, on both ways', async () => {
    const message = await send({ to: '+55 11 8765-0001', message: 'oi' });
    expect(message).toMatchObject({ to: '+5511987650001', chat: '+5511987650001' });
    await nodes.call('/sandbox/inbound', {
      method: 'POST',
      body: {
        to: phone.phoneNumber.slice(1),
        from: '551187650001',
        text: 'oi de volta',
        addressing: 'pn-only',
      },
    });
    const [answer] = await until('the answer', async () => {
      const { body } = await user.api.get(`/api/messages?phoneId=${phone.id}&direction=in`);
      const found = body.data.filter((m: any) => m.message === 'oi de volta');
      return found.length > 0 ? found : null;
    });
    expect(answer).toMatchObject({ chat: '+5511987650001', from: '+5511987650001' });
    const { status } = await user.api.post(`/api/messages/${answer.id}/read`);
    expect(status).toBe(200);
    // The receipt goes to the spelling under which WhatsApp has the account.
    const { entries } = await nodes.call('/sandbox/ledger?kind=read&to=551187650001');
    expect(entries).toHaveLength(1);
  });
});
