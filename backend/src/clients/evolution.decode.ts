/**
 * Evolution's words into ours, by pure functions. Shapes as recorded from Evolution API 2.3.6; what is not
 * understood is returned as such and never thrown away.
 */

export type ConnectionState = 'open' | 'connecting' | 'close';

/** Why a node refused. */
export interface NodeError {
  status: number;
  texts: string[];
  /** 400 with `exists: false`: the number is not on WhatsApp. */
  isNotOnWhatsapp: boolean;
  /** 400 with schema lists: this body will never be taken. */
  isSchema: boolean;
  /** The connection to WhatsApp was closed, or the node failed at a read that precedes the send: nothing left. */
  isBeforeSend: boolean;
  /** The phone had no connection object; true of a node that lost it, and of a bug of the node while it is open. */
  isNoSocket: boolean;
}

/** Prisma's words for the reads that come before a send (recorded with the node's database away). */
const BEFORE_THE_SEND =
  /Connection Closed|contact\.findMany|instance\.find(Unique|First|Many)|isOnWhatsapp\.find/;
const NO_SOCKET = /TypeError|Cannot read properties of undefined/;

export type AckStatus = 'sent' | 'delivered' | 'read' | 'played' | 'error';

interface Said {
  whatsappId: string;
  chat: string;
  from: string | null;
  senderName: string | null;
  type: string;
  content: string | null;
  payload: Record<string, unknown> | null;
  at: Date;
}

/** One fact a node told us. Addresses are E.164 with +, `group:<id>` or `lid:<id>`; `null` is the phone itself. */
export type Fact =
  | ({ kind: 'message'; fromMe: boolean } & Said)
  | ({ kind: 'echo' } & Said)
  | { kind: 'ack'; whatsappId: string; status: AckStatus; at: Date }
  | {
      kind: 'reaction';
      whatsappId: string;
      target: string;
      chat: string;
      from: string | null;
      fromMe: boolean;
      emoji: string;
      at: Date;
    }
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

type Json = Record<string, unknown>;
const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const object = (value: unknown): Json => (isObject(value) ? value : {});
const text = (value: unknown): string | null =>
  typeof value === 'string' && value !== '' ? value.replaceAll('\u0000', '') : null;

export const connectionOf = (body: unknown): ConnectionState | null => {
  const state = object(object(body)['instance'])['state'];
  return state === 'open' || state === 'connecting' || state === 'close' ? state : null;
};

export const sentIdOf = (body: unknown): string | null => text(object(object(body)['key'])['id']);

/** The error shapes of a node: a string, [string], [[schema errors]], [{exists: false}], or nothing of the kind. */
export function nodeErrorOf(status: number, body: unknown): NodeError {
  const outer = object(body);
  const message = object(outer['response'])['message'] ?? outer['message'] ?? outer['error'];
  const items = Array.isArray(message) ? message : [message];
  const texts = items
    .flat()
    .flatMap((item) => (typeof item === 'string' ? [item] : isObject(item) ? [JSON.stringify(item)] : []));
  return {
    status,
    texts,
    isBeforeSend: texts.some((line) => BEFORE_THE_SEND.test(line)),
    isNoSocket: texts.some((line) => NO_SOCKET.test(line)),
    isNotOnWhatsapp: status === 400 && items.some((item) => object(item)['exists'] === false),
    isSchema: status === 400 && items.length > 0 && items.every(Array.isArray),
  };
}

/** A WhatsApp address in our form. `:12` names a device of the same account. */
export const addressOf = (jid: unknown): string | null => {
  const [, user, domain] = /^([^@:]+)(?::\d+)?@(.+)$/.exec(text(jid) ?? '') ?? [];
  if (!user) return null;
  if (domain === 'g.us') return `group:${user}`;
  if (domain === 'lid') return `lid:${user}`;
  return domain === 's.whatsapp.net' || domain === 'c.us' ? `+${user}` : `${domain}:${user}`;
};

/** The number where WhatsApp gives one, in either field; else the LID. */
const best = (jid: unknown, alternative: unknown): string | null => {
  const both = [addressOf(jid), addressOf(alternative)];
  return both.find((address) => address?.startsWith('+')) ?? both[0] ?? both[1] ?? null;
};

const seconds = (value: unknown): number | null => {
  const number = typeof value === 'string' ? Number(value) : isObject(value) ? Number(value['low']) : value;
  return typeof number === 'number' && Number.isFinite(number) && number > 0 ? number : null;
};

const CONTENT_TYPES: Record<string, string> = {
  conversation: 'text',
  extendedTextMessage: 'text',
  imageMessage: 'image',
  videoMessage: 'video',
  ptvMessage: 'video',
  audioMessage: 'audio',
  documentMessage: 'document',
  documentWithCaptionMessage: 'document',
  stickerMessage: 'sticker',
  locationMessage: 'location',
  liveLocationMessage: 'location',
  contactMessage: 'contact',
  contactsArrayMessage: 'contact',
  pollCreationMessage: 'poll',
  pollCreationMessageV3: 'poll',
  listMessage: 'list',
  listResponseMessage: 'list',
  buttonsResponseMessage: 'buttons',
  templateButtonReplyMessage: 'buttons',
};

/** The words in a message, whatever its type: text, caption, chosen row or button, name. */
function wordsOf(messageType: string, message: Json): string | null {
  const inner = object(message[messageType]);
  const candidates = [
    message['conversation'],
    inner['text'],
    inner['caption'],
    inner['title'],
    inner['selectedDisplayText'],
    inner['name'],
    inner['displayName'],
    inner['fileName'],
  ];
  return candidates.map(text).find((words) => words !== null) ?? null;
}

function saidOf(data: Json, at: Date): (Said & { fromMe: boolean }) | null {
  const key = object(data['key']);
  const whatsappId = text(key['id']);
  const chat = best(key['remoteJid'], key['remoteJidAlt']);
  const messageType = text(data['messageType']);
  if (!whatsappId || !chat || !messageType) return null;
  const fromMe = key['fromMe'] === true;
  const stamp = seconds(data['messageTimestamp']);
  const message = object(data['message']);
  const type = CONTENT_TYPES[messageType] ?? 'other';
  const participant = chat.startsWith('group:') ? best(key['participant'], key['participantAlt']) : chat;
  const { base64: _dropped, messageContextInfo: _noise, ...kept } = message;
  return {
    whatsappId,
    chat,
    fromMe,
    from: fromMe ? null : participant,
    senderName: text(data['pushName']),
    type,
    content: wordsOf(messageType, message),
    payload:
      type === 'text'
        ? null
        : (JSON.parse(JSON.stringify({ messageType, ...kept }).replaceAll('\\u0000', '')) as Json),
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

const decoders: Record<string, Decoder> = {
  'messages.upsert': (data, at) => {
    const said = saidOf(data, at);
    if (!said) return 'a message without id, chat or type';
    const reaction = object(object(data['message'])['reactionMessage']);
    const target = text(object(reaction['key'])['id']);
    if (data['messageType'] === 'reactionMessage' && target) {
      const { whatsappId, chat, from, fromMe } = said;
      return [
        {
          kind: 'reaction',
          whatsappId,
          target,
          chat,
          from,
          fromMe,
          emoji: text(reaction['text']) ?? '',
          at: said.at,
        },
      ];
    }
    return [{ kind: 'message', ...said }];
  },
  'send.message': (data, at) => {
    const said = saidOf(data, at);
    return said ? [{ kind: 'echo', ...said }] : 'an echo without id, chat or type';
  },
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
  // Said a second time, better, by connection.update; edits and deletions get their effect with the other types.
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
