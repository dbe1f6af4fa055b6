import type { NewEvent } from '../models/event.js';
import type { Message } from '../models/message.js';
import { onlyMatch } from './match.js';
import { advance, named } from './progress.js';
import type { FactOf, Scene } from './scene.js';

/** What tells how far a send has come. */
export type SendingFact = FactOf<'ack' | 'echo'>;

export const isOfSending = (fact: { kind: string }): fact is SendingFact =>
  fact.kind === 'ack' || fact.kind === 'echo';

/** By LID and by number: a send is found under whichever it was addressed to. */
type Addresses = ReadonlyMap<string, readonly string[]>;
const addressOf = (userId: number, chat: string) => `${userId} ${chat}`;

/** Reads what facts of sends will ask for, all at once. */
export async function expectSends(
  { models, known }: Pick<Scene, 'models' | 'known'>,
  items: readonly { scene: Pick<Scene, 'phone'>; fact: SendingFact }[],
): Promise<Addresses> {
  await known.load(
    items.map(({ scene, fact }) => ({ phoneId: scene.phone.id, whatsappId: fact.whatsappId })),
  );
  const unknown = items.flatMap(({ scene: { phone }, fact }) =>
    fact.kind === 'echo' && !known.find({ phoneId: phone.id, whatsappId: fact.whatsappId })
      ? { phoneId: phone.id, userId: phone.userId, chat: fact.chat }
      : [],
  );
  const numbers = unknown.filter(({ chat }) => chat.startsWith('+'));
  const lids = await models.people.lidsOf(numbers.map(({ userId, chat }) => ({ userId, number: chat })));
  const addresses = new Map<string, string[]>();
  for (const { userId, lid, number } of lids) {
    const name = addressOf(userId, number);
    addresses.set(name, [...(addresses.get(name) ?? []), lid]);
  }
  await known.loadInDoubt(
    unknown.flatMap(({ phoneId, userId, chat }) =>
      [chat, ...(addresses.get(addressOf(userId, chat)) ?? [])].map((address) => ({
        phoneId,
        chat: address,
      })),
    ),
  );
  return addresses;
}

/** Gives such a fact its effect on what is held in memory. */
export function takeOfSending(scene: Scene, fact: SendingFact, addresses: Addresses): NewEvent[] {
  return fact.kind === 'ack' ? ack(scene, fact) : echo(scene, fact, addresses);
}

function ack({ known, phone }: Scene, fact: FactOf<'ack'>): NewEvent[] {
  const found = known.find({ phoneId: phone.id, whatsappId: fact.whatsappId });
  if (found) return found.direction === 'out' ? known.moveOn(found, (now) => advance(now, fact)) : [];
  // It came before the node's own answer told us the id: it counts when that comes.
  const { whatsappId, status, at } = fact;
  known.park({ whatsappId, status, at, userId: phone.userId, phoneId: phone.id });
  return [];
}

/**
 * Our own send, seen by the node. Its answer may be on its way, or lost: by id where known, else the one send in doubt
 * with the same chat, type and contents. With two candidates, neither.
 */
function echo({ known, phone }: Scene, fact: FactOf<'echo'>, addresses: Addresses): NewEvent[] {
  const { whatsappId, key, chat } = fact;
  const lids = addresses.get(addressOf(phone.userId, chat)) ?? [];
  const match =
    known.find({ phoneId: phone.id, whatsappId }) ??
    onlyMatch(known.inDoubt(phone.id, [chat, ...lids]), fact);
  if (!match || match.direction !== 'out') return [];
  const at = new Date(Math.max(fact.at.getTime(), dueAt(match).getTime()));
  return known.moveOn(match, (now) =>
    advance(named(now, match.key ?? key), { status: 'sent', at, whatsappId }),
  );
}

/** WhatsApp counts in whole seconds: by them a message can seem sent before it was due. */
const dueAt = ({ createdAt, sendAt }: Message): Date => (sendAt && sendAt > createdAt ? sendAt : createdAt);
