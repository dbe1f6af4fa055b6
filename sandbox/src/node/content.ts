import { randomBytes } from 'node:crypto';
import { badRequest } from '../http/errors.js';
import { uuid } from '../utils/ids.js';
import { bytes, type Json } from '../utils/json.js';
import type { Content } from './outgoing.js';

/** What the calls' bodies become on the wire. */

export const textContent = (text: unknown): Content => {
  if (text === '') throw badRequest('Text is required');
  return { type: 'conversation', message: { conversation: text }, text: String(text) };
};

export const locationContent = (body: Json): Content => ({
  type: 'locationMessage',
  message: {
    locationMessage: {
      degreesLatitude: body['latitude'],
      degreesLongitude: body['longitude'],
      name: body['name'],
      address: body['address'],
    },
  },
  text: String(body['name']),
});

interface ContactCard {
  readonly fullName: string;
  readonly phoneNumber: string;
  readonly wuid?: string;
  readonly organization?: string;
  readonly email?: string;
  readonly url?: string;
}

const vcard = (card: ContactCard): string =>
  [
    'BEGIN:VCARD',
    'VERSION:3.0',
    `N:${card.fullName}`,
    `FN:${card.fullName}`,
    ...(card.organization ? [`ORG:${card.organization};`] : []),
    ...(card.email ? [`EMAIL:${card.email}`] : []),
    ...(card.url ? [`URL:${card.url}`] : []),
    `item1.TEL;waid=${card.wuid ?? card.phoneNumber.replace(/\D/g, '')}:${card.phoneNumber}`,
    'item1.X-ABLabel:Celular',
    'END:VCARD',
  ].join('\n');

export const contactContent = (cards: readonly ContactCard[]): Content => {
  const first = cards[0]!;
  if (cards.length === 1)
    return {
      type: 'contactMessage',
      message: { contactMessage: { displayName: first.fullName, vcard: vcard(first) } },
      text: first.fullName,
    };
  return {
    type: 'contactsArrayMessage',
    message: {
      contactsArrayMessage: {
        displayName: `${cards.length} contacts`,
        contacts: cards.map((card) => ({ displayName: card.fullName, vcard: vcard(card) })),
      },
    },
    text: first.fullName,
  };
};

const CONTEXT_INFO = 'messageContextInfo';

/** A poll's context sits in `messageContextInfo`, so it is bare here and carries its own. */
export const pollContent = (body: Json): Content => ({
  type: 'pollCreationMessageV3',
  message: {
    [CONTEXT_INFO]: { messageSecret: bytes(randomBytes(32)) },
    pollCreationMessageV3: {
      name: body['name'],
      selectableOptionsCount: body['selectableCount'],
      options: (body['values'] as string[]).map((optionName) => ({ optionName })),
    },
  },
  text: String(body['name']),
  contextIn: CONTEXT_INFO,
});

const EMOJI =
  /^(?:\p{Extended_Pictographic}|\p{Regional_Indicator}{2}|[#*0-9]\u{FE0F}?\u{20E3})[\p{M}\p{Emoji_Modifier}\u{FE0F}\u{200D}\p{Extended_Pictographic}\u{E0020}-\u{E007F}]*$/u;

export const reactionContent = (body: Json): Content => {
  const text = String(body['reaction'] ?? '');
  if (text !== '' && !EMOJI.test(text)) throw badRequest('Reaction must be a single emoji or empty string');
  return {
    type: 'reactionMessage',
    message: { reactionMessage: { text, key: body['key'], senderTimestampMs: Date.now() } },
    text,
    kind: 'reaction',
    bare: true,
  };
};

interface Button {
  readonly type: string;
  readonly displayText?: string;
  readonly id?: string;
  readonly url?: string;
  readonly phoneNumber?: string;
  readonly copyCode?: string;
}

const BUTTON_NAMES: Record<string, string> = {
  reply: 'quick_reply',
  copy: 'cta_copy',
  url: 'cta_url',
  call: 'cta_call',
};

const buttonOf = ({ type, displayText, id, url, phoneNumber, copyCode }: Button): Json => ({
  name: BUTTON_NAMES[type] ?? type,
  buttonParamsJson: JSON.stringify({
    display_text: displayText,
    id,
    url,
    phone_number: phoneNumber,
    copy_code: copyCode,
  }),
});

export const buttonsContent = (body: Json): Content => ({
  type: 'viewOnceMessage',
  message: {
    viewOnceMessage: {
      message: {
        interactiveMessage: {
          body: {
            text: `*${String(body['title'])}*\n\n${body['description'] ? `${String(body['description'])}\n` : ''}`,
          },
          footer: { text: body['footer'] },
          nativeFlowMessage: {
            buttons: (body['buttons'] as Button[]).map(buttonOf),
            messageParamsJson: JSON.stringify({ from: 'api', templateId: uuid() }),
          },
        },
      },
    },
  },
  text: String(body['title']),
  bare: true,
  keyed: true,
});
