import type { EvolutionClient } from '../clients/evolution.client.js';
import type { Fact } from '../clients/evolution.fact.js';
import type { Stored } from '../clients/evolution.history.js';
import type { Logger } from '../config/logger.js';
import type { Compare, Known } from '../models/compare.js';
import type { Tenancy } from '../models/index.js';
import type { Placement } from '../models/placement.js';
import type { InboundService } from './inbound.js';
import { statusAfter } from './status.js';
import type { MessageStatus } from '../models/message.js';

export type Repair = ReturnType<typeof createRepair>;

/** Seconds. */
const LEASE = 120;
/** What waited for a connection comes some time after it is open; before that nothing counts as compared to the end. */
const SETTLED_AFTER = 30;
/** Of clocks that differ. */
const SLACK = 60;
const AFTER_FAILURE = 5;
/** What is younger may still be on its way. */
const GRACE = 5;

/** What a stored message says that is not here; nothing when all of it is. */
export function missingFacts(stored: Stored, known: Known | undefined): Fact[] {
  const { whatsappId, fromMe, ack, content, isEdited, isDeleted } = stored;
  const at = new Date();
  const facts: Fact[] = known ? [] : [...stored.facts];
  const chat = null;
  const status = (known?.status ?? 'sent') as MessageStatus;
  const isNews = ack !== null && statusAfter({ status, reason: null }, ack) !== null;
  if (fromMe && ack !== null && isNews) facts.push({ kind: 'ack', whatsappId, status: ack, at });
  // The node keeps the last words only, and the time of the edit in place of the message's.
  const isReworded =
    isEdited && known && known.content !== content && !(known.editedAt && known.editedAt >= stored.at);
  if (isReworded) facts.push({ kind: 'edited', whatsappId, chat, fromMe, content, at: stored.at });
  if (isDeleted && !known?.deletedAt) facts.push({ kind: 'deleted', whatsappId, chat, fromMe, at });
  return facts;
}

/**
 * Finds what nodes could not tell. They retry from memory only, so whatever was on its way is lost when one ends, and
 * when we cannot be reached for longer than they try. Each time a connection opens, and now and then, what the node has
 * stored is compared with what is here; what is missing is taken as if it were told now, marked as recovered.
 */
export function createRepair(deps: {
  tenancy: Pick<Tenancy, 'inTenant' | 'shared'>;
  evolution: Pick<EvolutionClient, 'stored'>;
  inbound: Pick<InboundService, 'recover'>;
  logger: Logger;
  /** Seconds between two compares of an open connection. */
  settings: { every: number };
}) {
  const { tenancy, evolution, inbound, logger, settings } = deps;

  /** How many facts a page lacked. */
  async function mend(placement: Placement, messages: readonly Stored[]): Promise<number> {
    const { userId, phoneId, id } = placement;
    const rows = await tenancy.inTenant(userId, (models) =>
      models.compares.listKnown(
        phoneId,
        messages.map(({ whatsappId }) => whatsappId),
      ),
    );
    const known = new Map(rows.map((row) => [`${row.whatsappId} ${row.direction === 'out'}`, row]));
    // Oldest first, as it was said.
    const facts = [...messages]
      .reverse()
      .flatMap((one) => missingFacts(one, known.get(`${one.whatsappId} ${one.fromMe}`)));
    if (facts.length > 0) await inbound.recover(userId, id, facts);
    return facts.length;
  }

  /** Whether all of the time was gone through. */
  async function compare(placement: Placement, time: { since: Date; until: Date }): Promise<boolean> {
    const address = { nodeUrl: placement.nodeUrl, placementId: placement.id };
    let missing = 0;
    for (let page = 1, pages = 1; page <= pages; page += 1) {
      const found = await evolution.stored(address, time, page);
      if (found.kind !== 'ok') return false;
      ({ pages } = found.value);
      if (found.value.messages.length > 0) missing += await mend(placement, found.value.messages);
    }
    const { userId, phoneId } = placement;
    if (missing > 0) logger.info('recovered', { userId, phoneId, facts: missing });
    return true;
  }

  async function look(claimed: Compare): Promise<{ comparedAt: Date | null; again: number | null }> {
    const found = await tenancy.inTenant(claimed.userId, async (models) => {
      const phone = await models.phones.find(claimed.phoneId);
      const placement = phone && (await models.placements.findCurrent(phone.id));
      return phone?.isConnected ? placement : null;
    });
    if (!found) return { comparedAt: null, again: null };
    const since = new Date(claimed.comparedAt.getTime() - SLACK * 1000);
    const until = new Date(Date.now() - GRACE * 1000);
    if (!(await compare(found, { since, until }))) return { comparedAt: null, again: AFTER_FAILURE };
    const open = (Date.now() - claimed.openedAt.getTime()) / 1000;
    return open >= SETTLED_AFTER
      ? { comparedAt: until, again: settings.every }
      : { comparedAt: null, again: SETTLED_AFTER - open + GRACE };
  }

  return {
    claim: (limit: number): Promise<Compare[]> => tenancy.shared.claims.compares(limit, LEASE),

    /** One phone. Never rejects: what failed is tried again. */
    async perform(claimed: Compare): Promise<void> {
      const { userId, phoneId } = claimed;
      const { comparedAt, again } = await look(claimed).catch((error: unknown) => {
        logger.error('compare failed', { userId, phoneId, error });
        return { comparedAt: null, again: AFTER_FAILURE };
      });
      await tenancy.shared.compares.finish(claimed, comparedAt, again).catch((error: unknown) => {
        logger.warn('compare not finished', { phoneId, error });
      });
    },
  };
}
