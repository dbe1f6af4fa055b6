import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { decodeInbound } from '../../src/clients/evolution.decode.js';
import type { Fact } from '../../src/clients/evolution.fact.js';
import type { Message } from '../../src/models/message.js';
import { onlyMatch } from '../../src/services/match.js';

const url = new URL('../../../sandbox/recorded/webhooks/SEND_MESSAGE.json', import.meta.url);
const recorded: any[] = JSON.parse(readFileSync(url, 'utf8'));
const echoOf = (messageType: string) => {
  const entry = recorded.find(({ label }) => label === `after sending messageType ${messageType}`);
  const decoded = decodeInbound(entry.request.body);
  return (decoded.ok ? decoded.facts[0] : null) as Extract<Fact, { kind: 'echo' }>;
};
const message = (type: string, content: string | null, payload: Record<string, unknown> | null = null) =>
  ({ id: 1, type, content, payload }) as unknown as Message;

const LOCATION = { latitude: -23.55, longitude: -46.63, name: 'Office', address: 'Av. Paulista 1' };
const CARD = {
  name: 'Jane Doe',
  phoneNumber: '+5511977776666',
  organization: 'ACME',
  email: 'jane@example.com',
  url: 'https://example.com',
};
const POLL = { name: 'Lunch?', options: ['Pizza', 'Sushi'], selectableCount: 1 };
const BUTTONS = {
  title: 'T',
  description: 'D',
  footer: 'F',
  items: [
    { type: 'reply', text: 'Yes', id: 'y' },
    { type: 'reply', text: 'No', id: 'n' },
  ],
};

describe('the echo of a send whose answer was lost', () => {
  it.each([
    ['conversation', message('text', 'Hello from the recorder')],
    ['imageMessage', message('image', 'a picture')],
    ['documentMessage', message('document', 'a doc')],
    ['audioMessage', message('voice', null)],
    ['stickerMessage', message('sticker', null)],
    ['locationMessage', message('location', null, { location: LOCATION, presence: { state: 'typing' } })],
    ['contactMessage', message('contact', null, { contacts: [CARD] })],
    [
      'reactionMessage',
      message('reaction', null, {
        reaction: { messageId: 7, emoji: '👍' },
        target: { whatsappId: '3EB077B51D63B74A829D79' },
      }),
    ],
    ['pollCreationMessageV3', message('poll', null, { poll: POLL })],
    ['viewOnceMessage', message('buttons', null, { buttons: BUTTONS })],
  ])('recorded: %s › held against the send it is of › is its echo', (messageType, send) => {
    expect(onlyMatch([send], echoOf(messageType))).toBe(send);
  });

  it.each([
    ['conversation', message('text', 'Hello from the Recorder')],
    ['locationMessage', message('location', null, { location: { ...LOCATION, latitude: -23.56 } })],
    ['contactMessage', message('contact', null, { contacts: [{ ...CARD, phoneNumber: '+5511977776667' }] })],
    ['pollCreationMessageV3', message('poll', null, { poll: { ...POLL, options: ['Sushi', 'Pizza'] } })],
    ['viewOnceMessage', message('buttons', null, { buttons: { ...BUTTONS, title: 'U' } })],
    [
      'reactionMessage',
      message('reaction', null, { reaction: { messageId: 7, emoji: '👍' }, target: { whatsappId: 'other' } }),
    ],
    ['audioMessage', message('audio', null)],
  ])('recorded: %s › held against a send that says something else › is not', (messageType, send) => {
    expect(onlyMatch([send], echoOf(messageType))).toBeNull();
  });

  it('two sends that say the same › one echo › is of neither', () => {
    const twins = [message('poll', null, { poll: POLL }), message('poll', null, { poll: POLL })];
    expect(onlyMatch(twins, echoOf('pollCreationMessageV3'))).toBeNull();
    expect(onlyMatch([twins[0]!, message('text', 'x')], echoOf('pollCreationMessageV3'))).toBe(twins[0]);
  });

  it('any fields of a payload, in any order › compared › same exactly when they say the same', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.string(), fc.oneof(fc.string({ minLength: 1 }), fc.integer())),
        (location) => {
          const shuffled = Object.fromEntries(Object.entries(location).reverse());
          const send = message('location', null, { location });
          expect(onlyMatch([send], message('location', null, { location: shuffled }))).toBe(send);
          expect(
            onlyMatch([send], message('location', null, { location: { ...location, zz: 'more' } })),
          ).toBe(location['zz'] === 'more' ? send : null);
        },
      ),
    );
  });
});
