import type { EvolutionClient } from '../clients/evolution.client.js';
import type { Wake } from '../clients/wake.js';
import type { Logger } from '../config/logger.js';
import type { Tenancy } from '../models/index.js';
import type { Placement } from '../models/placement.js';
import { endWaiting, record } from './progress.js';

/** Seconds until a node that did not forget a phone is asked again, at first; each time it is longer. */
const AGAIN = 2;
const MESSAGES_A_BATCH = 200;

/** Clears away what is left of phones that were removed or have left a placement, whenever their nodes can be reached. */
export function createLeaving(deps: {
  tenancy: Pick<Tenancy, 'inTenant'>;
  evolution: Pick<EvolutionClient, 'state' | 'forget'>;
  wake: Pick<Wake, 'hint'>;
  logger: Logger;
}) {
  const { tenancy, evolution, wake, logger } = deps;

  /** Whether its node has forgotten it. One that answers without holding it is left alone: its holder would keep a ghost. */
  async function isForgotten({ nodeUrl, id }: Placement): Promise<boolean> {
    const address = { nodeUrl, placementId: id };
    const state = await evolution.state(address);
    if (state.kind !== 'ok' || state.value === null) return state.kind === 'missing';
    await evolution.forget(address);
    return (await evolution.state(address)).kind === 'missing';
  }

  /** Ends some of what waits for a phone that is gone. Returns how many. */
  const endSome = (userId: number, phoneId: number): Promise<number> =>
    tenancy.inTenant(userId, async (models) => {
      await models.events.lockCounter(userId);
      const waiting = await models.messages.listWaiting(phoneId, MESSAGES_A_BATCH);
      await record(
        models,
        waiting.map((message) => endWaiting(message, { status: 'cancelled', reason: 'phone_removed' })),
      );
      await models.lanes.advance(waiting);
      return waiting.length;
    });

  return {
    /** What has not gone out of a removed phone is cancelled, and told. */
    async endMessages(userId: number, phoneId: number): Promise<void> {
      let count: number;
      do {
        count = await endSome(userId, phoneId);
        if (count > 0) wake.hint('events', userId);
      } while (count === MESSAGES_A_BATCH);
      wake.hint('delivery');
    },

    /** Seconds until it is to be tried again; null: nothing is left. */
    async clear(left: readonly Placement[]): Promise<number | null> {
      let again: number | null = null;
      for (const placement of left) {
        const { id, userId, phoneId, nodeName } = placement;
        if (await isForgotten(placement)) {
          await tenancy.inTenant(userId, (models) => models.placements.setCleared(id));
          logger.info('placement cleared', { userId, phoneId, node: nodeName });
        } else again = AGAIN;
      }
      return again;
    },
  };
}
