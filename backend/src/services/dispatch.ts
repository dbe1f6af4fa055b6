import type { SendPayload } from '../clients/evolution.content.js';
import type { Address, EvolutionClient } from '../clients/evolution.client.js';
import type { Wake } from '../clients/wake.js';
import type { Logger } from '../config/logger.js';
import type { Tenancy } from '../models/index.js';
import type { Send } from '../models/lane.js';
import { classify, type Outcome } from './answer.js';
import type { MediaService } from './media.js';
import { endWaiting, isWaiting, record } from './progress.js';
import { doubt, inDoubt, tryAgain, type Settlement } from './settlement.js';

export interface DispatchSettings {
  /** Seconds. */
  sendTimeout: number;
  unknownHold: number;
  /** A lease outlasts the send's timeout by this, for the transaction that settles it. */
  leaseMargin: number;
}

export type Dispatch = ReturnType<typeof createDispatch>;

/** Takes what is due out of the lanes, hands it to its node once, and records what became of it. */
export function createDispatch(deps: {
  tenancy: Tenancy;
  evolution: Pick<EvolutionClient, 'send' | 'state' | 'presence'>;
  media: Pick<MediaService, 'forNode'>;
  settlement: Settlement;
  wake: Pick<Wake, 'hint'>;
  logger: Logger;
  settings: DispatchSettings;
}) {
  const { tenancy, evolution, media, settlement, wake, logger, settings } = deps;
  const lease = settings.sendTimeout + settings.leaseMargin;

  /**
   * Typing or recording, for show: what becomes of it changes nothing about the send. It takes at most half the send's
   * time, so that the lease holds. Returns the seconds that are left of it.
   */
  async function showPresence(send: Send, address: Address): Promise<number> {
    const presence = (send.payload as SendPayload | null)?.presence;
    if (!presence) return settings.sendTimeout;
    const start = performance.now();
    const most = (settings.sendTimeout * 1000) / 3;
    const durationMs = Math.round(Math.min(presence.durationMs, most));
    await evolution.presence(address, {
      ...presence,
      to: send.chat,
      durationMs,
      timeoutMs: Math.ceil(most * 1.5),
    });
    return settings.sendTimeout - (performance.now() - start) / 1000;
  }

  /** A second for each MB, which the lease was lengthened by. */
  const transferTime = ({ mediaSize }: Send): number => Math.floor((mediaSize ?? 0) / 1_000_000);

  /** The name that the message gives its file goes before the file's own. */
  async function fileOf(send: Send, mediaId: number) {
    const file = await media.forNode(send.userId, mediaId).catch(() => 'unknown' as const);
    if (file === 'unknown') return file;
    const { fileName } = (send.payload ?? {}) as SendPayload;
    return file ? { ...file, fileName: fileName ?? file.fileName } : ('none' as const);
  }

  async function hand(send: Send): Promise<Outcome> {
    if (!send.nodeUrl || !send.placementId) return { class: 'not_sent', detail: 'the phone is on no node' };
    const address = { nodeUrl: send.nodeUrl, placementId: send.placementId };
    const file = send.mediaId === null ? null : await fileOf(send, send.mediaId);
    if (file === 'unknown') return { class: 'not_sent', detail: 'the database does not tell of its media' };
    if (file === 'none')
      return { class: 'failed', reason: 'media_refused', detail: 'its media is not stored' };
    const left = (await showPresence(send, address)) + transferTime(send);
    const answer = await evolution.send(address, { ...send, media: file }, left);
    return classify(answer, send.openedAt !== null, () => evolution.state(address));
  }

  const announce = (userId: number) => {
    wake.hint('events', userId);
    wake.hint('delivery');
  };

  /** A head that is not to be sent (expired or cancelled in this moment): its lane goes on. */
  async function release(send: Send): Promise<void> {
    await expire(send);
    await tenancy.inTenant(send.userId, (models) => models.lanes.finishAll([send]));
    wake.hint('lane');
  }

  return {
    /** Claims at most `limit` sends, committed as `sending` under a lease. */
    claim: (limit: number): Promise<Send[]> => tenancy.shared.claims.sends(limit, lease),

    /** Sends one claimed message, once, and settles it. Never rejects for what a node does. */
    async perform(send: Send): Promise<void> {
      if (send.status !== 'sending') return release(send);
      const start = performance.now();
      const outcome = await hand(send);
      const handed = performance.now();
      await settlement.settle(send, outcome);
      logger.info('send', {
        userId: send.userId,
        phoneId: send.phoneId,
        messageId: send.id,
        requestId: send.requestId,
        node: send.nodeName,
        outcome: outcome.class,
        detail: 'detail' in outcome ? outcome.detail : undefined,
        nodeMs: Math.round(handed - start),
        settleMs: Math.round(performance.now() - handed),
      });
    },

    /** Lanes whose worker died or froze while sending: the message is in doubt, never sent again by us. */
    async recover(limit: number): Promise<number> {
      const lanes = await tenancy.shared.claims.expiredLanes(limit, lease);
      for (const lane of lanes) {
        await tenancy.inTenant(lane.userId, async (models) => {
          await models.events.lockCounter(lane.userId);
          const message = lane.id === null ? null : await models.messages.findForUpdate(lane.id);
          const doubted = message?.status === 'sending' ? [doubt(message, 'worker_lost')] : [];
          await record(models, doubted);
          await tryAgain(models, doubted);
          if (doubted.length > 0) await models.checks.ask(lane.userId, lane.phoneId);
          const ends = doubted.map((one) => inDoubt(one.message, settings.unknownHold));
          await models.lanes.finishAll([{ ...lane, ...ends[0] }]);
        });
        logger.warn('lease expired', { userId: lane.userId, phoneId: lane.phoneId, messageId: lane.id });
        announce(lane.userId);
      }
      return lanes.length;
    },

    /** Ends what waited past its time. True: behind what ended there may be more. */
    async expire(limit: number): Promise<boolean> {
      let ended = false;
      for (const head of await tenancy.shared.claims.expiredHeads(limit))
        ended = (await expire({ ...head, id: head.messageId })) || ended;
      return ended;
    },
  };

  /** False: it is not to be ended (any more). */
  async function expire(head: {
    userId: number;
    phoneId: number;
    id: number | null;
    chatKey: string | null;
  }): Promise<boolean> {
    const { id, chatKey } = head;
    if (id === null || chatKey === null) return false;
    const ended = await tenancy.inTenant(head.userId, async (models) => {
      await models.events.lockCounter(head.userId);
      const message = await models.messages.findForUpdate(id);
      const isOver =
        message && isWaiting(message) && message.expiresAt !== null && message.expiresAt <= new Date();
      if (isOver)
        await record(models, [endWaiting(message, { status: 'expired', reason: 'not_sent_in_time' })]);
      // Also when it is being sent or has ended meanwhile: the head is recomputed from what waits.
      if (message?.status !== 'sending') await models.lanes.advance([{ ...head, chatKey }]);
      return isOver === true;
    });
    announce(head.userId);
    return ended;
  }
}
