import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { keyOf, ownKey } from '../../src/clients/evolution.address.js';
import { sendCall, type Sending } from '../../src/clients/evolution.send.js';

const recorded = (call: string, label: string) => {
  const url = new URL(`../../../sandbox/recorded/message_${call}.json`, import.meta.url);
  const entry = (JSON.parse(readFileSync(url, 'utf8')) as any[]).find((one) => one.label === label);
  if (!entry) throw new Error(`no recording ${call} "${label}"`);
  return entry.request as { path: string; body: Record<string, unknown> };
};
const FILE = { url: 'http://127.0.0.1:58071/pic.png', mimetype: 'image/png', fileName: 'pic.png' };
const sending = (type: string, more: Partial<Sending>): Sending => ({
  chat: '+5511988887777',
  type,
  content: null,
  payload: null,
  media: null,
  ...more,
});
const TARGET = { chat: '+5511988887777', whatsappId: '3EB077B51D63B74A829D79', fromMe: true, key: null };

describe('the call that hands a message to a node', () => {
  it.each([
    ['sendText', 'plain text', sending('text', { content: 'Hello from the recorder' })],
    ['sendText', 'number as @lid jid', sending('text', { chat: 'lid:233148154562373', content: 'to lid' })],
    [
      'sendText',
      'to a group (mentionsEveryOne)',
      sending('text', {
        chat: 'group:120363033523333101',
        content: 'hello group',
        payload: { mentionAll: true },
      }),
    ],
    ['sendMedia', 'image by url', sending('image', { content: 'a picture', media: FILE })],
    [
      'sendMedia',
      'document by url',
      sending('document', {
        content: 'a doc',
        media: { url: 'http://127.0.0.1:58071/doc.pdf', mimetype: 'application/pdf', fileName: 'doc.pdf' },
      }),
    ],
    ['sendSticker', 'url', sending('sticker', { media: FILE })],
    [
      'sendWhatsAppAudio',
      'url (ffmpeg converts)',
      sending('voice', { media: { ...FILE, url: 'http://127.0.0.1:58071/tone.wav' } }),
    ],
    [
      'sendLocation',
      'ok',
      sending('location', {
        payload: {
          location: { latitude: -23.55, longitude: -46.63, name: 'Office', address: 'Av. Paulista 1' },
        },
      }),
    ],
    [
      'sendPoll',
      'ok',
      sending('poll', {
        payload: { poll: { name: 'Lunch?', options: ['Pizza', 'Sushi'], selectableCount: 1 } },
      }),
    ],
    [
      'sendReaction',
      'ok',
      sending('reaction', {
        payload: { reaction: { messageId: 1, emoji: '👍' }, target: { ...TARGET, words: null } },
      }),
    ],
    [
      'sendList',
      'ok',
      sending('list', {
        payload: {
          list: {
            title: 'Menu',
            description: 'Pick one',
            buttonText: 'Open',
            footer: 'foot',
            sections: [{ title: 'S1', rows: [{ id: 'r1', title: 'R1', description: 'first' }] }],
          },
        },
      }),
    ],
    [
      'sendButtons',
      'reply buttons',
      sending('buttons', {
        payload: {
          buttons: {
            title: 'T',
            description: 'D',
            footer: 'F',
            items: [
              { type: 'reply', text: 'Yes', id: 'y' },
              { type: 'reply', text: 'No', id: 'n' },
            ],
          },
        },
      }),
    ],
    [
      'sendStatus',
      'text',
      sending('status', {
        chat: 'status',
        content: 'status text',
        payload: {
          statusPost: { type: 'text', backgroundColor: '#008000', font: 1, recipients: ['+5511988887777'] },
        },
      }),
    ],
  ])('recorded: %s %s › written by us › the same path and body', (call, label, draft) => {
    const { path, body } = sendCall(draft);
    const request = recorded(call, label);
    expect(`/message/${path}/alpha`).toBe(request.path);
    expect(body).toEqual(request.body);
  });

  it('recorded: a contact › written by us › the same but for the spelling of the number', () => {
    const request = recorded('sendContact', 'ok');
    const { fullName, wuid, phoneNumber: _spelled, ...rest } = (request.body['contact'] as any[])[0];
    const { body } = sendCall(
      sending('contact', { payload: { contacts: [{ name: fullName, phoneNumber: `+${wuid}`, ...rest }] } }),
    );
    expect(body['contact']).toEqual([{ fullName, wuid, phoneNumber: `+${wuid}`, ...rest }]);
  });

  it('recorded: a quote and mentions › written by us › the quoted message by its whole key', () => {
    const request = recorded('sendText', 'with delay 1200, linkPreview false, quoted, mentioned');
    const { delay: _delay, ...body } = request.body;
    const written = sendCall(
      sending('text', {
        content: 'reply @5511988887777',
        payload: {
          linkPreview: false,
          mentions: ['+5511988887777'],
          quotedMessageId: 1,
          target: { ...TARGET, words: 'Hello from the recorder' },
        },
      }),
    );
    expect(written.body).toMatchObject(body);
    expect((written.body['quoted'] as any).key).toEqual({
      remoteJid: '5511988887777@s.whatsapp.net',
      fromMe: true,
      id: TARGET.whatsappId,
    });
  });

  it('a type that nobody drafts › thrown, not sent as something else', () => {
    for (const type of ['other', '__proto__', 'constructor'])
      expect(() => sendCall(sending(type, {}))).toThrow(type);
  });
});

describe('WhatsApp’s own name of a message', () => {
  it.each([
    [
      { remoteJid: '5511988887777@s.whatsapp.net', fromMe: false, id: 'A', participant: '' },
      '+5511988887777',
      false,
    ],
    [{ remoteJid: '551188887777@s.whatsapp.net', fromMe: false, id: 'A' }, '+5511988887777', true],
    [{ remoteJid: '233@lid', remoteJidAlt: '5511988887777@s.whatsapp.net', id: 'A' }, '+5511988887777', true],
    [{ remoteJid: '120@g.us', participant: '233@lid', fromMe: false, id: 'A' }, 'group:120', true],
    [
      { remoteJid: '5511988887777@s.whatsapp.net', participant: '5511988887777@s.whatsapp.net', id: 'A' },
      '+5511988887777',
      false,
    ],
  ])('%j in chat %s › kept › only where it does not follow: %s', (key, chat, isKept) => {
    const kept = ownKey(key, chat);
    expect(kept !== null).toBe(isKept);
    const name = keyOf({ chat, whatsappId: 'A', fromMe: false, key: kept });
    expect(name).toMatchObject({ remoteJid: key.remoteJid, id: 'A' });
  });
});
