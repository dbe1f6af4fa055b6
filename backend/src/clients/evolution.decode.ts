/**
 * Evolution's words into ours, by pure functions. Shapes as recorded from Evolution API 2.3.6; what is not
 * understood is returned as such and never thrown away.
 */

import { addressOf, bestAddress, ownKey } from './evolution.address.js';
import type { AckStatus, ConnectionState, Decoded, Fact, QrCodes } from './evolution.fact.js';
import { saidOf } from './evolution.message.js';
import { contactFacts, groupFacts, participantsOf, peopleOfKey } from './evolution.people.js';
import { readSaid, unwrapped } from './evolution.said.js';
import { isObject, object, text, type Json } from './evolution.value.js';

export const connectionOf = (body: unknown): ConnectionState | null => {
  const state = object(object(body)['instance'])['state'];
  return state === 'open' || state === 'connecting' || state === 'close' ? state : null;
};

/** Before a node shows its first code there is none. */
export const qrOf = (qrcode: Json): QrCodes | null => {
  const code = text(qrcode['code']);
  return code ? { code, pairingCode: text(qrcode['pairingCode']) } : null;
};

export const sentIdOf = (body: unknown): string | null => text(object(object(body)['key'])['id']);

/** What has to be kept of the key that a node gave to a send. */
export const sentKeyOf = (body: unknown, chat: string): Record<string, unknown> | null =>
  ownKey(object(object(body)['key']), chat);

const ACKS: Record<string, AckStatus> = {
  ERROR: 'error',
  SERVER_ACK: 'sent',
  DELIVERY_ACK: 'delivered',
  READ: 'read',
  PLAYED: 'played',
};

/** `whole` is the same as `data`, which is empty where that is no object. */
type Decoder = (data: Json, at: Date, whole: unknown) => Fact[] | string;

/** Numbers of WhatsApp's own protocol stand for the words in our sends' echoes (recorded: send.message.update, 14). */
const EDITS: readonly unknown[] = ['MESSAGE_EDIT', 14];
const REVOKES: readonly unknown[] = ['REVOKE', 0];

/** An edit or a deletion; what else comes by this name (history, settings of a chat) is of no consequence here. */
function changeOf(data: Json, at: Date): Fact[] | string {
  const isEdit = EDITS.includes(data['type']);
  if (!isEdit && !REVOKES.includes(data['type'])) return [{ kind: 'ignored' }];
  const key = object(data['key']);
  const whatsappId = text(key['id']);
  if (!whatsappId) return 'an edit or a deletion without id';
  const chat = bestAddress(key['remoteJid'], key['remoteJidAlt']);
  const fact = { whatsappId, chat, fromMe: key['fromMe'] === true };
  if (!isEdit) return [{ kind: 'deleted', ...fact, at }];
  const stamp = Number(data['timestampMs']);
  const { content } = readSaid(object(data['editedMessage']));
  return [{ kind: 'edited', ...fact, content, at: stamp > 0 ? new Date(stamp) : at }];
}

/** Something said; null: without id, chat or type. */
export function messageFacts(data: Json, at: Date): Fact[] | null {
  const said = saidOf(data, at);
  if (!said) return null;
  const people = peopleOfKey(object(data['key']), said);
  const reaction = object(unwrapped(object(data['message']))['reactionMessage']);
  const target = text(object(reaction['key'])['id']);
  return said.type === 'reaction' && target
    ? [...people, { kind: 'reaction', ...said, target, emoji: text(reaction['text']) ?? '' }]
    : [...people, { kind: 'message', ...said }];
}

/** Of messages that came in there is nothing to follow; the others are told of elsewhere, or say nothing new. */
const MUTE: readonly unknown[] = ['DELETED', 'EDITED', 'PENDING'];

const ignored = (): Fact[] => [{ kind: 'ignored' }];

const decoders: Record<string, Decoder> = {
  'messages.upsert': (data, at) => messageFacts(data, at) ?? 'a message without id, chat or type',
  'send.message': (data, at) => {
    const said = saidOf(data, at);
    if (!said) return 'an echo without id, chat or type';
    return [...peopleOfKey(object(data['key']), said), { kind: 'echo', ...said }];
  },
  'messages.edited': (data, at) => changeOf(data, at),
  'send.message.update': (data, at) => changeOf(data, at),
  // Two shapes (recorded): a key with a type beside it, and the bare key.
  'messages.delete': (data, at) => changeOf({ type: 'REVOKE', key: data['key'] ?? data }, at),
  'messages.update': (data, at) => {
    const whatsappId = text(data['keyId']);
    const status = ACKS[String(data['status'])];
    if (MUTE.includes(data['status']) || data['fromMe'] === false) return ignored();
    if (!whatsappId || !status) return 'an ack without id or with an unknown status';
    return [{ kind: 'ack', whatsappId, status, at }];
  },
  'connection.update': (data, at) => {
    const state = data['state'];
    if (state !== 'open' && state !== 'connecting' && state !== 'close' && state !== 'refused')
      return 'an unknown connection state';
    const reason = data['statusReason'];
    return [
      {
        kind: 'connection',
        state,
        statusReason: typeof reason === 'number' ? reason : null,
        owner: addressOf(data['wuid']),
        at,
      },
    ];
  },
  'qrcode.updated': (data, at) => {
    const codes = qrOf(object(data['qrcode']));
    if (codes) return [{ kind: 'qr', ...codes, at }];
    return data['statusCode'] === 500 ? [{ kind: 'qr_limit', at }] : 'a QR without a code';
  },
  'group-participants.update': (data, at) => {
    const group = addressOf(data['id']);
    const action = text(data['action']);
    if (!group || !action || !Array.isArray(data['participants']))
      return 'a group change without group, action or participants';
    const named = participantsOf(data['participants'], at);
    const author = bestAddress(data['author'], data['authorPn']);
    const participants = named.map(({ member }) => member.address);
    return [
      ...named.flatMap(({ people }) => people),
      { kind: 'participants', group, action, author, participants, at },
    ];
  },
  'contacts.upsert': (_data, at, whole) => orIgnored(contactFacts(whole, at)),
  'contacts.update': (_data, at, whole) => orIgnored(contactFacts(whole, at)),
  'groups.upsert': (_data, at, whole) => orIgnored(groupFacts(whole, at)),
  'groups.update': (_data, at, whole) => orIgnored(groupFacts(whole, at)),
  'group.update': (_data, at, whole) => orIgnored(groupFacts(whole, at)),
  // Said a second time, better, by connection.update.
  'status.instance': ignored,
  'logout.instance': ignored,
  'remove.instance': ignored,
  'instance.create': ignored,
  'instance.delete': ignored,
  // What was said before the phone was paired is not told as if it were said now.
  'messages.set': ignored,
  'contacts.set': ignored,
  // Chats are made of their messages here; the rest is of no use to anybody so far.
  'chats.set': ignored,
  'chats.upsert': ignored,
  'chats.update': ignored,
  'chats.delete': ignored,
  'presence.update': ignored,
  call: ignored,
  'labels.edit': ignored,
  'labels.association': ignored,
  'application.startup': ignored,
  'typebot.start': ignored,
  'typebot.change-status': ignored,
  error: ignored,
};

const orIgnored = (facts: Fact[]): Fact[] => (facts.length > 0 ? facts : ignored());

/** What a node posted, in our words. `date_time` orders connection facts; nodes run with TZ=UTC. */
export function decodeInbound(body: unknown): Decoded {
  const outer = object(body);
  const name = String(outer['event']);
  const decoder = Object.hasOwn(decoders, name) ? decoders[name] : undefined;
  if (!decoder) return { ok: false, why: `unknown event ${name.slice(0, 60)}` };
  const stamp = Date.parse(String(outer['date_time']));
  const at = new Date(Number.isNaN(stamp) ? Date.now() : stamp);
  const facts = decoder(object(outer['data']), at, outer['data']);
  return typeof facts === 'string' ? { ok: false, why: facts } : { ok: true, facts };
}

/** What may be kept of a post that was not understood: never the phone's own token. */
export const withoutSecrets = (body: unknown): unknown => {
  if (!isObject(body)) return body;
  const { apikey: _token, ...rest } = body;
  return rest;
};
