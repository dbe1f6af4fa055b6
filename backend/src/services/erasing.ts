import type { EvolutionStore } from '../clients/evolution.store.js';
import type { Storage } from '../clients/storage.js';
import type { Wake } from '../clients/wake.js';
import type { Erasure, Names } from '../models/erasure.js';
import type { Job } from '../models/job.js';
import type { Tenancy } from '../models/index.js';
import { Problem } from '../utils/problem.js';
import { spellingsOf } from '../utils/number.js';
import { namesOf, withoutThem } from './erased.js';
import { backoff } from './job.js';
import { endWaiting, record } from './progress.js';

export interface ErasureView {
  id: number;
  status: 'pending' | 'done';
  createdAt: string;
  endedAt: string | null;
}

export type Erasing = ReturnType<typeof createErasing>;

const MESSAGES_A_BATCH = 200;
const EVENTS_A_STRETCH = 5000;
const MESSAGES_A_STRETCH = 5000;
const WAITING = ['scheduled', 'queued'];
/** Seconds until what is just being sent has been. */
const SENDING_AGAIN = 5;
/** Seconds until a database of the nodes that is away is asked again, at first and at most. */
const AWAY_AGAIN = 10;
const MOST_AWAY_AGAIN = 60;

const view = ({ id, createdAt, endedAt }: Erasure): ErasureView => ({
  id,
  status: endedAt ? 'done' : 'pending',
  createdAt: createdAt.toISOString(),
  endedAt: endedAt?.toISOString() ?? null,
});

const OWN_PHONE =
  'It is one of your own phones, in everything that was ever said with it; remove the phone instead';

/**
 * Takes away all that is known of one contact: what was said with them and by them, their names and files, here and on the
 * nodes. Of events their place is left, so that ledgers have no gaps.
 */
export function createErasing(deps: {
  tenancy: Pick<Tenancy, 'inTenant'>;
  storage: Pick<Storage, 'remove'>;
  store: Pick<EvolutionStore, 'isConfigured' | 'isReady' | 'forgetContact'>;
  wake: Pick<Wake, 'hint'>;
}) {
  const { tenancy, storage, store, wake } = deps;

  /** What waits to go to them does not go out any more. */
  const eraseSome = (userId: number, names: Names, after: number) =>
    tenancy.inTenant(userId, async (models) => {
      // Found before the counter is taken, which everything that happens to this user waits for.
      const some = await models.erasures.messages(userId, names, { after, limit: MESSAGES_A_BATCH });
      await models.events.lockCounter(userId);
      await models.erasures.holdMedia(userId, some);
      const found = await models.messages.listForUpdate(some.map(({ id }) => id));
      const waiting = found.filter(({ status }) => WAITING.includes(status));
      await record(
        models,
        waiting.map((message) => endWaiting(message, { status: 'cancelled', reason: 'contact_erased' })),
      );
      await models.lanes.advance(waiting);
      const ended = found.filter(({ status }) => status !== 'sending');
      const ids = ended.map(({ id }) => id);
      await models.erasures.blankEventsOf(userId, ids);
      await models.erasures.mendChats(userId, ids);
      const files = await models.erasures.removeMessages(userId, ended);
      const last = some.length < MESSAGES_A_BATCH ? null : some.at(-1)!.id;
      return { files, last, isSending: ended.length < found.length };
    });

  async function eraseMessages(userId: number, names: Names, renew: () => Promise<void>): Promise<boolean> {
    let after: number | null = 0;
    let isSent = true;
    while (after !== null) {
      const { files, last, isSending } = await eraseSome(userId, names, after);
      for (const key of files) await storage.remove(key).catch(() => undefined);
      await renew();
      isSent &&= !isSending;
      after = last;
    }
    return isSent;
  }

  /** What others said of them is theirs, and stays. */
  async function eraseNames(userId: number, names: Names, renew: () => Promise<void>): Promise<void> {
    let after: number | null = 0;
    while (after !== null) {
      const from: number = after;
      after = await tenancy.inTenant(userId, async (models) => {
        const stretch = { after: from, limit: MESSAGES_A_STRETCH };
        const { last, found } = await models.erasures.naming(userId, names, stretch);
        await models.erasures.rewrite(found.map((said) => withoutThem(said, names)));
        return last;
      });
      await renew();
    }
  }

  async function eraseEvents(userId: number, names: Names, renew: () => Promise<void>): Promise<void> {
    let after: number | null = 0;
    while (after !== null) {
      const from: number = after;
      after = await tenancy.inTenant(userId, (models) =>
        models.erasures.blankEvents(userId, names, { after: from, limit: EVENTS_A_STRETCH }),
      );
      await renew();
    }
  }

  /** False: it cannot be told now what is left there. */
  async function eraseOnNodes(userId: number, names: Names): Promise<boolean> {
    if (!store.isConfigured()) return true;
    if (!(await store.isReady())) return false;
    const placements = await tenancy.inTenant(userId, (models) => models.erasures.placements(userId));
    await store.forgetContact(placements, names);
    return true;
  }

  /** Exports tell of them too: those that are there go, and one on its way begins anew. */
  async function end(userId: number, erasure: Erasure): Promise<void> {
    const files = await tenancy.inTenant(userId, async (models) => {
      const gone = await models.exports.removeAll(userId);
      const anew = gone.wasPending ? await models.exports.create(userId) : null;
      if (anew) await models.jobs.add(userId, 'export', anew.id);
      await models.erasures.end(erasure);
      return gone.files;
    });
    for (const key of files) await storage.remove(key).catch(() => undefined);
    wake.hint('job');
  }

  return {
    /** In the background; what comes from them afterwards is new. Problem: unprocessable (a phone of one's own). */
    async begin(userId: number, contact: string): Promise<ErasureView> {
      const erasure = await tenancy.inTenant(userId, async (models) => {
        const names = await models.erasures.aliases(userId, spellingsOf(contact));
        if ((await models.erasures.ownPhones(userId, names)).length > 0)
          throw new Problem('unprocessable', OWN_PHONE, {
            errors: [{ pointer: '/contact', code: 'own_phone', detail: OWN_PHONE }],
          });
        const created = await models.erasures.create(userId, contact);
        await models.jobs.add(userId, 'erase', created.id);
        return created;
      });
      wake.hint('job');
      return view(erasure);
    },

    /** Problem: not_found. */
    async get(userId: number, id: number): Promise<ErasureView> {
      const found = await tenancy.inTenant(userId, (models) => models.erasures.find(id));
      if (!found) throw new Problem('not_found', 'There is no such erasure');
      return view(found);
    },

    /** Seconds until it is to be done again; null: nothing is left. */
    async run({ userId, about, tries }: Job, renew: () => Promise<void>): Promise<number | null> {
      const found = await tenancy.inTenant(userId, async (models) => {
        const erasure = await models.erasures.find(about!);
        if (!erasure?.contact) return null;
        const names = await models.erasures.aliases(userId, spellingsOf(erasure.contact));
        // Added, or learned to be the same, since it was asked for.
        const own = await models.erasures.ownPhones(userId, names);
        return { erasure, names: namesOf(names.filter((name) => !own.includes(name))) };
      });
      if (!found) return null;
      const { names } = found;
      if (!(await eraseMessages(userId, names, renew))) return SENDING_AGAIN;
      await eraseNames(userId, names, renew);
      await eraseEvents(userId, names, renew);
      await tenancy.inTenant(userId, (models) => models.erasures.hideKeys(userId, names));
      // Before the traces go, by which they are known under all of their names.
      if (!(await eraseOnNodes(userId, names))) return backoff(tries, AWAY_AGAIN, MOST_AWAY_AGAIN);
      await tenancy.inTenant(userId, (models) => models.erasures.removeTraces(userId, names));
      // Only then: an export that is begun after this one's end reads nothing of them.
      await end(userId, found.erasure);
      wake.hint('events', userId);
      wake.hint('lane');
      return null;
    },
  };
}
