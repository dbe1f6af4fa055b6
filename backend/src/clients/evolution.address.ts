import { oneForm } from '../utils/number.js';

/** Addresses of WhatsApp in our form and back: E.164 with +, `group:<id>`, `lid:<id>`, `status`. */

const STATUS = 'status@broadcast';

/** A WhatsApp address in our form. `:12` names a device of the same account. */
export const addressOf = (jid: unknown): string | null => {
  if (typeof jid !== 'string') return null;
  if (jid === STATUS) return 'status';
  const [, user, domain] = /^([^@:]+)(?::\d+)?@(.+)$/.exec(jid.replaceAll('\u0000', '')) ?? [];
  if (!user) return null;
  if (domain === 'g.us') return `group:${user}`;
  if (domain === 'lid') return `lid:${user}`;
  return domain === 's.whatsapp.net' || domain === 'c.us' ? oneForm(`+${user}`) : `${domain}:${user}`;
};

/** The number where WhatsApp gives one, in either field; else the LID. */
export const bestAddress = (jid: unknown, alternative: unknown): string | null => {
  const both = [addressOf(jid), addressOf(alternative)];
  return both.find((address) => address?.startsWith('+')) ?? both[0] ?? both[1] ?? null;
};

/** How a node's calls name a recipient: a group, a LID, the status, or the bare digits of a number. */
export const recipientOf = (to: string): string => {
  if (to === 'status') return STATUS;
  if (to.startsWith('group:')) return `${to.slice(6)}@g.us`;
  if (to.startsWith('lid:')) return `${to.slice(4)}@lid`;
  return to.replace(/\D/g, '');
};

/** The full address, as message keys carry it. */
export const jidOf = (to: string): string => {
  const recipient = recipientOf(to);
  return recipient.includes('@') ? recipient : `${recipient}@s.whatsapp.net`;
};

/** A message's own name in WhatsApp: the node's, where it told us, else the one that follows from chat and id. */
export const keyOf = (target: {
  chat: string;
  whatsappId: string;
  fromMe: boolean;
  key: Record<string, unknown> | null;
}): Record<string, unknown> =>
  target.key ?? { remoteJid: jidOf(target.chat), fromMe: target.fromMe, id: target.whatsappId };

/**
 * What has to be kept of a key because it does not follow from chat, id and direction: the group member it is of, a LID,
 * another spelling of the number. Null when nothing.
 */
export const ownKey = (key: Record<string, unknown>, chat: string): Record<string, unknown> | null => {
  const { remoteJid, remoteJidAlt, fromMe, id, participant, participantAlt, addressingMode } = key;
  // Keys of buttons name the recipient twice (recorded: message_sendButtons.json).
  // A chat that is named by its LID gets the number as soon as that is known, and is then no longer named as here.
  const isPlain = remoteJid === jidOf(chat) && !chat.startsWith('lid:');
  if (isPlain && (!participant || participant === remoteJid)) return null;
  const kept = {
    remoteJid,
    remoteJidAlt,
    fromMe: fromMe === true,
    id,
    participant,
    participantAlt,
    addressingMode,
  };
  return JSON.parse(JSON.stringify(kept).replaceAll('\\u0000', '')) as Record<string, unknown>;
};

/** The LID in a key, in our form: of the chat, or in a group of who spoke. */
export const lidOf = (key: Record<string, unknown>): string | null => {
  const all = [key['participant'], key['participantAlt'], key['remoteJid'], key['remoteJidAlt']];
  return all.map(addressOf).find((address) => address?.startsWith('lid:')) ?? null;
};
