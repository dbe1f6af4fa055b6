/** One small world, as a node would tell of it: each fact once, in its own time. */

export const OWN = '+5511900000001';

const jid = (digits: string) => `${digits}@s.whatsapp.net`;
const ANN = { jid: jid('5511988887777'), lid: '233148154562373@lid' };
const BEN = { jid: jid('5511977776666'), lid: '218949696019472@lid' };
const CAT = { jid: jid('5511966665555'), lid: '298765432109876@lid' };
const GROUP = '120363033523333101@g.us';
const START = Date.UTC(2026, 10, 22, 8);

export interface Told {
  event: string;
  data: unknown;
  at: Date;
}

const direct = (id: string, address: string, other?: string) => ({
  key: { remoteJid: address, ...(other ? { remoteJidAlt: other } : {}), fromMe: false, id, participant: '' },
});
const inGroup = (id: string, participant: string, participantAlt?: string) => ({
  key: { remoteJid: GROUP, fromMe: false, id, participant, ...(participantAlt ? { participantAlt } : {}) },
});
const typed = (id: string, to: string) => ({ key: { remoteJid: to, fromMe: true, id, participant: '' } });

type Line = [event: string, data: (at: Date) => unknown];

const said =
  (key: object, message: object, messageType: string, pushName = 'Somebody') =>
  (at: Date) => ({
    ...key,
    pushName,
    message,
    messageType,
    messageTimestamp: Math.floor(at.getTime() / 1000),
    source: 'ios',
  });
const text = (words: string) => [{ conversation: words }, 'conversation'] as const;
const ack = (keyId: string, status: string) => () => ({ keyId, remoteJid: ANN.lid, fromMe: true, status });
const edit = (id: string, words: string) => (at: Date) => ({
  key: { remoteJid: ANN.jid, fromMe: false, id },
  type: 'MESSAGE_EDIT',
  editedMessage: { conversation: words },
  timestampMs: String(at.getTime()),
});
const quote = { contextInfo: { stanzaId: 'A1', participant: jid(OWN.slice(1)), quotedMessage: {} } };
const members = (action: string, who: string) => () => ({
  id: GROUP,
  author: jid(OWN.slice(1)),
  participants: [{ id: who, admin: null }],
  action,
});
const connection = (state: string, statusReason: number) => () => ({
  state,
  statusReason,
  ...(state === 'open' ? { wuid: jid(OWN.slice(1)) } : {}),
});

/** `X1` is a message that was sent through the gateway. */
const LINES: Line[] = [
  ['connection.update', connection('connecting', 200)],
  ['qrcode.updated', () => ({ qrcode: { code: '2@first' } })],
  ['connection.update', connection('open', 200)],
  ['messages.upsert', said(direct('A1', ANN.jid), ...text('one'), 'Ann')],
  ['messages.upsert', said(direct('C1', CAT.lid), ...text('hidden'), 'Cat')],
  ['messages.upsert', said(direct('A2', ANN.jid, ANN.lid), ...text('first words'), 'Ann')],
  ['messages.edited', edit('A2', 'second words')],
  ['messages.edited', edit('A2', 'third words')],
  ['messages.edited', () => ({ key: direct('A2', ANN.jid).key, type: 'REVOKE' })],
  ['messages.delete', () => direct('A2', ANN.jid).key],
  [
    'messages.upsert',
    (at) => ({ ...said(direct('A3', ANN.lid, ANN.jid), ...text('an answer'), 'Annie')(at), ...quote }),
  ],
  [
    'messages.upsert',
    said(
      direct('A4', ANN.jid),
      { reactionMessage: { key: { id: 'T1', fromMe: true }, text: '👍' } },
      'reactionMessage',
      'Annie',
    ),
  ],
  [
    'messages.upsert',
    said(
      direct('B1', BEN.lid),
      {
        pollCreationMessageV3: {
          name: 'Lunch?',
          options: [{ optionName: 'Yes' }],
          selectableOptionsCount: 1,
        },
      },
      'pollCreationMessageV3',
      'Ben',
    ),
  ],
  [
    'messages.upsert',
    said(
      direct('B2', BEN.lid),
      { pollUpdateMessage: { pollCreationMessageKey: { id: 'B1' }, vote: { selectedOptions: ['Yes'] } } },
      'pollUpdateMessage',
      'Ben',
    ),
  ],
  ['messages.upsert', said(typed('T1', ANN.jid), ...text('typed by hand'), 'Me')],
  ['messages.update', ack('T1', 'SERVER_ACK')],
  ['messages.update', ack('T1', 'DELIVERY_ACK')],
  ['messages.update', ack('T1', 'READ')],
  ['messages.update', ack('T1', 'DELIVERY_ACK')],
  ['messages.update', ack('X1', 'ERROR')],
  ['send.message', said(typed('X1', ANN.jid), ...text('x'))],
  [
    'groups.upsert',
    () => [
      {
        id: GROUP,
        subject: 'Friends',
        desc: 'of all sorts',
        owner: jid(OWN.slice(1)),
        participants: [
          { id: jid(OWN.slice(1)), admin: 'superadmin' },
          { id: ANN.lid, admin: null },
          { id: BEN.jid, lid: BEN.lid, admin: null },
        ],
      },
    ],
  ],
  ['group-participants.update', members('add', CAT.lid)],
  ['group-participants.update', members('promote', ANN.jid)],
  ['group-participants.update', members('remove', BEN.jid)],
  ['groups.update', () => [{ id: GROUP, subject: 'Old friends' }]],
  ['messages.upsert', said(inGroup('G1', CAT.lid), ...text('in the group'), 'Cat')],
  ['messages.upsert', said(inGroup('G2', CAT.lid, CAT.jid), ...text('by both names'), 'Cathy')],
  [
    'contacts.upsert',
    () => [{ remoteJid: CAT.lid, pushName: 'Catherine', profilePicUrl: 'https://x.example/c.jpg' }],
  ],
  ['connection.update', connection('connecting', 200)],
  ['connection.update', connection('open', 200)],
  ['connection.update', connection('close', 401)],
  ['qrcode.updated', () => ({ qrcode: { code: '2@after the end' } })],
];

export const WORLD: Told[] = LINES.map(([event, data], i) => {
  const at = new Date(START + i * 1500);
  return { event, data: data(at), at };
});
