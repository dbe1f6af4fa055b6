import type { Fact } from '../clients/evolution.fact.js';
import type { Models } from '../models/index.js';
import type { NewEvent } from '../models/event.js';
import { Problem } from '../utils/problem.js';
import { keyOf, takeEffect, type Single } from './fact.js';
import { createKnown } from './known.js';
import { meetPeople } from './people.js';
import { standsAlone, storeSaid, type SaidThere } from './said.js';
import type { Scene } from './scene.js';
import { expectSends, isOfSending, takeOfSending, type SendingFact } from './sending-fact.js';

/** What one post of a node says, by whose placement. */
export interface Post {
  userId: number;
  placementId: string;
  facts: readonly Fact[];
  /** Not told in its time, but found later. */
  isRecovered: boolean;
}

type Kept = Pick<Scene, 'sealer' | 'links' | 'keptDays'>;

interface Item {
  scene: Scene;
  fact: Fact;
  events: NewEvent[];
}
/** Who people are has been kept by then. */
const hasEffect = ({ kind }: Fact): boolean => kind !== 'person' && kind !== 'ignored';
const isSaid = (item: Item): item is Item & SaidThere =>
  item.fact.kind === 'message' && standsAlone(item.fact);
const isSending = (item: Item): item is Item & { fact: SendingFact } => isOfSending(item.fact);

/**
 * Takes posts together, in their order, in a transaction that holds the counters of their users: every fact has its
 * effect once, and is told. Problem unauthenticated in the place of a post whose phone is gone.
 */
export async function takeAll(
  models: Models,
  posts: readonly Post[],
  kept: Kept,
): Promise<(undefined | Problem)[]> {
  const scenes = await scenesOf(models, posts, kept);
  const told = posts.flatMap(({ facts }, i) => (scenes[i] ? { scene: scenes[i], facts } : []));
  const named = await meetPeople(
    models,
    told.map(({ scene, facts }) => ({ phone: scene.phone, facts })),
  );
  const items = told.flatMap(({ scene }, i) =>
    named[i]!.filter(hasEffect).map((fact): Item => ({ scene, fact, events: [] })),
  );
  await walk(models, await onlyNew(models, items));
  return scenes.map((scene) => (scene ? undefined : new Problem('unauthenticated')));
}

/** Phones are locked in the order of their ids, as everywhere. */
async function scenesOf(models: Models, posts: readonly Post[], kept: Kept): Promise<(Scene | null)[]> {
  const known = createKnown(models);
  const placements = new Map(
    (await models.placements.list([...new Set(posts.map((post) => post.placementId))])).map((one) => [
      one.id,
      one,
    ]),
  );
  const phoneIds = [...new Set([...placements.values()].map((one) => one.phoneId))];
  const phones = new Map((await models.phones.listForUpdate(phoneIds)).map((one) => [one.id, one]));
  return posts.map(({ placementId, isRecovered }) => {
    const placement = placements.get(placementId);
    const phone = placement && phones.get(placement.phoneId);
    return placement && phone ? { ...kept, models, known, phone, placement, isRecovered } : null;
  });
}

/** Each fact once, however often it is told: here, and ever before. */
async function onlyNew(models: Models, items: readonly Item[]): Promise<Item[]> {
  const names = new Map<string, { userId: number; phoneId: number; key: string }>();
  const nameOf = ({ scene: { phone }, fact }: Item) => {
    const key = keyOf(fact);
    return key && { name: `${phone.id} ${key}`, userId: phone.userId, phoneId: phone.id, key };
  };
  for (const item of items) {
    const of = nameOf(item);
    if (of) names.set(of.name, of);
  }
  const fresh = new Set((await models.inbound.take([...names.values()])).map((f) => `${f.phoneId} ${f.key}`));
  return items.filter((item) => {
    const of = nameOf(item);
    return !of || fresh.delete(of.name);
  });
}

/** In the order in which they were told; what can be taken together waits until something cannot. */
async function walk(models: Models, items: readonly Item[]): Promise<void> {
  const sends = items.filter(isSending);
  const addresses = sends.length > 0 ? await expectSends(sends[0]!.scene, sends) : new Map();
  let waiting: Item[] = [];
  const settle = async () => {
    const said = waiting.filter(isSaid);
    (await storeSaid(models, said)).forEach((events, i) => (said[i]!.events = events));
    await items[0]?.scene.known.flush();
    await append(models, waiting);
    waiting = [];
  };
  for (const item of items) {
    if (isSending(item)) item.events = takeOfSending(item.scene, item.fact, addresses);
    else if (!isSaid(item)) {
      await settle();
      item.events = await takeEffect(await refreshed(item), item.fact as Single);
    }
    waiting.push(item);
  }
  await settle();
}

/** What an earlier fact of the same transaction may have made of the phone. */
async function refreshed({ scene, fact }: Item): Promise<Scene> {
  if (fact.kind !== 'connection' && fact.kind !== 'qr' && fact.kind !== 'qr_limit') return scene;
  const [phone, placement] = [
    await scene.models.phones.find(scene.phone.id),
    await scene.models.placements.find(scene.placement.id),
  ];
  return { ...scene, phone: phone!, placement: placement! };
}

const append = (models: Models, items: readonly Item[]): Promise<void> =>
  models.events.appendAll(
    items.flatMap(({ scene: { phone, isRecovered }, events }) =>
      events.map((event) => ({
        ...event,
        userId: phone.userId,
        data: isRecovered ? { ...event.data, recovered: true } : event.data,
      })),
    ),
  );
