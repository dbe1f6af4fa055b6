import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import { addressOf } from '../../src/clients/evolution.address.js';
import { decodeInbound, withoutSecrets } from '../../src/clients/evolution.decode.js';

const folder = fileURLToPath(new URL('../../../sandbox/recorded/webhooks/', import.meta.url));
const recorded = (name: string): any[] => JSON.parse(readFileSync(`${folder}${name}.json`, 'utf8'));
const all = readdirSync(folder)
  .filter((file) => file.endsWith('.json') && !file.startsWith('_'))
  .flatMap((file) => recorded(file.replace('.json', '')).map((entry) => ({ file, ...entry })))
  .filter((entry) => entry.request?.body?.event);
const one = (name: string, label: string) => {
  const entry = recorded(name).find((e) => e.label === label);
  if (!entry) throw new Error(`no recording ${name} "${label}"`);
  return decodeInbound(entry.request.body);
};

describe('decoding what nodes post', () => {
  it('every recorded post › decoded › is understood or named as not understood, never thrown', () => {
    expect(all.length).toBeGreaterThan(80);
    for (const { request } of all) {
      const decoded = decodeInbound(request.body);
      expect(decoded.ok ? decoded.facts.length : decoded.why.length).toBeGreaterThan(0);
    }
  });

  it.each([
    [
      'MESSAGES_UPSERT text (pn addressing)',
      {
        chat: '+5511988887777',
        from: '+5511988887777',
        type: 'text',
        content: 'Hi, I need help',
        fromMe: false,
        senderName: 'Customer One',
      },
    ],
    [
      'MESSAGES_UPSERT text (lid addressing, sender_pn present)',
      { chat: '+5511988887777', content: 'Hi from a LID chat' },
    ],
    [
      'MESSAGES_UPSERT text (lid addressing, no sender_pn)',
      { chat: 'lid:298765432109876', from: 'lid:298765432109876' },
    ],
    [
      'MESSAGES_UPSERT group text (pn addressing)',
      { chat: 'group:120363033523333101', from: '+5511988887777' },
    ],
    [
      'MESSAGES_UPSERT group text (lid addressing)',
      { chat: 'group:120363033523333101', from: '+5511988887777' },
    ],
    [
      'MESSAGES_UPSERT fromMe (sent from the phone)',
      { fromMe: true, from: null, content: 'sent from my phone' },
    ],
    ['MESSAGES_UPSERT document', { type: 'document' }],
    ['MESSAGES_UPSERT location', { type: 'location' }],
  ])('%s › decoded › chat, sender, type and words', (label, expected) => {
    expect(one('MESSAGES_UPSERT', label)).toMatchObject({
      ok: true,
      facts: [{ kind: 'message', ...expected }],
    });
  });

  it('a reaction › decoded › names what it reacts to', () => {
    expect(one('MESSAGES_UPSERT', 'MESSAGES_UPSERT reaction')).toMatchObject({
      ok: true,
      facts: [
        { kind: 'reaction', chat: '+5511988887777', emoji: expect.any(String), target: expect.any(String) },
      ],
    });
  });

  it.each([
    ['MESSAGES_UPDATE DELIVERY_ACK', 'delivered'],
    ['MESSAGES_UPDATE READ', 'read'],
    ['MESSAGES_UPDATE PLAYED', 'played'],
    ['MESSAGES_UPDATE SERVER_ACK (receipt type sender)', 'sent'],
    ['MESSAGES_UPDATE READ from a LID address', 'read'],
  ])('%s › decoded › %s, by key id', (label, status) => {
    expect(one('MESSAGES_UPDATE', label)).toMatchObject({
      ok: true,
      facts: [{ kind: 'ack', status, whatsappId: expect.stringMatching(/^3EB0/) }],
    });
  });

  it('connection and QR posts › decoded › state, owner, code and limit', () => {
    const states = recorded('CONNECTION_UPDATE').map((entry) => decodeInbound(entry.request.body));
    expect(states.every((decoded) => decoded.ok && decoded.facts[0]!.kind === 'connection')).toBe(true);
    expect(states[2]).toMatchObject({ facts: [{ state: 'open', owner: '+5511900000007' }] });
    const codes = recorded('QRCODE_UPDATED').map((entry) => decodeInbound(entry.request.body));
    expect(codes.map((decoded) => decoded.ok && decoded.facts[0]!.kind)).toEqual([
      'qr',
      'qr',
      'qr',
      'qr_limit',
      'qr',
    ]);
  });

  it('nonsense › decoded › named, not thrown', () => {
    for (const body of [
      null,
      1,
      'x',
      [],
      {},
      { event: 'constructor' },
      { event: '__proto__' },
      { event: 'messages.upsert', data: null },
      { event: 'messages.update', data: { keyId: 1 } },
    ]) {
      expect(decodeInbound(body)).toMatchObject({ ok: false, why: expect.any(String) });
    }
  });

  it('addresses › of every kind › in our form', () => {
    expect(
      ['5511@s.whatsapp.net', '5511:12@s.whatsapp.net', '120@g.us', '23@lid', 'nonsense', null].map(
        addressOf,
      ),
    ).toEqual(['+5511', '+5511', 'group:120', 'lid:23', null, null]);
  });

  it('a post that is kept › without the token of the phone', () => {
    expect(JSON.stringify(withoutSecrets({ event: 'x', apikey: 'very-secret' }))).not.toContain(
      'very-secret',
    );
  });
});
