import { jidOf } from '../network/jid.js';
import { sizeOf } from '../network/media.js';
import { groupView } from '../network/groups.js';
import type { Parcel, Post } from '../network/network.js';
import { phoneId, randomBase64 } from '../utils/ids.js';
import { asObject, compact, long, type Json } from '../utils/json.js';
import { nowSeconds } from '../utils/time.js';
import type { Context } from './context.js';
import type { Addressing, Delivery } from './receive.js';

type Needs = Pick<Context, 'network' | 'groups' | 'media'>;

/** What a test asks a simulated contact to do, as `POST /sandbox/inbound` takes it. */
export interface InboundRequest {
  /** The instance's number, digits. */
  readonly to: string;
  /** The contact's number, digits. */
  readonly from: string;
  readonly type?: string;
  readonly text?: string;
  readonly pushName?: string;
  readonly id?: string;
  readonly timestamp?: number;
  /** A group's address, when it is said there. */
  readonly group?: string;
  readonly addressing?: Addressing;
  /** Typed on the owner's own phone, into the chat with `from`. */
  readonly fromMe?: boolean;
  /** Id of the message that is answered, reacted to, edited, revoked or acked. */
  readonly target?: string;
  /** A message as it goes over the wire, for any type that has no word of its own here. */
  readonly message?: Json;
  readonly base64?: string;
  readonly mimetype?: string;
  readonly fileName?: string;
  readonly status?: string;
  readonly latitude?: number;
  readonly longitude?: number;
  readonly data?: unknown;
  readonly event?: string;
}

const MIMETYPES: Record<string, string> = {
  image: 'image/png',
  video: 'video/mp4',
  audio: 'audio/ogg; codecs=opus',
  document: 'application/pdf',
  sticker: 'image/webp',
};

/** One transparent point, for pictures that nobody gave. */
const POINT =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==';

type Builder = (input: InboundRequest) => Json;

const vcard = (text: string): string => `BEGIN:VCARD\nVERSION:3.0\nFN:${text}\nEND:VCARD`;

const BUILDERS: Record<string, Builder> = {
  text: ({ text }) => ({ conversation: text ?? 'Hello' }),
  location: ({ latitude, longitude, text }) => ({
    locationMessage: {
      degreesLatitude: latitude ?? -6.2,
      degreesLongitude: longitude ?? 106.8,
      name: text ?? 'Home',
      address: 'Street 1',
    },
  }),
  contact: ({ text }) => ({ contactMessage: { displayName: text ?? 'Jane', vcard: vcard(text ?? 'Jane') } }),
  reaction: ({ text, target, to, fromMe }) => ({
    reactionMessage: {
      key: { remoteJid: jidOf(to), fromMe: fromMe ?? false, id: target, participant: '' },
      text: text ?? '👍',
      senderTimestampMs: long(Date.now()),
    },
  }),
  listResponse: ({ text, target }) => ({
    listResponseMessage: {
      title: text ?? 'Row',
      listType: 1,
      singleSelectReply: { selectedRowId: target ?? 'r1' },
      description: 'first',
    },
  }),
  buttonsResponse: ({ text, target }) => ({
    buttonsResponseMessage: { selectedButtonId: target ?? 'y', selectedDisplayText: text ?? 'Yes', type: 1 },
  }),
  poll: ({ text }) => ({
    pollCreationMessageV3: {
      name: text ?? 'Lunch?',
      selectableOptionsCount: 1,
      options: [{ optionName: 'Yes' }, { optionName: 'No' }],
    },
  }),
  edit: ({ text, target, to, fromMe }) => ({
    protocolMessage: {
      key: { remoteJid: jidOf(to), fromMe: fromMe ?? false, id: target },
      type: 'MESSAGE_EDIT',
      editedMessage: { conversation: text ?? '' },
    },
  }),
  revoke: ({ target, to, fromMe }) => ({
    protocolMessage: { key: { remoteJid: jidOf(to), fromMe: fromMe ?? false, id: target }, type: 'REVOKE' },
  }),
};

/** Types that are no messages: they reach the node as they are. */
const EVENTS: Record<string, (input: InboundRequest) => { event: string; data: unknown }> = {
  presence: ({ from, status }) => {
    const lastSeen = status === 'unavailable' ? nowSeconds() : undefined;
    const presence = compact({ lastKnownPresence: status ?? 'composing', lastSeen });
    return { event: 'presence.update', data: { id: jidOf(from), presences: { [jidOf(from)]: presence } } };
  },
  call: ({ from, status, id }) => ({
    event: 'call',
    data: {
      chatId: jidOf(from),
      from: jidOf(from),
      id: id ?? phoneId(),
      date: new Date(),
      offline: false,
      status: status ?? 'offer',
      isVideo: false,
      isGroup: false,
    },
  }),
  event: ({ event, data }) => ({ event: event ?? 'labels.edit', data }),
};

const historyOf = ({ from, text, id, timestamp }: InboundRequest): { event: string; data: unknown }[] => {
  const remoteJid = jidOf(from);
  const contact = { remoteJid, pushName: 'Customer One', profilePicUrl: null, instanceId: '{instanceId}' };
  const message = {
    key: { remoteJid, fromMe: false, id: id ?? phoneId() },
    pushName: 'Customer One',
    status: 'DELIVERY_ACK',
    message: { conversation: text ?? 'old message' },
    messageType: 'conversation',
    messageTimestamp: timestamp ?? nowSeconds() - 3_600,
    instanceId: '{instanceId}',
    source: 'unknown',
  };
  const historySyncNotification = {
    fileSha256: randomBase64(32),
    fileLength: '111',
    mediaKey: randomBase64(32),
    fileEncSha256: randomBase64(32),
    directPath: '/v/t62/sandbox.enc',
    syncType: 'RECENT',
    chunkOrder: 1,
    progress: 100,
  };
  return [
    { event: 'messages.edited', data: { type: 'HISTORY_SYNC_NOTIFICATION', historySyncNotification } },
    { event: 'contacts.upsert', data: [contact] },
    { event: 'chats.set', data: [{ remoteJid, instanceId: '{instanceId}', name: 'Customer One' }] },
    { event: 'messages.set', data: [message] },
  ];
};

/** Lets simulated contacts act: every message goes through the network and its ledger like any other. */
export const createInbound = ({ network, groups, media }: Needs) => {
  const fileMessage = async (input: InboundRequest): Promise<Json> => {
    const type = input.type ?? 'image';
    const mimetype = input.mimetype ?? MIMETYPES[type] ?? 'application/octet-stream';
    const data = Buffer.from(input.base64 ?? POINT, 'base64');
    const stored = await media.upload(data, mimetype);
    const extra: Record<string, Json> = {
      image: { interactiveAnnotations: [], scanLengths: [], annotations: [], ...sizeOf(data) },
      document: {
        title: input.fileName ?? 'invoice.pdf',
        fileName: input.fileName ?? 'invoice.pdf',
        pageCount: 1,
      },
      audio: { seconds: 1, ptt: true },
    };
    const caption = input.text === undefined ? {} : { caption: input.text };
    return { [`${type}Message`]: { ...stored, ...caption, ...extra[type] } };
  };
  const contentOf = async (input: InboundRequest): Promise<Json> => {
    if (input.message) return input.message;
    const type = input.type ?? 'text';
    if (type in MIMETYPES) return fileMessage(input);
    const builder = BUILDERS[type];
    if (!builder) throw new Error(`no such type: ${type}`);
    return builder(input);
  };
  const quoteOf = ({ type, target, to }: InboundRequest): Json | undefined =>
    (type ?? 'text') === 'text' && target
      ? {
          mentionedJid: [],
          groupMentions: [],
          stanzaId: target,
          participant: jidOf(to),
          quotedMessage: { conversation: '' },
        }
      : undefined;
  const deliveryOf = async (input: InboundRequest): Promise<Delivery> => {
    const message = await contentOf(input);
    const type = Object.keys(message).find((key) => key !== 'messageContextInfo') ?? 'conversation';
    return compact({
      id: input.id ?? phoneId(),
      from: input.from,
      group: input.group,
      pushName: input.pushName ?? (input.fromMe ? `Phone ${input.to}` : `Contact ${input.from.slice(-4)}`),
      message,
      type,
      contextInfo: quoteOf(input),
      timestamp: input.timestamp ?? nowSeconds(),
      addressing: input.addressing,
      fromMe: input.fromMe,
      chat: input.fromMe ? (input.group ?? jidOf(input.from)) : undefined,
    }) as unknown as Delivery;
  };
  const parcelOf = async (input: InboundRequest, delivery: Delivery): Promise<Parcel> => {
    const group = input.group ? await groups.find(input.group) : null;
    const kinds: Record<string, Parcel['kind']> = { reaction: 'reaction', edit: 'edit', revoke: 'revoke' };
    const base = {
      device: null,
      kind: kinds[input.type ?? ''] ?? 'message',
      chat: input.group ?? jidOf(input.from),
      messageId: delivery.id,
      type: delivery.type,
      text: input.text ?? String(delivery.message['conversation'] ?? ''),
      message: delivery.message,
    } as const;
    // What the owner types reaches the contact, and the owner's linked devices as companions.
    if (input.fromMe) return { ...base, sender: input.to, recipient: input.from, companion: { ...delivery } };
    const members = group ? { members: group.members.map(({ number }) => number) } : {};
    return {
      ...base,
      sender: input.from,
      recipient: input.group ?? input.to,
      ...members,
      delivery: { ...delivery },
    };
  };

  const news = (number: string, { event, data }: { event: string; data: unknown }): Post => ({
    number,
    kind: 'news',
    payload: { event, data },
  });
  /** A group that a contact makes with the instance's number in it; the instance is told. */
  const makeGroup = async ({ from, to, text }: InboundRequest): Promise<Json> => {
    const now = nowSeconds();
    const facts = {
      subject: text ?? 'Their group',
      subjectOwner: from,
      subjectTime: now,
      creation: now,
      owner: from,
    };
    const group = await groups.create({ ...facts, restrict: false, announce: false }, [
      { number: from, admin: 'superadmin' },
      { number: to, admin: null },
    ]);
    // A phone that makes a group names its members by number only.
    const participants = group.members.map(({ number, admin }) => ({ id: jidOf(number), admin }));
    const data = [{ ...groupView(group), participants, author: jidOf(from) }];
    await network.post(news(to, { event: 'groups.upsert', data }));
    return { id: group.jid };
  };

  return async (input: InboundRequest): Promise<Json> => {
    if (input.type === 'ack') {
      const payload = { keyId: input.target, remoteJid: jidOf(input.from), status: input.status ?? 'READ' };
      await network.post({ number: input.to, kind: 'ack', payload });
      return { id: input.target };
    }
    if (input.type === 'group') return makeGroup(input);
    const event = EVENTS[input.type ?? ''];
    if (event) {
      await network.post(news(input.to, event(input)));
      return { id: null };
    }
    if (input.type === 'history') {
      for (const part of historyOf(input)) await network.post(news(input.to, part));
      return { id: null };
    }
    const delivery = await deliveryOf(input);
    const { seq } = await network.relay(await parcelOf(input, delivery));
    return { id: delivery.id, seq, message: asObject(delivery.message) };
  };
};

export type Inbound = ReturnType<typeof createInbound>;
