import type { Fact } from '../clients/evolution.fact.js';
import type { SaidMedia } from '../clients/evolution.said.js';
import type { Models } from '../models/index.js';
import type { NewEvent } from '../models/event.js';
import type { Media } from '../models/media.js';
import type { Message } from '../models/message.js';
import type { Phone } from '../models/phone.js';
import type { Placement } from '../models/placement.js';
import { sha256, type Sealer } from '../utils/crypto.js';
import { safeFileName } from '../utils/file-name.js';
import { plainType } from '../utils/media-type.js';
import { changeFact, withParked } from './change.js';
import { takeNote } from './connection-fact.js';
import { onlyMatch } from './match.js';
import { messageEvent, participantsEvent, reactionEvent } from './event-data.js';
import type { Links } from './message-view.js';
import { groupFact, memberFact } from './people.js';
import { storeQr } from './phone.js';
import { advance, answered, begin, named, write, type Progress } from './progress.js';

type FactOf<Kind extends Fact['kind']> = Extract<Fact, { kind: Kind }>;

/** Where a fact takes effect: a transaction that holds the user's counter and the phone's row. */
export interface Scene {
  models: Models;
  phone: Phone;
  placement: Placement;
  sealer: Sealer;
  links: Links;
  /** Of received files; null: for ever. */
  keptDays: number | null;
  /** Not told in its time, but found later. */
  isRecovered: boolean;
}

type Effects = { [Kind in Fact['kind']]: (scene: Scene, fact: FactOf<Kind>) => Promise<NewEvent[]> };

/** Gives a fact its effect, once: what it changes, and the events to append because of it. */
export async function takeEffect(scene: Scene, fact: Fact): Promise<NewEvent[]> {
  const key = keyOf(fact);
  if (key !== null && !(await scene.models.inbound.take(scene.phone.userId, scene.phone.id, key))) return [];
  return (effects[fact.kind] as (scene: Scene, fact: Fact) => Promise<NewEvent[]>)(scene, fact);
}

/** What makes a fact the same fact as another. Null: doing it twice does nothing more. */
function keyOf(fact: Fact): string | null {
  if (fact.kind === 'message') return `message:${fact.whatsappId}:${fact.fromMe}`;
  if (fact.kind === 'reaction') return `reaction:${fact.whatsappId}`;
  if (fact.kind === 'edited') return `edited:${fact.whatsappId}:${fact.fromMe}:${fact.at.getTime()}`;
  if (fact.kind !== 'participants') return null;
  const who = sha256(fact.participants.join()).toString('hex').slice(0, 16);
  return `participants:${fact.group}:${fact.action}:${fact.at.getTime()}:${who}`;
}

const effects: Effects = {
  message,
  echo,
  ack,
  reaction,
  edited: ({ models, phone }, fact) => changeFact(models, phone, fact),
  deleted: ({ models, phone }, fact) => changeFact(models, phone, fact),
  connection,
  qr,
  participants: async ({ models, phone }, fact) => {
    await memberFact(models, phone, fact);
    return [participantsEvent({ ...fact, phoneId: phone.id })];
  },
  group: async ({ models, phone }, fact) => {
    await groupFact(models, phone, fact);
    return [];
  },
  // Kept before all else of its post: see meetPeople().
  person: async () => [],
  qr_limit: (scene, { at }) =>
    connection(scene, { kind: 'connection', state: 'refused', statusReason: null, owner: null, at }),
  ignored: async () => [],
};

/** Said to the phone by a contact, or typed on it by its owner. */
async function message(scene: Scene, fact: FactOf<'message'>): Promise<NewEvent[]> {
  const stored = await store(scene, fact);
  if (!stored) return [];
  const said = { senderName: fact.fromMe ? null : fact.senderName, at: fact.at };
  const told = messageEvent(stored.message, said, scene.links);
  return [told, ...stored.events];
}

/** With the events of what became of it before it came; null: it is here already. */
async function store(
  scene: Scene,
  fact: FactOf<'message' | 'reaction'>,
): Promise<{ message: Message; events: NewEvent[] } | null> {
  const { models, phone, placement } = scene;
  const isOut = fact.fromMe;
  const media = fact.media && (await expectMedia(scene, fact.media));
  const stored = await models.messages.record({
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
    sequence: await models.phones.nextSequence(phone.id),
    key: fact.key,
    lid: fact.lid,
    mediaId: media?.id ?? null,
    recovered: scene.isRecovered,
    at: fact.at,
  });
  if (media && !stored) await models.media.remove(media.id);
  if (!stored) return null;
  const acked = isOut ? await withAcks(models, stored, fact) : [];
  const changed = await withParked(models, stored);
  return { message: changed.message, events: [...acked, ...changed.events] };
}

/** What was typed on the phone is sent when it is told of, and its acks may have come before. */
async function withAcks(
  models: Models,
  message: Message,
  { whatsappId, key, at }: FactOf<'message' | 'reaction'>,
) {
  const early = await models.progress.takeParked([{ phoneId: message.phoneId, whatsappId }]);
  return written(models, answered(begin(message), { whatsappId, key, at, early }));
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

const isShared = (chat: string) => chat.startsWith('group:') || chat === 'status';

/** What was said beside the words, with the message it answers and the file it carries; null when nothing. */
function payloadOf(fact: FactOf<'message' | 'reaction'>): Record<string, unknown> | null {
  const payload = {
    ...fact.payload,
    ...(fact.quoted === null ? {} : { quotedWhatsappId: fact.quoted }),
    ...(fact.media ? { media: fact.media } : {}),
  };
  return Object.keys(payload).length > 0 ? payload : null;
}

async function written(models: Models, progress: Progress): Promise<NewEvent[]> {
  await write(models, [progress]);
  return progress.events;
}

async function ack({ models, phone }: Scene, fact: FactOf<'ack'>): Promise<NewEvent[]> {
  const found = await models.messages.findByWhatsappId(phone.id, fact.whatsappId);
  if (found) return found.direction === 'out' ? written(models, advance(begin(found), fact)) : [];
  // It came before the node's own answer told us the id: it counts when that comes.
  await models.progress.park([{ ...fact, userId: phone.userId, phoneId: phone.id }]);
  return [];
}

/**
 * Our own send, seen by the node. Its answer may be on its way, or lost: by id where known, else the one send in doubt
 * with the same chat, type and contents. With two candidates, neither.
 */
async function echo({ models, phone }: Scene, fact: FactOf<'echo'>): Promise<NewEvent[]> {
  const known = await models.messages.findByWhatsappId(phone.id, fact.whatsappId);
  const match = known ?? onlyMatch(await inDoubt(models, phone, fact.chat), fact);
  if (!match || match.direction !== 'out') return [];
  const { whatsappId, key } = fact;
  const at = new Date(Math.max(fact.at.getTime(), dueAt(match).getTime()));
  return written(models, advance(named(begin(match), match.key ?? key), { status: 'sent', at, whatsappId }));
}

/** WhatsApp counts in whole seconds: by them a message can seem sent before it was due. */
const dueAt = ({ createdAt, sendAt }: Message): Date => (sendAt && sendAt > createdAt ? sendAt : createdAt);

/** Sends whose answer is not known to one recipient, by whatever address they were sent. */
async function inDoubt(models: Models, phone: Phone, chat: string): Promise<Message[]> {
  const lids = chat.startsWith('+') ? await models.people.lidsOf(phone.userId, chat) : [];
  const all = [];
  for (const address of [chat, ...lids]) all.push(...(await models.messages.listInDoubt(phone.id, address)));
  return all;
}

/** A reaction is a message of its own, told as what it is. */
async function reaction(scene: Scene, fact: FactOf<'reaction'>): Promise<NewEvent[]> {
  const { phone } = scene;
  const { emoji, target: whatsappId, chat, at } = fact;
  const stored = await store(scene, { ...fact, payload: { reaction: { whatsappId, emoji } } });
  if (!stored) return [];
  const from = fact.fromMe ? phone.phoneNumber : (fact.from ?? chat);
  const messageId = stored.message.refersTo;
  return [
    reactionEvent({ phoneId: phone.id, messageId, whatsappId, emoji, chat, from, at }),
    ...stored.events,
  ];
}

async function connection(scene: Scene, fact: FactOf<'connection'>): Promise<NewEvent[]> {
  const { models, phone } = scene;
  const { state, statusReason, owner } = fact;
  const { told } = await takeNote(scene, { state, statusReason, owner, at: fact.at.toISOString() });
  // Whatever was said, the node is asked: one lost or late post must not leave a phone in the wrong status.
  if (!told) await models.checks.ask(phone.userId, phone.id, state === 'open' ? 0 : 1);
  // Also when it was open all along for all we know: a node that ends and starts again has lost what it had not told.
  if (!told && state === 'open') await models.compares.noteOpening(phone.userId, phone.id);
  return [];
}

async function qr(scene: Scene, fact: FactOf<'qr'>): Promise<NewEvent[]> {
  const { models, sealer } = scene;
  const note = { state: 'qr', statusReason: null, owner: null, at: fact.at.toISOString() } as const;
  const { phone, isLatest } = await takeNote(scene, note);
  if (phone?.status === 'pairing' && isLatest) await storeQr({ models, phone, sealer }, fact.code);
  return [];
}
