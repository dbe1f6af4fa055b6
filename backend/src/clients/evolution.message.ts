import { addressOf, bestAddress, lidOf, ownKey } from './evolution.address.js';
import type { Said } from './evolution.fact.js';
import { readSaid, unwrapped } from './evolution.said.js';
import { isObject, object, text, type Json } from './evolution.value.js';

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

/** A message as a node posts, answers and stores it; null: without id, chat or type. `at` where it has no time itself. */
export function saidOf(data: Json, at: Date): (Said & { fromMe: boolean }) | null {
  const key = object(data['key']);
  const whatsappId = text(key['id']);
  const chat = bestAddress(key['remoteJid'], key['remoteJidAlt']);
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
    from: fromMe ? null : isShared(chat) ? bestAddress(key['participant'], key['participantAlt']) : chat,
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
