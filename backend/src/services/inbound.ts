import { decodeInbound, withoutSecrets } from '../clients/evolution.decode.js';
import type { Wake } from '../clients/wake.js';
import type { Logger } from '../config/logger.js';
import type { Tenancy } from '../models/index.js';
import type { NewEvent } from '../models/event.js';
import { safeEqual, sha256 } from '../utils/crypto.js';
import { Problem } from '../utils/problem.js';
import { takeEffect } from './fact.js';
import type { Links } from './message-view.js';
import { meetPeople } from './people.js';
import type { Sealer } from './phone.js';

export type InboundService = ReturnType<typeof createInbound>;

/** Takes what nodes post: each fact has its effect once, however often, late or shuffled it arrives. */
export function createInbound(deps: {
  tenancy: Pick<Tenancy, 'inTenant' | 'shared'>;
  wake: Pick<Wake, 'hint'>;
  sealer: Sealer;
  logger: Logger;
  links: Links;
  /** Days that received files are kept; 0: for ever. */
  settings: { mediaKeptDays: number };
}) {
  const { tenancy, wake, sealer, logger, links } = deps;
  const keptDays = deps.settings.mediaKeptDays || null;

  /** Whose placement it is, when the bearer is that placement's. Problem unauthenticated: final for the node. */
  async function ownerOf(placementId: string, bearer: string | null): Promise<number> {
    const credential = await tenancy.shared.credentials.findByPlacement(placementId);
    const isRight =
      credential?.secretHash && bearer !== null && safeEqual(sha256(bearer), credential.secretHash);
    if (!credential || !isRight) throw new Problem('unauthenticated');
    return credential.userId;
  }

  return {
    /**
     * One post of a node, in one transaction. Problems: unauthenticated (wrong secret or placement: final for the
     * node), unavailable (it tries again). What is not understood is quarantined, and taken.
     */
    async ingest(placementId: string, bearer: string | null, body: unknown): Promise<void> {
      const userId = await ownerOf(placementId, bearer);
      const decoded = decodeInbound(body);
      if (decoded.ok && decoded.facts.every((fact) => fact.kind === 'ignored')) return;

      await tenancy.inTenant(userId, async (models) => {
        await models.events.lockCounter(userId);
        const placement = await models.placements.find(placementId);
        const phone = placement && (await models.phones.findForUpdate(placement.phoneId));
        if (!placement || !phone) throw new Problem('unauthenticated');
        if (!decoded.ok) {
          const { why } = decoded;
          await models.inbound.quarantine({
            userId,
            phoneId: phone.id,
            placementId,
            why,
            body: withoutSecrets(body),
          });
          logger.warn('inbound quarantined', { userId, phoneId: phone.id, why });
          return;
        }
        const events: NewEvent[] = [];
        for (const fact of await meetPeople(models, phone, decoded.facts))
          events.push(...(await takeEffect({ models, phone, placement, sealer, links, keptDays }, fact)));
        if (events.length > 0) await models.events.append(userId, events);
      });

      const kinds = decoded.ok ? decoded.facts.map((fact) => fact.kind) : [];
      wake.hint('events', userId);
      wake.hint('delivery');
      if (decoded.ok && decoded.facts.some((fact) => 'media' in fact && fact.media)) wake.hint('media');
      if (kinds.includes('connection')) {
        wake.hint('check');
        wake.hint('lane');
      }
      logger.info('inbound', { userId, placementId, kinds });
    },
  };
}
