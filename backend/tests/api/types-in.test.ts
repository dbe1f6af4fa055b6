import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newPhone, newUser, settled, type TestUser } from '../support/client.js';
import { startGateway, type TestGateway } from '../support/gateway.js';
import { startNodes, type TestNodes } from '../support/nodes.js';
import { until } from '../support/until.js';

describe('every type in', () => {
  let nodes: TestNodes;
  let gateway: TestGateway;
  let user: TestUser;
  let phone: Awaited<ReturnType<typeof newPhone>>;
  beforeAll(async () => {
    nodes = await startNodes(1);
    gateway = await startGateway({ env: { EVOLUTION_NODES: nodes.list() } });
    user = await newUser(gateway.url);
    phone = await newPhone(user);
  });
  afterAll(async () => {
    await gateway?.stop();
    await nodes?.stop();
  });

  const contact = '628985550009';
  const inbound = async (more: object): Promise<{ id: string }> => {
    const answer = await nodes.call('/sandbox/inbound', {
      method: 'POST',
      body: { to: phone.phoneNumber.slice(1), from: contact, ...more },
    });
    expect(answer.id).toEqual(expect.any(String));
    return answer;
  };
  const events = async () => (await user.api.get('/api/events?limit=100')).body.data as any[];
  const event = (type: string, whatsappId: string) =>
    until(`${type} of ${whatsappId}`, async () =>
      (await events()).find((one) => one.event === type && one.data.whatsappId === whatsappId),
    );
  /** The event, and the message as it is listed, which have to agree. */
  const received = async (whatsappId: string) => {
    const { data } = await event('message', whatsappId);
    const { body } = await user.api.get(`/api/messages?phoneId=${phone.id}&limit=100`);
    const listed = body.data.find((one: any) => one.id === data.messageId);
    const detail = (await user.api.get(`/api/messages/${data.messageId}`)).body;
    for (const shown of [listed, detail]) expect(shown).toMatchObject(contents(data));
    return { data, listed };
  };
  /** What an event has in common with a view. */
  const contents = (data: any) => {
    const { messageId: _id, senderName: _name, timestamp: _at, ...rest } = data;
    // Its file may be stored meanwhile: then it has a new link, and the name and type its bytes have.
    const { url: _url, status: _status, mimetype: _type, fileName: _fileName, ...media } = rest.media ?? {};
    return rest.media ? { ...rest, media } : rest;
  };

  it.each([
    ['text', { text: 'Hello' }, { type: 'text', message: 'Hello' }],
    ['a text of many letters', { text: 'é\u{1F600}'.repeat(5000) }, { type: 'text' }],
    [
      'image',
      { type: 'image', text: 'look' },
      { type: 'image', message: 'look', media: { kind: 'image', mimetype: 'image/png' } },
    ],
    ['video', { type: 'video' }, { type: 'video', message: null }],
    ['a voice note', { type: 'audio' }, { type: 'voice', message: null }],
    [
      'document',
      { type: 'document', fileName: 'offer.pdf', base64: 'JVBERi0=' },
      {
        type: 'document',
        media: { kind: 'document', mimetype: 'application/pdf', fileName: 'offer.pdf', size: 5 },
      },
    ],
    ['sticker', { type: 'sticker' }, { type: 'sticker' }],
    [
      'location',
      { type: 'location', text: 'Shop', latitude: 1.5, longitude: -2.5 },
      { type: 'location', location: { latitude: 1.5, longitude: -2.5, name: 'Shop', address: 'Street 1' } },
    ],
    ['contact', { type: 'contact', text: 'Jane' }, { type: 'contact', contacts: [{ name: 'Jane' }] }],
    [
      'several contacts',
      {
        message: {
          contactsArrayMessage: {
            displayName: '2 contacts',
            contacts: [
              { displayName: 'A', vcard: 'BEGIN:VCARD\nFN:A\nTEL;waid=628111:+62 8111\nEND:VCARD' },
              { displayName: 'B', vcard: 'BEGIN:VCARD\nFN:B\nEND:VCARD' },
            ],
          },
        },
      },
      { type: 'contact', contacts: [{ name: 'A', phoneNumber: '+628111' }, { name: 'B' }] },
    ],
    [
      'poll',
      { type: 'poll', text: 'Lunch?' },
      { type: 'poll', poll: { name: 'Lunch?', options: ['Yes', 'No'], selectableCount: 1 } },
    ],
    [
      'a choice from a list',
      { type: 'listResponse', text: 'Row 1', target: 'r1' },
      { type: 'list', message: 'Row 1', choice: { id: 'r1', text: 'Row 1', description: 'first' } },
    ],
    [
      'a choice from buttons',
      { type: 'buttonsResponse', text: 'Yes', target: 'y' },
      { type: 'buttons', message: 'Yes', choice: { id: 'y', text: 'Yes' } },
    ],
    [
      'a picture that is seen once',
      {
        message: {
          viewOnceMessageV2: { message: { imageMessage: { mimetype: 'image/jpeg', caption: 'psst' } } },
        },
      },
      { type: 'image', message: 'psst' },
    ],
    [
      'a type nobody knows',
      { message: { futureMessage: { colour: 'red' } } },
      { type: 'other', message: null, raw: { futureMessage: { colour: 'red' } } },
    ],
  ])(
    '%s › said by a contact › stored, shown and emitted with the same content',
    async (_what, said, expected) => {
      const { id } = await inbound(said);
      const { data } = await received(id);
      expect(data).toMatchObject({
        direction: 'in',
        from: `+${contact}`,
        chat: `+${contact}`,
        to: phone.phoneNumber,
        ...expected,
      });
    },
  );

  it('an answer to a message of ours › says which, by both ids', async () => {
    const { body } = await user.api.post('/api/messages/send', {
      phoneId: phone.id,
      to: `+${contact}`,
      message: 'a question',
    });
    const question = await settled(user, body.id, ['sent', 'delivered', 'read']);
    const { id } = await inbound({ text: 'an answer', target: question.whatsappId });
    expect((await received(id)).data).toMatchObject({
      message: 'an answer',
      quotedMessageId: question.id,
      quotedWhatsappId: question.whatsappId,
    });
  });

  it('a LID › with the number beside it, and without › kept, and the number where it is known', async () => {
    const known = await inbound({ text: 'from a lid', addressing: 'lid' });
    const { data } = await received(known.id);
    expect(data).toMatchObject({ from: `+${contact}`, lid: expect.stringMatching(/^lid:\d+$/) });
    const hidden = await inbound({ text: 'from a lid alone', addressing: 'lid-only' });
    expect((await received(hidden.id)).data).toMatchObject({
      from: `+${contact}`,
      chat: `+${contact}`,
      lid: data.lid,
    });
  });

  it('a LID alone, and its number only later › told as LID, then listed and chatted with as number', async () => {
    const from = '628985550077';
    const hidden = await inbound({ from, text: 'who am I', addressing: 'lid-only' });
    const { data } = await event('message', hidden.id);
    expect(data).toMatchObject({ from: data.lid, chat: data.lid, lid: expect.stringMatching(/^lid:\d+$/) });
    const shown = await inbound({ from, text: 'it is me', addressing: 'lid' });
    await event('message', shown.id);
    const listed = (await user.api.get(`/api/messages?phoneId=${phone.id}&chat=%2B${from}`)).body.data;
    expect(listed.map((one: any) => [one.message, one.from, one.lid])).toEqual(
      expect.arrayContaining([
        ['who am I', `+${from}`, data.lid],
        ['it is me', `+${from}`, data.lid],
      ]),
    );
    const chats = (await user.api.get(`/api/phones/${phone.id}/chats?limit=100`)).body.data;
    const own = chats.filter((one: any) => [`+${from}`, data.lid].includes(one.chat));
    expect(own.map((one: any) => [one.chat, one.unread])).toEqual([[`+${from}`, 2]]);
  });

  it('a reaction › stored as one, told as one, and not as a message', async () => {
    const { id } = await inbound({ text: 'react to me' });
    const { data } = await received(id);
    await inbound({ type: 'reaction', text: '❤️', target: id });
    const told = await event('message.reaction', id);
    expect(told.data).toMatchObject({ messageId: data.messageId, from: `+${contact}`, reaction: '❤️' });
    const { body } = await user.api.get(`/api/messages?phoneId=${phone.id}&type=reaction`);
    expect(body.data).toEqual([
      expect.objectContaining({
        type: 'reaction',
        reaction: { messageId: data.messageId, whatsappId: id, emoji: '❤️' },
      }),
    ]);
    expect((await events()).filter((one) => one.event === 'message' && one.data.type === 'reaction')).toEqual(
      [],
    );
  });

  it('an edit and a deletion by the contact › the message has the words and the mark, each told once', async () => {
    const { id } = await inbound({ text: 'tpyo' });
    const { data } = await received(id);
    await inbound({ type: 'edit', text: 'typo', target: id });
    expect((await event('message.edited', id)).data).toMatchObject({
      messageId: data.messageId,
      message: 'typo',
      from: `+${contact}`,
    });
    await inbound({ type: 'revoke', target: id });
    await event('message.deleted', id);
    expect((await user.api.get(`/api/messages/${data.messageId}`)).body).toMatchObject({
      message: 'typo',
      editedAt: expect.any(String),
      deletedAt: expect.any(String),
    });
    // The node tells of a deletion twice, in two shapes.
    const { id: last } = await inbound({ text: 'afterwards' });
    await received(last);
    const told = (await events()).filter((one) => one.data.whatsappId === id).map((one) => one.event);
    expect(told).toEqual(['message', 'message.edited', 'message.deleted']);
  });
});
