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

/** What each recorded post says, told apart by kind. */
const KINDS: Record<string, string[]> = {
  CONNECTION_UPDATE: ['connection'],
  CONTACTS_UPDATE: ['person'],
  CONTACTS_UPSERT: ['ignored', 'person'],
  GROUPS_UPDATE: ['group'],
  GROUP_UPDATE: ['group'],
  GROUPS_UPSERT: ['group', 'person'],
  GROUP_PARTICIPANTS_UPDATE: ['participants'],
  MESSAGES_DELETE: ['deleted'],
  MESSAGES_EDITED: ['deleted', 'edited', 'ignored'],
  MESSAGES_UPDATE: ['ack'],
  MESSAGES_UPSERT: ['message', 'person', 'reaction'],
  QRCODE_UPDATED: ['qr', 'qr_limit'],
  SEND_MESSAGE: ['echo'],
  SEND_MESSAGE_UPDATE: ['edited'],
};

describe('decoding what nodes post', () => {
  it.each([...new Set(all.map(({ file }) => file.replace('.json', '')))])(
    'every recorded %s › decoded › is understood',
    (file) => {
      const decoded = recorded(file).map(({ request }) => decodeInbound(request.body));
      expect(decoded.filter((one) => !one.ok)).toEqual([]);
      const kinds = decoded.flatMap((one) => (one.ok ? one.facts.map(({ kind }) => kind) : []));
      expect([...new Set(kinds)].sort()).toEqual(KINDS[file] ?? ['ignored']);
    },
  );

  it('the recordings › counted › are all there', () => {
    expect(all.length).toBeGreaterThan(130);
  });

  it.each([
    [
      'MESSAGES_UPSERT text (pn addressing)',
      [{ address: '+5511988887777', lid: 'lid:233148154562373', name: 'Customer One' }],
    ],
    [
      'MESSAGES_UPSERT text (lid addressing, sender_pn present)',
      [{ address: '+5511988887777', lid: 'lid:233148154562373', name: 'Customer One' }],
    ],
    [
      'MESSAGES_UPSERT text (lid addressing, no sender_pn)',
      [{ address: 'lid:298765432109876', lid: 'lid:298765432109876', name: 'Customer One' }],
    ],
    [
      'MESSAGES_UPSERT group text (lid addressing)',
      [{ address: '+5511988887777', lid: 'lid:233148154562373' }],
    ],
    ['MESSAGES_UPSERT fromMe (sent from the phone)', []],
  ])('%s › decoded › who speaks, and by which addresses', (label, people) => {
    const decoded = one('MESSAGES_UPSERT', label);
    const facts = decoded.ok ? decoded.facts : [];
    const persons = facts.filter(({ kind }) => kind === 'person');
    expect(persons).toHaveLength(people.length);
    persons.forEach((person, i) => expect(person).toMatchObject(people[i]!));
    expect(facts.at(-1)).toMatchObject({ kind: 'message' });
  });

  it('a group that was made › decoded › its name, owner and members, and whose LID is whose', () => {
    expect(one('GROUPS_UPSERT', 'GROUPS_UPSERT (create)')).toMatchObject({
      ok: true,
      facts: [
        { kind: 'person', address: '+5511900000001', lid: 'lid:210637902188857', name: null },
        { kind: 'person', address: '+5511988887777', lid: 'lid:233148154562373' },
        { kind: 'person', address: '+5511977776666', lid: 'lid:218949696019472' },
        {
          kind: 'group',
          group: 'group:120363033523333101',
          subject: 'Recorder group',
          description: 'a description',
          owner: '+5511900000001',
          members: [
            { address: '+5511900000001', role: 'owner' },
            { address: '+5511988887777', role: 'member' },
            { address: '+5511977776666', role: 'member' },
          ],
        },
      ],
    });
  });

  it('contacts › told of one or of several, of a group too › names and pictures of people only', () => {
    const facts = recorded('CONTACTS_UPDATE').flatMap(({ request }) => {
      const decoded = decodeInbound(request.body);
      return decoded.ok ? decoded.facts : [];
    });
    expect(facts[1]).toMatchObject({
      kind: 'person',
      address: '+5511988887777',
      name: 'Customer One',
      picture: expect.stringContaining('https://pps.whatsapp.net/'),
    });
    expect(one('CONTACTS_UPSERT', 'MESSAGES_UPSERT group text (pn addressing)')).toEqual({
      ok: true,
      facts: [{ kind: 'ignored' }],
    });
  });

  it.each([
    ['named by the node', ['Pizza', 'Sushi'], ['Pizza', 'Sushi'], 'Pizza, Sushi'],
    ['taken back', [], [], null],
    ['still in cipher', undefined, null, null],
    ['as hashes', [{ type: 'Buffer', data: [1] }], null, null],
  ])('a vote in a poll, %s › decoded › which poll, and what was chosen', (_what, given, options, content) => {
    const vote = { encPayload: 'x', encIv: 'y', ...(given ? { selectedOptions: given } : {}) };
    const decoded = decodeInbound({
      event: 'messages.upsert',
      date_time: '2026-11-22T08:12:25.808Z',
      data: {
        key: { remoteJid: '5511988887777@s.whatsapp.net', fromMe: false, id: 'VOTE1' },
        message: {
          messageContextInfo: {},
          pollUpdateMessage: { pollCreationMessageKey: { id: 'POLL1', fromMe: true }, vote },
        },
        messageType: 'pollUpdateMessage',
        messageTimestamp: 1795335102,
      },
    });
    expect(decoded).toMatchObject({
      ok: true,
      facts: [
        { kind: 'message', type: 'poll', content, payload: { vote: { whatsappId: 'POLL1', options } } },
      ],
    });
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
      facts: expect.arrayContaining([expect.objectContaining({ kind: 'message', ...expected })]),
    });
  });

  it('a reaction › decoded › names what it reacts to', () => {
    expect(one('MESSAGES_UPSERT', 'MESSAGES_UPSERT reaction')).toMatchObject({
      ok: true,
      facts: [
        { kind: 'person' },
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
