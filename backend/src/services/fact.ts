import type { Fact } from '../clients/evolution.fact.js';
import type { NewEvent } from '../models/event.js';
import { sha256 } from '../utils/crypto.js';
import { changeFact } from './change.js';
import { takeNote } from './connection-fact.js';
import { participantsEvent } from './event-data.js';
import { groupFact, memberFact } from './people.js';
import { storeQr } from './qr.js';
import { storeSaid, type SaidThere } from './said.js';
import type { FactOf, Scene } from './scene.js';

/** Acks, echoes and people take effect together with others of their kind: see intake. */
export type Single = Exclude<Fact, { kind: 'ack' | 'echo' | 'person' | 'ignored' }>;
type Effects = { [Kind in Single['kind']]: (scene: Scene, fact: FactOf<Kind>) => Promise<NewEvent[]> };

/** Gives a fact its effect: what it changes, and the events to append because of it. */
export const takeEffect = (scene: Scene, fact: Single): Promise<NewEvent[]> =>
  (effects[fact.kind] as (scene: Scene, fact: Single) => Promise<NewEvent[]>)(scene, fact);

/** What makes a fact the same fact as another. Null: doing it twice does nothing more. */
export function keyOf(fact: Fact): string | null {
  if (fact.kind === 'message') return `message:${fact.whatsappId}:${fact.fromMe}`;
  if (fact.kind === 'reaction') return `reaction:${fact.whatsappId}`;
  if (fact.kind === 'edited') return `edited:${fact.whatsappId}:${fact.fromMe}:${fact.at.getTime()}`;
  if (fact.kind !== 'participants') return null;
  const who = sha256(fact.participants.join()).toString('hex').slice(0, 16);
  return `participants:${fact.group}:${fact.action}:${fact.at.getTime()}:${who}`;
}

const said = async (scene: Scene, fact: SaidThere['fact']): Promise<NewEvent[]> =>
  (await storeSaid(scene.models, [{ scene, fact }])).flat();

const effects: Effects = {
  message: said,
  reaction: said,
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
  qr_limit: (scene, { at }) =>
    connection(scene, { kind: 'connection', state: 'refused', statusReason: null, owner: null, at }),
};

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
  if (phone?.status === 'pairing' && isLatest) await storeQr({ models, phone, sealer }, fact);
  return [];
}
