import type { SaidMedia } from '../clients/evolution.said.js';
import type { Models } from '../models/index.js';
import type { NewEvent } from '../models/event.js';
import type { Media } from '../models/media.js';
import type { Message, NewFact } from '../models/message.js';
import type { Ack } from '../models/progress.js';
import { safeFileName } from '../utils/file-name.js';
import { plainType } from '../utils/media-type.js';
import { withParked } from './change.js';
import { messageEvent, reactionEvent } from './event-data.js';
import { answered } from './progress.js';
import type { FactOf, Scene } from './scene.js';

type SaidFact = FactOf<'message' | 'reaction'>;

/** Said to a phone by a contact, or typed on it by its owner. */
export interface SaidThere {
  scene: Scene;
  fact: SaidFact;
}

const isShared = (chat: string) => chat.startsWith('group:') || chat === 'status';

/**
 * Whether it can be stored with others in one statement: it answers nothing that may be among them, and no ack can have
 * come before it.
 */
export const standsAlone = (fact: SaidFact): boolean =>
  fact.kind === 'message' && !fact.fromMe && fact.quoted === null && fact.payload?.['vote'] === undefined;

/** Stores what was said, and returns the events of each: none where it is here already. */
export async function storeSaid(models: Models, items: readonly SaidThere[]): Promise<NewEvent[][]> {
  if (items.length === 0) return [];
  const media: (Media | null)[] = [];
  for (const { scene, fact } of items) media.push(fact.media ? await expectMedia(scene, fact.media) : null);
  const sequences = await models.phones.nextSequences(items.map(({ scene }) => scene.phone.id));
  const stored = await models.messages.record(
    items.map((item, i) => newFact(item, { sequence: sequences[i]!, mediaId: media[i]?.id ?? null })),
  );
  const changed = await withParked(models, stored);
  const byName = new Map(changed.map((one) => [nameOf(one.message), one]));
  const early = await models.progress.takeParked(
    stored.flatMap(({ direction, phoneId, whatsappId }) =>
      direction === 'out' ? { phoneId, whatsappId: whatsappId! } : [],
    ),
  );
  const events: NewEvent[][] = [];
  for (const [i, item] of items.entries()) {
    const name = nameOf(newName(item));
    const found = byName.get(name);
    byName.delete(name);
    if (!found && media[i]) await models.media.remove(media[i].id);
    const acks = early.filter((ack) => ack.whatsappId === item.fact.whatsappId);
    events.push(
      found ? [told(item, found.message), ...withAcks(item, found.message, acks), ...found.events] : [],
    );
  }
  return events;
}

const nameOf = ({ phoneId, whatsappId, direction }: Pick<Message, 'phoneId' | 'whatsappId' | 'direction'>) =>
  `${phoneId} ${whatsappId} ${direction}`;

const newName = ({ scene, fact }: SaidThere) => ({
  phoneId: scene.phone.id,
  whatsappId: fact.whatsappId,
  direction: fact.fromMe ? ('out' as const) : ('in' as const),
});

/** A reaction is a message of its own, told as what it is. */
function told({ scene, fact }: SaidThere, message: Message): NewEvent {
  const { phone, links } = scene;
  const { chat, at, fromMe } = fact;
  if (fact.kind === 'message')
    return messageEvent(message, { senderName: fromMe ? null : fact.senderName, at }, links);
  const { emoji, target: whatsappId } = fact;
  const from = fromMe ? phone.phoneNumber : (fact.from ?? chat);
  return reactionEvent({ phoneId: phone.id, messageId: message.refersTo, whatsappId, emoji, chat, from, at });
}

/** What was typed on the phone is sent when it is told of, and its acks may have come before. */
function withAcks({ scene, fact }: SaidThere, message: Message, early: readonly Ack[]): NewEvent[] {
  if (message.direction === 'in') return [];
  const { whatsappId, key, at } = fact;
  scene.known.hold(message);
  return scene.known.moveOn(message, (progress) => answered(progress, { whatsappId, key, at, early }));
}

function newFact(
  { scene: { phone, placement, isRecovered }, fact }: SaidThere,
  more: Pick<NewFact, 'sequence' | 'mediaId'>,
): NewFact {
  const isOut = fact.fromMe;
  return {
    ...more,
    userId: phone.userId,
    phoneId: phone.id,
    placementId: placement.id,
    direction: isOut ? 'out' : 'in',
    source: isOut ? 'phone' : 'contact',
    whatsappId: fact.whatsappId,
    chat: fact.chat,
    from: isOut ? phone.phoneNumber : (fact.from ?? fact.chat),
    to: isOut || isShared(fact.chat) ? fact.chat : phone.phoneNumber,
    type: fact.type,
    content: fact.content,
    payload: payloadOf(fact),
    status: isOut ? 'sent' : 'received',
    key: fact.key,
    lid: fact.lid,
    recovered: isRecovered,
    at: fact.at,
  };
}

/** What was said beside the words, with the message it answers and the file it carries; null when nothing. */
function payloadOf(fact: SaidFact): Record<string, unknown> | null {
  const payload = {
    ...fact.payload,
    ...(fact.kind === 'reaction' ? { reaction: { whatsappId: fact.target, emoji: fact.emoji } } : {}),
    ...(fact.quoted === null ? {} : { quotedWhatsappId: fact.quoted }),
    ...(fact.media ? { media: fact.media } : {}),
  };
  return Object.keys(payload).length > 0 ? payload : null;
}

/** The file of a received message is fetched from its node in the background. */
async function expectMedia({ models, phone, keptDays }: Scene, said: SaidMedia): Promise<Media> {
  const media = await models.media.create({
    userId: phone.userId,
    status: 'pending',
    source: 'inbound',
    kind: said.kind,
    mimetype: plainType(said.mimetype),
    fileName: safeFileName(said.fileName),
    keptDays,
  });
  await models.media.queue(media);
  return media;
}
