import type { Tenancy } from '../models/index.js';
import { Problem } from '../utils/problem.js';

export interface EventPage {
  /** The envelopes, as every reader of the ledger gets them. */
  data: unknown[];
  hasMore: boolean;
  oldestSequence: number;
  lastSequence: number;
}

export type Events = ReturnType<typeof createEvents>;

export const createEvents = ({ tenancy }: { tenancy: Pick<Tenancy, 'reading'> }) => ({
  /** What follows a sequence number. Problems: events_gone when what follows it is no longer kept. */
  listAfter: (userId: number, after: number, limit: number): Promise<EventPage> =>
    tenancy.reading(userId, async ({ events }) => {
      const { oldest, last } = await events.bounds(userId);
      if (after + 1 < oldest && after < last) {
        throw new Problem(
          'events_gone',
          `Events up to ${oldest - 1} are no longer kept; start again after ${oldest - 1}`,
        );
      }
      const rows = await events.listAfter(userId, after, limit + 1);
      return {
        data: rows.slice(0, limit).map((row) => JSON.parse(row.body) as unknown),
        hasMore: rows.length > limit,
        oldestSequence: oldest,
        lastSequence: last,
      };
    }),
});
