import { jidOf, keyOf, recipientOf } from './evolution.address.js';
import type { Button, ContactCard, SendPayload } from './evolution.content.js';

/** What is to be said, in our words; `payload` as drafts and views have it. */
export interface Sending {
  /** E.164 with +, `group:<id>`, `lid:<id>` or `status`. */
  chat: string;
  type: string;
  content: string | null;
  payload: SendPayload | null;
  media: { url: string; mimetype: string; fileName: string } | null;
}

interface Call {
  /** Below `/message/`. */
  path: string;
  body: Record<string, unknown>;
}
type Payload = SendPayload;
type Writer = (sending: Sending, payload: Payload) => Call;

/** Who is mentioned and what is answered: the same fields in every call that takes them (recorded: sendText). */
const context = ({ mentions, mentionAll, quotedMessageId, target }: Payload) => ({
  ...(mentions ? { mentioned: mentions.map(recipientOf) } : {}),
  ...(mentionAll ? { mentionsEveryOne: true } : {}),
  ...(quotedMessageId && target
    ? {
        quoted: {
          key: keyOf(target),
          ...(target.words === null ? {} : { message: { conversation: target.words } }),
        },
      }
    : {}),
});

const to = (sending: Sending, payload: Payload) => ({
  number: recipientOf(sending.chat),
  ...context(payload),
});

/** Recorded: message_sendMedia.json. The mimetype is told, as nodes else go by the end of a URL. */
const media =
  (mediatype: string): Writer =>
  (sending, payload) => ({
    path: 'sendMedia',
    body: {
      ...to(sending, payload),
      mediatype,
      mimetype: sending.media?.mimetype,
      media: sending.media?.url,
      fileName: sending.media?.fileName,
      ...(sending.content === null ? {} : { caption: sending.content }),
    },
  });

const BACKGROUND = '#1f7a63';

/** Recorded: message_sendStatus.json. The node wants a colour and a font for words. */
const status: Writer = ({ content, media: file }, { statusPost: post }) => {
  const type = post?.type ?? 'text';
  const isText = type === 'text';
  return {
    path: 'sendStatus',
    body: {
      type,
      content: isText ? content : file?.url,
      ...(isText ? { backgroundColor: post?.backgroundColor ?? BACKGROUND, font: post?.font ?? 1 } : {}),
      ...(!isText && content !== null ? { caption: content } : {}),
      allContacts: !post?.recipients,
      statusJidList: (post?.recipients ?? []).map(jidOf),
    },
  };
};

const buttonOf = (item: Button) => ({
  type: item.type,
  displayText: item.text,
  ...(item.id === undefined ? {} : { id: item.id }),
  ...(item.url === undefined ? {} : { url: item.url }),
  ...(item.phoneNumber === undefined ? {} : { phoneNumber: item.phoneNumber }),
  ...(item.code === undefined ? {} : { copyCode: item.code }),
});

const cardOf = (card: ContactCard) => {
  const { name, phoneNumber, ...rest } = card;
  return { fullName: name, wuid: recipientOf(phoneNumber), phoneNumber, ...rest };
};

/** Each type's call, as recorded in message_send….json of Evolution API 2.3.6. */
const WRITERS: Record<string, Writer> = {
  text: (sending, payload) => ({
    path: 'sendText',
    body: {
      ...to(sending, payload),
      text: sending.content ?? '',
      ...(payload.linkPreview === undefined ? {} : { linkPreview: payload.linkPreview }),
    },
  }),
  image: media('image'),
  video: media('video'),
  audio: media('audio'),
  document: media('document'),
  voice: (sending, payload) => ({
    path: 'sendWhatsAppAudio',
    body: { ...to(sending, payload), audio: sending.media?.url },
  }),
  sticker: (sending, payload) => ({
    path: 'sendSticker',
    body: { ...to(sending, payload), sticker: sending.media?.url },
  }),
  // The node refuses a location without name and address, WhatsApp does not (recorded: message_sendLocation.json).
  location: (sending, payload) => ({
    path: 'sendLocation',
    body: { ...to(sending, payload), name: '', address: '', ...payload.location },
  }),
  contact: (sending, payload) => ({
    path: 'sendContact',
    body: { ...to(sending, payload), contact: payload.contacts?.map(cardOf) },
  }),
  poll: (sending, payload) => ({
    path: 'sendPoll',
    body: {
      ...to(sending, payload),
      name: payload.poll?.name,
      selectableCount: payload.poll?.selectableCount,
      values: payload.poll?.options,
    },
  }),
  list: (sending, { list }) => ({
    path: 'sendList',
    body: {
      number: recipientOf(sending.chat),
      title: list?.title,
      description: list?.description ?? '',
      buttonText: list?.buttonText,
      footerText: list?.footer ?? '',
      sections: list?.sections.map(({ title, rows }) => ({
        title: title ?? '',
        rows: rows.map((row) => ({ title: row.title, description: row.description ?? '', rowId: row.id })),
      })),
    },
  }),
  buttons: (sending, { buttons }) => ({
    path: 'sendButtons',
    body: {
      number: recipientOf(sending.chat),
      title: buttons?.title,
      description: buttons?.description ?? '',
      footer: buttons?.footer ?? '',
      buttons: buttons?.items.map(buttonOf),
    },
  }),
  reaction: (_sending, { reaction, target }) => ({
    path: 'sendReaction',
    body: { key: target && reactionKey(keyOf(target)), reaction: reaction?.emoji },
  }),
  status,
};

/** A node takes no further names in the key of a reaction. */
const reactionKey = ({ remoteJid, fromMe, id, participant }: Record<string, unknown>) => ({
  remoteJid,
  fromMe,
  id,
  ...(participant ? { participant } : {}),
});

/** The call that hands a message to a node. Throws on a type that cannot be drafted. */
export function sendCall(sending: Sending): Call {
  const writer = Object.hasOwn(WRITERS, sending.type) ? WRITERS[sending.type] : undefined;
  if (!writer) throw new Error(`No node call sends type ${sending.type}`);
  return writer(sending, sending.payload ?? {});
}
