import { addressOf } from './evolution.address.js';
import type { Button, Buttons, ContactCard, Location, Poll } from './evolution.content.js';
import { bytesOf, isObject, object, text, type Json } from './evolution.value.js';

/** A file that a message carries; its bytes are fetched from the node later. */
export interface SaidMedia {
  kind: 'image' | 'video' | 'audio' | 'voice' | 'document' | 'sticker';
  mimetype: string | null;
  fileName: string | null;
  /** Bytes, as the sender says. */
  size: number | null;
}

/** What a message says, in our words. */
export interface Said {
  type: string;
  /** The text, the caption or the chosen words; null for what has none. */
  content: string | null;
  payload: Json | null;
  media: SaidMedia | null;
}

type Reader = (inner: Json, message: Json) => Partial<Said> & { type: string };

/** Messages around a message: each holds the real one under `message`. */
const WRAPPERS = [
  'ephemeralMessage',
  'viewOnceMessage',
  'viewOnceMessageV2',
  'viewOnceMessageV2Extension',
  'documentWithCaptionMessage',
  'editedMessage',
  'deviceSentMessage',
];

const mediaOf =
  (kind: SaidMedia['kind'], type: string = kind): Reader =>
  (inner) => ({
    type,
    content: text(inner['caption']),
    media: {
      kind,
      mimetype: text(inner['mimetype']),
      fileName: text(inner['fileName']) ?? text(inner['title']),
      size: bytesOf(inner['fileLength']),
    },
  });

const given = (fields: Json): Json =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null && value !== undefined));

const locationOf = (inner: Json): Location =>
  given({
    latitude: Number(inner['degreesLatitude']),
    longitude: Number(inner['degreesLongitude']),
    name: text(inner['name']),
    address: text(inner['address']),
  }) as unknown as Location;

/** One line of a vCard, whatever its parameters: `item1.TEL;waid=55:+55 11`. */
const lineOf = (card: string, name: string): string | null =>
  text(new RegExp(`^(?:item\\d+\\.)?${name}(?:;[^:\\r\\n]*)?:(.*)$`, 'm').exec(card)?.[1]?.trim());

function contactOf(value: unknown): ContactCard {
  const inner = object(value);
  const card = text(inner['vcard']) ?? '';
  const waid = /waid=(\d+)/.exec(card)?.[1];
  const phoneNumber = waid ? addressOf(`${waid}@s.whatsapp.net`) : lineOf(card, 'TEL');
  return given({
    name: text(inner['displayName']) ?? lineOf(card, 'FN') ?? '',
    phoneNumber,
    organization: lineOf(card, 'ORG')?.replace(/;$/, ''),
    email: lineOf(card, 'EMAIL'),
    url: lineOf(card, 'URL'),
  }) as unknown as ContactCard;
}

const pollOf: Reader = (inner) => {
  const options = Array.isArray(inner['options']) ? inner['options'] : [];
  const poll: Poll = {
    name: text(inner['name']) ?? '',
    options: options.map((option) => text(object(option)['optionName']) ?? ''),
    selectableCount: Number(inner['selectableOptionsCount'] ?? 0),
  };
  return { type: 'poll', payload: { poll } };
};

/** A vote in a poll. The node names the options where it could decipher them; else they are hashes. */
const voteOf: Reader = (inner) => {
  const chosen = object(inner['vote'])['selectedOptions'];
  const isNamed = Array.isArray(chosen) && chosen.every((option) => typeof option === 'string');
  const options = isNamed ? (chosen as string[]).map((option) => text(option) ?? '') : null;
  const whatsappId = text(object(inner['pollCreationMessageKey'])['id']);
  return { type: 'poll', content: text(options?.join(', ')), payload: { vote: { whatsappId, options } } };
};

const BUTTON_TYPES: Record<string, Button['type']> = {
  quick_reply: 'reply',
  cta_url: 'url',
  cta_call: 'call',
  cta_copy: 'copy',
};

/** How a node writes buttons: a title in bold, a description below it (recorded: message_sendButtons.json). */
function buttonsOf(inner: Json): Buttons {
  const [, title, description] =
    /^\*(.*)\*\n\n([\s\S]*)$/.exec(text(object(inner['body'])['text']) ?? '') ?? [];
  const items = object(inner['nativeFlowMessage'])['buttons'];
  return given({
    title: title ?? text(object(inner['body'])['text']) ?? '',
    description: text(description?.replace(/\n$/, '')),
    footer: text(object(inner['footer'])['text']),
    items: (Array.isArray(items) ? items : []).map((item) => buttonOf(object(item))),
  }) as unknown as Buttons;
}

function buttonOf(item: Json): Button {
  const about = parsed(item['buttonParamsJson']);
  return given({
    type: BUTTON_TYPES[String(item['name'])] ?? 'reply',
    text: text(about['display_text']) ?? '',
    id: text(about['id']),
    url: text(about['url']),
    phoneNumber: text(about['phone_number']),
    code: text(about['copy_code']),
  }) as unknown as Button;
}

const parsed = (value: unknown): Json => {
  try {
    return object(JSON.parse(String(value)));
  } catch {
    return {};
  }
};

const listOf: Reader = (inner) => {
  const sections = Array.isArray(inner['sections']) ? inner['sections'].map(object) : [];
  const rowsOf = (section: Json) => (Array.isArray(section['rows']) ? section['rows'].map(object) : []);
  return {
    type: 'list',
    payload: {
      list: given({
        title: text(inner['title']) ?? '',
        description: text(inner['description']),
        buttonText: text(inner['buttonText']) ?? '',
        footer: text(inner['footerText']),
        sections: sections.map((section) =>
          given({
            title: text(section['title']),
            rows: rowsOf(section).map((row) =>
              given({
                id: text(row['rowId']),
                title: text(row['title']),
                description: text(row['description']),
              }),
            ),
          }),
        ),
      }),
    },
  };
};

/** What somebody chose from a list or from buttons. */
const choice = (type: string, chosen: { id: unknown; words: unknown; description?: unknown }) => ({
  type,
  content: text(chosen.words),
  payload: {
    choice: given({
      id: text(chosen.id),
      text: text(chosen.words),
      description: text(chosen.description),
    }),
  },
});

const READERS: Record<string, Reader> = {
  conversation: (_inner, message) => ({ type: 'text', content: text(message['conversation']) }),
  extendedTextMessage: (inner) => ({ type: 'text', content: text(inner['text']) }),
  imageMessage: mediaOf('image'),
  videoMessage: mediaOf('video'),
  ptvMessage: mediaOf('video'),
  audioMessage: (inner, message) => mediaOf(inner['ptt'] === true ? 'voice' : 'audio')(inner, message),
  documentMessage: mediaOf('document'),
  stickerMessage: mediaOf('sticker'),
  locationMessage: (inner) => ({ type: 'location', payload: { location: locationOf(inner) } }),
  liveLocationMessage: (inner) => ({
    type: 'location',
    content: text(inner['caption']),
    payload: { location: locationOf(inner), live: true },
  }),
  contactMessage: (inner) => ({ type: 'contact', payload: { contacts: [contactOf(inner)] } }),
  contactsArrayMessage: (inner) => ({
    type: 'contact',
    payload: { contacts: (Array.isArray(inner['contacts']) ? inner['contacts'] : []).map(contactOf) },
  }),
  pollCreationMessage: pollOf,
  pollCreationMessageV2: pollOf,
  pollCreationMessageV3: pollOf,
  pollUpdateMessage: voteOf,
  listMessage: listOf,
  listResponseMessage: (inner) =>
    choice('list', {
      id: object(inner['singleSelectReply'])['selectedRowId'],
      words: inner['title'],
      description: inner['description'],
    }),
  buttonsResponseMessage: (inner) =>
    choice('buttons', { id: inner['selectedButtonId'], words: inner['selectedDisplayText'] }),
  templateButtonReplyMessage: (inner) =>
    choice('buttons', { id: inner['selectedId'], words: inner['selectedDisplayText'] }),
  interactiveResponseMessage: (inner) =>
    choice('buttons', {
      id: parsed(object(inner['nativeFlowResponseMessage'])['paramsJson'])['id'],
      words: object(inner['body'])['text'],
    }),
  interactiveMessage: (inner) => ({ type: 'buttons', payload: { buttons: buttonsOf(inner) } }),
  reactionMessage: (inner) => ({
    type: 'reaction',
    payload: { reaction: { whatsappId: text(object(inner['key'])['id']), emoji: text(inner['text']) ?? '' } },
  }),
};

/** The message inside what is wrapped around it, at most a few deep. */
export function unwrapped(message: Json): Json {
  let inner = message;
  for (let depth = 0; depth < 5; depth += 1) {
    const wrapper = WRAPPERS.find((name) => isObject(object(inner[name])['message']));
    if (!wrapper) return inner;
    inner = object(object(inner[wrapper])['message']);
  }
  return inner;
}

/** What a message says. One of a type that is not known here is `other`, and kept as it came. */
export function readSaid(whole: Json): Said {
  const message = unwrapped(whole);
  const name = Object.keys(READERS).find((key) => message[key] !== undefined && message[key] !== null);
  if (!name) {
    const { base64: _file, messageContextInfo: _noise, ...kept } = message;
    return { type: 'other', content: null, payload: { raw: storable(kept) }, media: null };
  }
  return { content: null, payload: null, media: null, ...READERS[name]!(object(message[name]), message) };
}

const storable = (value: Json): Json => JSON.parse(JSON.stringify(value).replaceAll('\\u0000', '')) as Json;
