import type { Behaviour } from '../network/behaviours.js';
import type { Group } from '../network/groups.js';
import { jidOf, numberOf } from '../network/jid.js';
import type { Parcel } from '../network/network.js';
import { long, type Json } from '../utils/json.js';
import { nowSeconds } from '../utils/time.js';

/** What is to be said. */
export interface Content {
  readonly type: string;
  readonly message: Json;
  /** The words in it, for the ledger and for an echo. */
  readonly text: string;
  readonly kind?: Parcel['kind'];
  /** Reactions, status posts and buttons carry no context. */
  readonly bare?: boolean;
  /** Files are uploaded first, and that fails differently without a connection. */
  readonly uploads?: boolean;
  readonly file?: Buffer;
  /** Which part of the message holds the context; by default the one named by the type. */
  readonly contextIn?: string;
  /** The key names the recipient twice, as that of buttons does. */
  readonly keyed?: boolean;
}

export interface SendOptions {
  /** Milliseconds of "typing" before the send; the answer waits for it. */
  readonly delay?: number;
  readonly quoted?: Json | undefined;
  readonly mentioned?: readonly string[] | undefined;
  readonly mentionsEveryOne?: boolean | undefined;
}

/** Where something goes. */
export interface Recipient {
  readonly jid: string;
  /** Digits; null for groups and broadcasts. */
  readonly number: string | null;
  readonly group: Group | null;
  readonly behaviour: Behaviour;
}

/** Chats seem to be of disappearing messages whose setting was made two days before, in all recordings. */
const TWO_DAYS = 172_800;

/** What surrounds a message: who is mentioned, what is answered. */
export const contextOf = (
  { group }: Recipient,
  { quoted, mentioned, mentionsEveryOne }: SendOptions,
): Json | undefined => {
  const quote = quoted && {
    participant: '',
    stanzaId: (quoted['key'] as Json | undefined)?.['id'],
    quotedMessage: quoted['message'] ?? {},
  };
  if (group) {
    const everyone = mentionsEveryOne ? group.members.map(({ number }) => jidOf(number)) : undefined;
    const mentionedJid = everyone ?? mentioned?.map((number) => jidOf(numberOf(number)));
    return mentionedJid || quote ? { ...(mentionedJid ? { mentionedJid } : {}), ...quote } : undefined;
  }
  return {
    mentionedJid: [],
    groupMentions: [],
    ephemeralSettingTimestamp: long(nowSeconds() - TWO_DAYS),
    disappearingMode: { initiator: 0 },
    ...quote,
  };
};

/** Media and the like carry the context inside as well. */
export const withContext = ({ message, type, contextIn }: Content, contextInfo: Json | undefined): Json => {
  const part = contextIn ?? type;
  const inner = message[part];
  if (!contextInfo || typeof inner !== 'object' || inner === null) return message;
  return { ...message, [part]: { ...inner, contextInfo } };
};
