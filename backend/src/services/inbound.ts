import { decodeInbound, withoutSecrets } from '../clients/evolution.decode.js';
import type { Fact } from '../clients/evolution.fact.js';
import type { Wake } from '../clients/wake.js';
import type { Logger } from '../config/logger.js';
import type { Tenancy } from '../models/index.js';
import { batcher } from '../utils/batch.js';
import { cache } from '../utils/cache.js';
import { safeEqual, sha256, type Sealer } from '../utils/crypto.js';
import { Problem } from '../utils/problem.js';
import { takeAll, type Post } from './intake.js';
import type { Links } from './message-view.js';
import { together } from './together.js';

export type InboundService = ReturnType<typeof createInbound>;

/** A placement has its bearer for long; one that is given another is asked for anew at once. */
const CACHE = { ms: 60_000, size: 10_000 };
const GROUP = { maxBatch: 64, maxQueue: 5000 };

/**
 * Takes what nodes post: each fact has its effect once, however often, late or shuffled it arrives. What is posted while
 * one group is taken forms the next.
 */
export function createInbound(deps: {
  tenancy: Pick<Tenancy, 'inTenant' | 'inTenants' | 'tryInTenants' | 'shared'>;
  wake: Pick<Wake, 'hint'>;
  sealer: Sealer;
  logger: Logger;
  links: Links;
  /** Days that received files are kept; 0: for ever. */
  settings: { mediaKeptDays: number };
}) {
  const { tenancy, wake, sealer, logger, links } = deps;
  const kept = { sealer, links, keptDays: deps.settings.mediaKeptDays || null };
  const credentials = cache<{ userId: number; secretHash: Buffer | null } | null>(CACHE);
  const group = batcher<Post, void>({
    flush: (posts) => together(tenancy, posts, (models, some) => takeAll(models, some, kept)),
    ...GROUP,
    isolate: (error) => !(error instanceof Problem && error.code === 'unavailable'),
  });

  const isRight = (held: { secretHash: Buffer | null } | null, bearer: string): boolean =>
    held?.secretHash != null && safeEqual(sha256(bearer), held.secretHash);

  /** Whose placement it is, when the bearer is that placement's. Problem unauthenticated: final for the node. */
  async function ownerOf(placementId: string, bearer: string | null): Promise<number> {
    if (bearer === null) throw new Problem('unauthenticated');
    const load = () => tenancy.shared.credentials.findByPlacement(placementId);
    const known = await credentials.get(placementId, load);
    if (known && isRight(known, bearer)) return known.userId;
    const now = await load();
    credentials.put(placementId, now);
    if (!now || !isRight(now, bearer)) throw new Problem('unauthenticated');
    return now.userId;
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

  async function take(post: Post): Promise<void> {
    await group.add(post);
    announce(post.userId, post.facts);
  }

  async function quarantine(userId: number, placementId: string, not: { why: string; body: unknown }) {
    await tenancy.inTenant(userId, async (models) => {
      const placement = await models.placements.find(placementId);
      if (!placement) throw new Problem('unauthenticated');
      const { phoneId } = placement;
      const body = withoutSecrets(not.body);
      await models.inbound.quarantine({ userId, phoneId, placementId, why: not.why, body });
      logger.warn('inbound quarantined', { userId, phoneId, why: not.why });
    });
  }

  return {
    /**
     * One post of a node; resolves when all it says is committed. Problems: unauthenticated (wrong secret or placement:
     * final for the node), unavailable (it tries again). What is not understood is quarantined, and taken.
     */
    async ingest(placementId: string, bearer: string | null, body: unknown): Promise<void> {
      const userId = await ownerOf(placementId, bearer);
      const decoded = decodeInbound(body);
      if (!decoded.ok) return quarantine(userId, placementId, { why: decoded.why, body });
      const { facts } = decoded;
      if (facts.every((fact) => fact.kind === 'ignored')) return;
      await take({ userId, placementId, facts, isRecovered: false });
      logger.info('inbound', { userId, placementId, kinds: facts.map((fact) => fact.kind) });
    },

    /** Takes what a placement's node has stored and could not tell. Problem unauthenticated: its phone is gone. */
    recover: (userId: number, placementId: string, facts: readonly Fact[]): Promise<void> =>
      take({ userId, placementId, facts, isRecovered: true }),
  };
}
