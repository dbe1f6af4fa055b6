import type { Models, Tenancy } from '../models/index.js';

/** A group waits so long for a counter that somebody else holds. Milliseconds. */
const PATIENCE = 250;

/**
 * Work on the rows of many users in one transaction, which holds the counters of all of them; one result per item, in
 * order. Where a counter stays held by somebody else, each user's items go by themselves, side by side, and their
 * results are promises: nobody waits for a stranger.
 */
export async function together<Item extends { userId: number }, Result>(
  tenancy: Pick<Tenancy, 'inTenants' | 'tryInTenants'>,
  items: readonly Item[],
  work: (models: Models, items: Item[]) => Promise<Result[]>,
): Promise<(Result | Promise<Result>)[]> {
  const holding = (some: readonly Item[]) => async (models: Models) => {
    await models.events.lockCounters(some.map((item) => item.userId));
    return work(models, [...some]);
  };
  const users = [...new Set(items.map((item) => item.userId))];
  const done = await tenancy.tryInTenants(users, PATIENCE, holding(items));
  if (done) return done;

  const alone = new Map(
    users.map((userId) => {
      const own = items.filter((item) => item.userId === userId);
      return [userId, { own, results: tenancy.inTenants([userId], holding(own)) }];
    }),
  );
  return items.map(async (item) => {
    const { own, results } = alone.get(item.userId)!;
    return (await results)[own.indexOf(item)]!;
  });
}
