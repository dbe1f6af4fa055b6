/**
 * Evolution's words into ours, by pure functions. Shapes as recorded from Evolution API 2.3.6; what is not
 * understood is returned as such and never thrown away.
 */

import { addressOf, lidOf, ownKey } from './evolution.address.js';
import { isObject, object, text, type Json } from './evolution.value.js';
import { readSaid, unwrapped, type SaidMedia } from './evolution.said.js';

export type ConnectionState = 'open' | 'connecting' | 'close';

export type AckStatus = 'sent' | 'delivered' | 'read' | 'played' | 'error';

interface Said {
  whatsappId: string;
  chat: string;
  from: string | null;
  /** Of who said it, where WhatsApp gave one. */
  lid: string | null;
  /** WhatsApp's own name of the message, where it does not follow from chat and id. */
  key: Record<string, unknown> | null;
  senderName: string | null;
  type: string;
  content: string | null;
  payload: Record<string, unknown> | null;
  media: SaidMedia | null;
  /** WhatsApp's id of the message that this one answers. */
  quoted: string | null;
  at: Date;
}

/** One fact a node told us. Addresses are E.164 with +, `group:<id>` or `lid:<id>`; `null` is the phone itself. */
export type Fact =
  | ({ kind: 'message'; fromMe: boolean } & Said)
  | ({ kind: 'echo' } & Said)
  | { kind: 'ack'; whatsappId: string; status: AckStatus; at: Date }
  | ({ kind: 'reaction'; fromMe: boolean; target: string; emoji: string } & Said)
  | {
      kind: 'edited';
      whatsappId: string;
      chat: string | null;
      fromMe: boolean;
      content: string | null;
      at: Date;
    }
  | { kind: 'deleted'; whatsappId: string; chat: string | null; fromMe: boolean; at: Date }
  | {
      kind: 'participants';
      group: string;
      action: string;
      author: string | null;
      participants: string[];
      at: Date;
    }
  | {
      kind: 'connection';
      state: ConnectionState | 'refused';
      statusReason: number | null;
      owner: string | null;
      at: Date;
    }
  | { kind: 'qr'; code: string; at: Date }
  | { kind: 'qr_limit'; at: Date }
  /** Understood, and of no consequence here. */
  | { kind: 'ignored' };

export type Decoded = { ok: true; facts: Fact[] } | { ok: false; why: string };

export const connectionOf = (body: unknown): ConnectionState | null => {
  const state = object(object(body)['instance'])['state'];
  return state === 'open' || state === 'connecting' || state === 'close' ? state : null;
};

export const sentIdOf = (body: unknown): string | null => text(object(object(body)['key'])['id']);

/** What has to be kept of the key that a node gave to a send. */
export const sentKeyOf = (body: unknown, chat: string): Record<string, unknown> | null =>
  ownKey(object(object(body)['key']), chat);

/** The number where WhatsApp gives one, in either field; else the LID. */
const best = (jid: unknown, alternative: unknown): string | null => {
  const both = [addressOf(jid), addressOf(alternative)];
  return both.find((address) => address?.startsWith('+')) ?? both[0] ?? both[1] ?? null;
};

const seconds = (value: unknown): number | null => {
  const number = typeof value === 'string' ? Number(value) : isObject(value) ? Number(value['low']) : value;
  return typeof number === 'number' && Number.isFinite(number) && number > 0 ? number : null;
};

/** Chats in which somebody else than the other side speaks. */
const isShared = (chat: string): boolean => chat.startsWith('group:') || chat === 'status';

/** Who is mentioned, and what is answered; inside the content, or beside it (recorded: both). */
function contextOf(data: Json, message: Json): { quoted: string | null; mentions: string[] } {
  const inside = Object.values(message).map((part) => object(object(part)['contextInfo']));
  const all = [object(data['contextInfo']), ...inside];
  const quoted = all.map((context) => text(context['stanzaId'])).find((id) => id !== null) ?? null;
  const jids = all
    .map((context) => context['mentionedJid'])
    .find((list) => Array.isArray(list) && list.length > 0);
  return { quoted, mentions: ((jids as unknown[] | undefined) ?? []).flatMap((jid) => addressOf(jid) ?? []) };
}

function saidOf(data: Json, at: Date): (Said & { fromMe: boolean }) | null {
  const key = object(data['key']);
  const whatsappId = text(key['id']);
  const chat = best(key['remoteJid'], key['remoteJidAlt']);
  if (!whatsappId || !chat || !text(data['messageType'])) return null;
  const fromMe = key['fromMe'] === true;
  const stamp = seconds(data['messageTimestamp']);
  const message = unwrapped(object(data['message']));
  const said = readSaid(message);
  const { quoted, mentions } = contextOf(data, message);
  const isStatus = chat === 'status';
  const payload = {
    ...said.payload,
    ...(mentions.length > 0 ? { mentions } : {}),
    ...(isStatus ? { statusPost: { type: said.type } } : {}),
  };
  return {
    whatsappId,
    chat,
    fromMe,
    from: fromMe ? null : isShared(chat) ? best(key['participant'], key['participantAlt']) : chat,
    lid: fromMe ? null : lidOf(key),
    key: ownKey(key, chat),
    senderName: text(data['pushName']),
    type: isStatus ? 'status' : said.type,
    content: said.content,
    payload: Object.keys(payload).length > 0 ? payload : null,
    media: said.media,
    quoted,
    at: stamp ? new Date(stamp * 1000) : at,
  };
}

const ACKS: Record<string, AckStatus> = {
  ERROR: 'error',
  SERVER_ACK: 'sent',
  DELIVERY_ACK: 'delivered',
  READ: 'read',
  PLAYED: 'played',
};

type Decoder = (data: Json, at: Date) => Fact[] | string;

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
  const chat = best(key['remoteJid'], key['remoteJidAlt']);
  const fact = { whatsappId, chat, fromMe: key['fromMe'] === true };
  if (!isEdit) return [{ kind: 'deleted', ...fact, at }];
  const stamp = Number(data['timestampMs']);
  const { content } = readSaid(object(data['editedMessage']));
  return [{ kind: 'edited', ...fact, content, at: stamp > 0 ? new Date(stamp) : at }];
}

const decoders: Record<string, Decoder> = {
  'messages.upsert': (data, at) => {
    const said = saidOf(data, at);
    if (!said) return 'a message without id, chat or type';
    const reaction = object(unwrapped(object(data['message']))['reactionMessage']);
    const target = text(object(reaction['key'])['id']);
    if (said.type === 'reaction' && target)
      return [{ kind: 'reaction', ...said, target, emoji: text(reaction['text']) ?? '' }];
    return [{ kind: 'message', ...said }];
  },
  'send.message': (data, at) => {
    const said = saidOf(data, at);
    return said ? [{ kind: 'echo', ...said }] : 'an echo without id, chat or type';
  },
  'messages.edited': (data, at) => changeOf(data, at),
  'send.message.update': (data, at) => changeOf(data, at),
  // Two shapes (recorded): a key with a type beside it, and the bare key.
  'messages.delete': (data, at) => changeOf({ type: 'REVOKE', key: data['key'] ?? data }, at),
  'messages.update': (data, at) => {
    const whatsappId = text(data['keyId']);
    const status = ACKS[String(data['status'])];
    if (data['status'] === 'DELETED' || data['fromMe'] === false) return [{ kind: 'ignored' }];
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
    const code = text(object(data['qrcode'])['code']);
    if (code) return [{ kind: 'qr', code, at }];
    return data['statusCode'] === 500 ? [{ kind: 'qr_limit', at }] : 'a QR without a code';
  },
  'group-participants.update': (data, at) => {
    const group = addressOf(data['id']);
    const action = text(data['action']);
    if (!group || !action || !Array.isArray(data['participants']))
      return 'a group change without group, action or participants';
    const participants = data['participants'].flatMap((p: unknown) => {
      const address = isObject(p) ? best(p['id'], p['phoneNumber'] ?? p['jid']) : addressOf(p);
      return address ? [address] : [];
    });
    return [{ kind: 'participants', group, action, author: addressOf(data['author']), participants, at }];
  },
  // Said a second time, better, by connection.update.
  'status.instance': () => [{ kind: 'ignored' }],
  'logout.instance': () => [{ kind: 'ignored' }],
  'remove.instance': () => [{ kind: 'ignored' }],
  'instance.create': () => [{ kind: 'ignored' }],
  'instance.delete': () => [{ kind: 'ignored' }],
};

/** What a node posted, in our words. `date_time` orders connection facts; nodes run with TZ=UTC. */
export function decodeInbound(body: unknown): Decoded {
  const outer = object(body);
  const name = String(outer['event']);
  const decoder = Object.hasOwn(decoders, name) ? decoders[name] : undefined;
  if (!decoder) return { ok: false, why: `unknown event ${name.slice(0, 60)}` };
  const stamp = Date.parse(String(outer['date_time']));
  const facts = decoder(object(outer['data']), new Date(Number.isNaN(stamp) ? Date.now() : stamp));
  return typeof facts === 'string' ? { ok: false, why: facts } : { ok: true, facts };
}

/** What may be kept of a post that was not understood: never the phone's own token. */
export const withoutSecrets = (body: unknown): unknown => {
  if (!isObject(body)) return body;
  const { apikey: _token, ...rest } = body;
  return rest;
};
