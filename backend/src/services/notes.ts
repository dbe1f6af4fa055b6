import type { Tenancy } from '../models/index.js';
import { wordsOf } from '../utils/words.js';

export type Notes = ReturnType<typeof createNotes>;

const BATCH = 500;
/** Of what a reader waits for; beyond it (a worker that was away for long) chats and search lag behind. */
const CATCH_UP = 2000;

/**
 * Puts stored messages into their chats and under their words, after they were accepted: acceptance does not wait for
 * it. A worker does so all the time, and a reader for its own user before it reads.
 */
export function createNotes({ tenancy }: { tenancy: Pick<Tenancy, 'inTenants' | 'shared'> }) {
  async function noteBatch(userId: number | null): Promise<number> {
    const ids = await tenancy.shared.unnoted(userId, BATCH);
    if (ids.length === 0) return 0;
    await tenancy.inTenants([...new Set(ids.map((one) => one.userId))], async ({ history }) => {
      const messages = await history.findMany(ids.map((one) => one.id));
      const texts = new Map(messages.map(({ id, content }) => [id, content]));
      await history.note(ids.map((one) => ({ ...one, words: wordsOf(texts.get(one.id) ?? '') })));
    });
    return ids.length;
  }

  const noteUpTo = async (userId: number | null, most: number): Promise<number> => {
    let noted = 0;
    let count: number;
    do {
      count = await noteBatch(userId);
      noted += count;
    } while (count === BATCH && noted < most);
    return noted;
  };

  return {
    /** Notes what waits, of all users. Returns how many messages that were. */
    sweep: () => noteUpTo(null, Infinity),
    /** Notes what waits of one user, so that it reads what it wrote. */
    catchUp: (userId: number) => noteUpTo(userId, CATCH_UP),
  };
}
