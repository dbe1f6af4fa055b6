import type { EvolutionClient, Look } from '../clients/evolution.client.js';
import type { Wake } from '../clients/wake.js';
import type { Logger } from '../config/logger.js';
import type { Tenancy } from '../models/index.js';
import type { Placement } from '../models/placement.js';
import { randomToken, safeEqual, sha256 } from '../utils/crypto.js';

export type Directing = ReturnType<typeof createDirecting>;

const USERS_A_PAGE = 200;
/** Seconds between two looks at phones whose nodes post elsewhere: many phones are no burst on a node. */
const APART = 0.05;

/**
 * Keeps nodes posting to where this gateway listens. A node keeps the address it was told for good, so a phone would be
 * deaf, and say nothing of it, once the gateway is to be posted to elsewhere (INBOUND_URL).
 */
export function createDirecting(deps: {
  tenancy: Pick<Tenancy, 'inTenant' | 'inTenants' | 'shared'>;
  evolution: Pick<EvolutionClient, 'subscribe' | 'subscription' | 'inboundUrl'>;
  wake: Pick<Wake, 'hint'>;
  logger: Logger;
}) {
  const { tenancy, evolution, wake, logger } = deps;

  /** The bearer that the node has, where it is the right one: what it posts meanwhile is then not turned away. */
  async function bearerFor(placement: Placement, held: string | undefined): Promise<string> {
    const credential = await tenancy.shared.credentials.findByPlacement(placement.id);
    if (held && credential?.secretHash && safeEqual(sha256(held), credential.secretHash)) return held;
    const bearer = randomToken();
    await tenancy.inTenant(placement.userId, (models) =>
      models.placements.setSecret(placement.id, sha256(bearer)),
    );
    return bearer;
  }

  return {
    /** Whether its node was told to post elsewhere, as far as is known here. */
    isMisdirected: (placement: Placement): boolean =>
      placement.inboundUrl !== evolution.inboundUrl(placement.id),

    /** Asks the node where it posts to, and tells it the right address when that is another. */
    async direct(placement: Placement): Promise<Look<unknown>> {
      const url = evolution.inboundUrl(placement.id);
      const address = { nodeUrl: placement.nodeUrl, placementId: placement.id };
      const found = await evolution.subscription(address);
      if (found.kind !== 'ok') return found;
      if (found.value.url !== url) {
        const bearer = await bearerFor(placement, found.value.bearer);
        const told = await evolution.subscribe(address, { url, bearer });
        if (told.kind !== 'ok') return told;
        const { userId, phoneId, nodeName } = placement;
        logger.warn('node posted elsewhere', { userId, phoneId, node: nodeName, former: found.value.url });
      }
      if (placement.inboundUrl !== url)
        await tenancy.inTenant(placement.userId, (models) =>
          models.placements.setInboundUrl(placement.id, url),
        );
      return found;
    },

    /** At start: asks for a look at every phone whose node was told to post elsewhere. Returns how many there are. */
    async askMisdirected(): Promise<number> {
      const prefix = evolution.inboundUrl('');
      let total = 0;
      let page = await tenancy.shared.userIds(0, USERS_A_PAGE);
      while (page.length > 0) {
        const after = total * APART;
        total += await tenancy.inTenants(page, (models) =>
          models.placements.askMisdirected(prefix, { after, apart: APART }),
        );
        page = await tenancy.shared.userIds(page.at(-1)!, USERS_A_PAGE);
      }
      if (total > 0) logger.warn('nodes are told where to post, anew', { phones: total, url: prefix });
      wake.hint('check');
      return total;
    },
  };
}
