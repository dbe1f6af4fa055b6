import type { Readable } from 'node:stream';
import type { EvolutionClient } from '../clients/evolution.client.js';
import type { MediaClient } from '../clients/media.client.js';
import type { Wake } from '../clients/wake.js';
import type { Logger } from '../config/logger.js';
import type { Models, Tenancy } from '../models/index.js';
import type { Media, MediaClaim } from '../models/media.js';
import { backoff } from '../utils/backoff.js';
import { Problem } from '../utils/problem.js';
import { whereaboutsOf, type Upload } from '../utils/upload.js';
import { BrokenOff, type Intake } from './media-intake.js';
import { checkQuota } from './media.js';
import { endWaiting, record } from './progress.js';

export interface MediaFetchSettings {
  /** Seconds for a whole download. */
  timeout: number;
  /** How often it is tried before it has failed for good. */
  tries: number;
  /** Downloads of one user at once. */
  perUser: number;
  quota: number;
}

type Source =
  | { ok: true; stream: Readable; mimetype: string | null; fileName: string | null }
  | { ok: false; isFinal: boolean; detail: string };

export type MediaFetch = ReturnType<typeof createMediaFetch>;

/** A lease outlasts a download by this, for the transaction that stores it. */
const LEASE_MARGIN = 30;
const PAUSE = { baseMs: 2000, maxMs: 600_000, jitter: 0.2 };

const failed = (detail: string, isFinal: boolean): Source => ({ ok: false, isFinal, detail });

/** Fetches what users link to and what contacts sent, in the background; what waits for it goes on, or fails with it. */
export function createMediaFetch(deps: {
  tenancy: Pick<Tenancy, 'inTenant' | 'shared'>;
  client: Pick<MediaClient, 'fetch'>;
  evolution: Pick<EvolutionClient, 'file'>;
  intake: Intake;
  wake: Pick<Wake, 'hint'>;
  logger: Logger;
  settings: MediaFetchSettings;
}) {
  const { tenancy, client, evolution, intake, wake, logger, settings } = deps;
  let stop = new AbortController();

  /** The node that holds the phone now gives the files of all its messages, those of former nodes too. */
  async function fromNode(media: Media): Promise<Source> {
    const found = await tenancy.inTenant(media.userId, async (models) => {
      const message = await models.media.messageOf(media.userId, media.id);
      return message && { message, placement: await models.placements.findCurrent(message.phoneId) };
    });
    if (!found?.message.whatsappId) return failed('The message it came with is gone', true);
    if (!found.placement) return failed('The phone is on no node', false);
    const address = { nodeUrl: found.placement.nodeUrl, placementId: found.placement.id };
    const signal = AbortSignal.any([AbortSignal.timeout(settings.timeout * 1000), stop.signal]);
    return evolution.file(address, found.message.whatsappId, signal);
  }

  async function take(media: Media, source: Source & { ok: true }): Promise<Upload> {
    const isLink = media.source === 'link';
    return intake.take({
      userId: media.userId,
      stream: source.stream,
      kind: isLink ? media.kind : null,
      // What the user says holds; what a web server says of a file is often wrong, and is no lie.
      mimetype: media.mimetype ?? source.mimetype,
      fileName: media.fileName ?? source.fileName,
      isBinding: isLink && media.mimetype !== null,
      pointer: '/mediaUrl',
    });
  }

  /** The file, or why there is none. Anything unexpected is worth another try. */
  async function fetched(media: Media): Promise<Upload | (Source & { ok: false })> {
    const source =
      media.source === 'inbound' ? await fromNode(media) : await client.fetch(media.url!, stop.signal);
    if (!source.ok) return source;
    try {
      return await take(media, source);
    } catch (error) {
      if (error instanceof BrokenOff) return { ok: false, isFinal: false, detail: error.message };
      if (!(error instanceof Problem)) throw error;
      return { ok: false, isFinal: error.code !== 'unavailable', detail: error.detail ?? error.code };
    }
  }

  /** False: somebody else has it, or it is gone. */
  async function store(claim: MediaClaim, upload: Upload): Promise<boolean> {
    const { storageKey } = whereaboutsOf(upload);
    return tenancy.inTenant(claim.userId, async (models) => {
      const media = await models.media.findForUpdate(claim.id);
      if (media?.status !== 'pending' || !(await models.media.finish(claim, null))) return false;
      await checkQuota(models, claim.userId, { size: upload.size, quota: settings.quota });
      await models.media.setStored(claim.id, {
        ...upload,
        sha256: Buffer.from(upload.sha256, 'hex'),
        storageKey,
      });
      await models.media.release(claim);
      return true;
    });
  }

  /** As `store`; an upload that got no row is discarded, unless nobody knows whether it got one. */
  async function settle(claim: MediaClaim, upload: Upload): Promise<boolean> {
    const at = whereaboutsOf(upload);
    at.isKept = true;
    try {
      at.isKept = await store(claim, upload);
    } catch (error) {
      at.isKept = error instanceof Problem && error.code === 'unavailable';
      throw error;
    } finally {
      await intake.discard(upload);
    }
    return at.isKept;
  }

  /** Whatever waits for it has failed as well. */
  async function endWaitingFor(models: Models, media: Media): Promise<void> {
    const ids = (await models.media.listWaiting(media.userId, media.id)).map(({ id }) => id);
    const waiting = await models.messages.listForUpdate(ids);
    await record(
      models,
      waiting.map((message) => endWaiting(message, { status: 'failed', reason: 'media_refused' })),
    );
    await models.lanes.advance(waiting);
  }

  async function fail(claim: MediaClaim, reason: string): Promise<void> {
    await tenancy.inTenant(claim.userId, async (models) => {
      await models.events.lockCounter(claim.userId);
      const media = await models.media.findForUpdate(claim.id);
      if (media?.status !== 'pending' || !(await models.media.finish(claim, null))) return;
      await models.media.setFailed(claim.id, reason);
      await endWaitingFor(models, media);
    });
    wake.hint('lane');
    wake.hint('events', claim.userId);
    wake.hint('delivery');
  }

  async function retry(claim: MediaClaim, reason: string, attempt: number): Promise<void> {
    const seconds = backoff(attempt, PAUSE) / 1000;
    await tenancy.inTenant(claim.userId, async (models) => {
      if (await models.media.finish(claim, seconds)) await models.media.setRetry(claim.id, reason, seconds);
    });
  }

  /** Our stopping is no fault of the link: somebody else goes on at once. */
  const giveBack = (claim: MediaClaim): Promise<boolean> =>
    tenancy.inTenant(claim.userId, (models) => models.media.finish(claim, 0));

  async function end(claim: MediaClaim, media: Media): Promise<Record<string, unknown>> {
    const result = await fetched(media);
    if ('ok' in result && stop.signal.aborted) {
      await giveBack(claim);
      return { outcome: 'given back' };
    }
    if ('ok' in result) {
      const attempt = media.attempts + 1;
      const isLast = result.isFinal || attempt >= settings.tries;
      await (isLast ? fail(claim, result.detail) : retry(claim, result.detail, attempt));
      return { outcome: isLast ? 'failed' : 'retry', detail: result.detail };
    }
    try {
      const isStored = await settle(claim, result);
      wake.hint('lane');
      return { outcome: isStored ? 'stored' : 'superseded', size: result.size };
    } catch (error) {
      if (!(error instanceof Problem) || error.code !== 'quota_exceeded') throw error;
      await fail(claim, error.detail ?? error.code);
      return { outcome: 'failed', detail: error.code };
    }
  }

  return {
    start(): void {
      stop = new AbortController();
    },

    /** Ends what is under way; it is given back. */
    stop: (): void => stop.abort(),

    claim: (limit: number): Promise<MediaClaim[]> =>
      tenancy.shared.claims.media(limit, settings.perUser, settings.timeout + LEASE_MARGIN),

    /** Fetches one claimed media. Rejects for the database's sake only: its lease then ends, and it is tried again. */
    async perform(claim: MediaClaim): Promise<void> {
      const started = performance.now();
      const media = await tenancy.inTenant(claim.userId, (models) => models.media.find(claim.id));
      if (media?.status !== 'pending') {
        await tenancy.inTenant(claim.userId, (models) => models.media.finish(claim, null));
        return;
      }
      const how = await end(claim, media);
      const ms = Math.round(performance.now() - started);
      logger.info('media', { userId: claim.userId, mediaId: claim.id, source: media.source, ms, ...how });
    },
  };
}
