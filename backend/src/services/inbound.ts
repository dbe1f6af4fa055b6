import { decodeInbound, withoutSecrets } from '../clients/evolution.decode.js';
import type { Fact } from '../clients/evolution.fact.js';
import type { Wake } from '../clients/wake.js';
import type { Logger } from '../config/logger.js';
import type { Tenancy } from '../models/index.js';
import type { NewEvent } from '../models/event.js';
import { safeEqual, sha256, type Sealer } from '../utils/crypto.js';
import { Problem } from '../utils/problem.js';
import { takeEffect, type Scene } from './fact.js';
import type { Links } from './message-view.js';
import { meetPeople } from './people.js';

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

  /** Gives facts their effect, and tells of it. */
  async function take(
    at: Pick<Scene, 'models' | 'phone' | 'placement' | 'isRecovered'>,
    facts: readonly Fact[],
  ): Promise<void> {
    const { models, phone, isRecovered } = at;
    const events: NewEvent[] = [];
    for (const fact of await meetPeople(models, phone, facts))
      events.push(...(await takeEffect({ ...at, sealer, links, keptDays }, fact)));
    const told = isRecovered
      ? events.map((event) => ({ ...event, data: { ...event.data, recovered: true } }))
      : events;
    if (told.length > 0) await models.events.append(phone.userId, told);
  }

  function announce(userId: number, facts: readonly Fact[]): void {
    wake.hint('events', userId);
    wake.hint('delivery');
    if (facts.some((fact) => 'media' in fact && fact.media)) wake.hint('media');
    if (facts.some((fact) => fact.kind === 'connection')) {
      wake.hint('check');
      wake.hint('lane');
    }
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
        await take({ models, phone, placement, isRecovered: false }, decoded.facts);
      });

      const facts = decoded.ok ? decoded.facts : [];
      announce(userId, facts);
      logger.info('inbound', { userId, placementId, kinds: facts.map((fact) => fact.kind) });
    },

    /** Takes what a placement's node has stored and could not tell, in one transaction. */
    async recover(userId: number, placementId: string, facts: readonly Fact[]): Promise<void> {
      await tenancy.inTenant(userId, async (models) => {
        await models.events.lockCounter(userId);
        const placement = await models.placements.find(placementId);
        const phone = placement && (await models.phones.findForUpdate(placement.phoneId));
        if (placement && phone) await take({ models, phone, placement, isRecovered: true }, facts);
      });
      announce(userId, facts);
    },
  };
}
