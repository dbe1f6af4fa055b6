import type { EvolutionClient } from '../clients/evolution.client.js';
import type { EvolutionStore } from '../clients/evolution.store.js';
import type { Wake } from '../clients/wake.js';
import type { Logger } from '../config/logger.js';
import type { Tenancy } from '../models/index.js';
import type { Phone } from '../models/phone.js';
import type { Placement } from '../models/placement.js';
import type { Moving } from './moving.js';
import { endWaiting, record } from './progress.js';

/** Seconds until a node that did not forget a phone is asked again, at first; each time it is longer. */
const AGAIN = 2;
const MESSAGES_A_BATCH = 200;

type Left = Placement & { hasMoved: boolean };

/** Clears away what is left of phones that were removed or have left a placement, whenever their nodes can be reached. */
export function createLeaving(deps: {
  tenancy: Pick<Tenancy, 'inTenant'>;
  evolution: Pick<EvolutionClient, 'state' | 'forget'>;
  moving: Pick<Moving, 'clear'>;
  store: Pick<EvolutionStore, 'isReady' | 'idOf' | 'dropKeys'>;
  wake: Pick<Wake, 'hint'>;
  logger: Logger;
}) {
  const { tenancy, evolution, moving, store, wake, logger } = deps;

  /** Whether its node has forgotten it. One that answers without holding it is left alone: its holder would keep a ghost. */
  async function isForgotten({ nodeUrl, id }: Placement): Promise<boolean> {
    const address = { nodeUrl, placementId: id };
    const state = await evolution.state(address);
    if (state.kind !== 'ok' || state.value === null) return state.kind === 'missing';
    // Nodes leave its keys behind, and they are found only while it is known how nodes call it.
    const inner = (await store.isReady()) ? await store.idOf(id) : null;
    await evolution.forget(address);
    if (inner) await store.dropKeys(inner);
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

  /** Where the phone is now, and its move that has not ended: until then nothing is cleared. */
  const here = async (phone: Phone | null) =>
    phone === null
      ? { open: null, current: null }
      : tenancy.inTenant(phone.userId, async (models) => ({
          open: await models.moves.findOpen(phone.id),
          current: await models.placements.findCurrent(phone.id),
        }));

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

    /**
     * Clears what is left of a phone where it lived; null where it was removed. Seconds until that is to be tried again;
     * null: nothing is left, or only on nodes that are lost, which are asked about when they are back.
     */
    async clear(left: readonly Left[], phone: Phone | null): Promise<number | null> {
      const { open, current } = await here(phone);
      let again: number | null = null;
      for (const placement of left) {
        if (open || (placement.isNodeLost && placement.nodeStatus === 'down')) continue;
        const { id, userId, phoneId, nodeName } = placement;
        const isCleared = placement.hasMoved
          ? await moving.clear(placement, current)
          : await isForgotten(placement);
        if (isCleared) {
          await tenancy.inTenant(userId, (models) => models.placements.setCleared(id));
          logger.info('placement cleared', { userId, phoneId, node: nodeName });
        } else again = AGAIN;
      }
      return again;
    },
  };
}
