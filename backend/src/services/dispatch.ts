import type { SendPayload } from '../clients/evolution.content.js';
import type { Address, EvolutionClient } from '../clients/evolution.client.js';
import type { Wake } from '../clients/wake.js';
import type { Logger } from '../config/logger.js';
import type { NewEvent } from '../models/event.js';
import type { Models, Tenancy } from '../models/index.js';
import type { LaneEnd, Send } from '../models/lane.js';
import type { Message } from '../models/message.js';
import { backoff } from '../utils/backoff.js';
import { classify, type Outcome } from './answer.js';
import type { MediaService } from './media.js';
import type { MessageReason } from './reason.js';
import { endWaiting } from './outbox.js';
import { applyAnswer, isWaiting, moveTo } from './settle.js';

export interface DispatchSettings {
  /** Seconds. */
  sendTimeout: number;
  unknownHold: number;
  /** A lease outlasts the send's timeout by this, for the transaction that settles it. */
  leaseMargin: number;
}

export type Dispatch = ReturnType<typeof createDispatch>;

/** How often a message that prefers a double to a loss is tried before it stays in doubt. */
const TRIES_IN_DOUBT = 3;

/** Takes what is due out of the lanes, hands it to its node once, and records what became of it. */
export function createDispatch(deps: {
  tenancy: Tenancy;
  evolution: Pick<EvolutionClient, 'send' | 'state' | 'presence'>;
  media: Pick<MediaService, 'forNode'>;
  wake: Pick<Wake, 'hint'>;
  logger: Logger;
  settings: DispatchSettings;
}) {
  const { tenancy, evolution, media, wake, logger, settings } = deps;
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

  const laneEnd = (send: Send, outcome: Outcome): LaneEnd => {
    if (outcome.class === 'not_sent')
      return { pause: backoff(send.failures, { baseMs: 1000, maxMs: 60_000, jitter: 0.2 }) / 1000 };
    if (outcome.class === 'unknown') return { ...inDoubt(send), left: true };
    return { left: outcome.class === 'sent' };
  };

  const isTriedAgain = (message: Pick<Message, 'onUnknown' | 'attempts'>): boolean =>
    message.onUnknown === 'resend' && message.attempts < TRIES_IN_DOUBT;

  /** The chat waits for the evidence, unless its owner would rather have a double. */
  const inDoubt = (send: Pick<Message, 'onUnknown' | 'attempts'>): LaneEnd =>
    isTriedAgain(send) ? { doubt: true } : { hold: settings.unknownHold, doubt: true };

  /** Nobody knows whether it went out. */
  async function doubt(models: Models, message: Message, reason: MessageReason): Promise<NewEvent[]> {
    const { message: doubted, events } = await moveTo(models, message, {
      status: 'unknown',
      reason,
      at: new Date(),
    });
    if (isTriedAgain(message)) await models.messages.requeue(doubted, 0);
    return events;
  }

  /** One transaction: status, events, the lane. The counter is locked first, then the message, then the lane. */
  async function settle(send: Send, outcome: Outcome): Promise<void> {
    let changed = false;
    await tenancy.inTenant(send.userId, async (models) => {
      changed = false;
      await models.events.lockCounter(send.userId);
      const message = send.id === null ? null : await models.messages.findForUpdate(send.id);
      const at = new Date();
      if (message) {
        const isHolder = message.status === 'sending' && message.leaseId === send.leaseId;
        const events = await (async () => {
          // Also when the lease is another's by now: that it was sent is a fact.
          if (outcome.class === 'sent') return applyAnswer(models, message, { ...outcome, at });
          if (!isHolder) return [];
          if (outcome.class === 'not_sent') {
            await models.messages.setStatus(message.id, { status: 'queued', reason: null });
            return [];
          }
          if (outcome.class === 'unknown') return doubt(models, message, outcome.reason);
          return (await moveTo(models, message, { status: 'failed', reason: outcome.reason, at })).events;
        })();
        if (events.length > 0) await models.events.append(send.userId, events);
        changed = events.length > 0;
      }
      await models.lanes.finish(send, laneEnd(send, outcome));
      // A doubtful answer, or none: somebody looks at the phone before anything else leaves.
      if (outcome.class === 'unknown' || outcome.class === 'not_sent')
        await models.checks.ask(send.userId, send.phoneId);
    });
    wake.hint('lane');
    if (outcome.class === 'unknown' || outcome.class === 'not_sent') wake.hint('check');
    if (changed) announce(send.userId);
  }

  const announce = (userId: number) => {
    wake.hint('events', userId);
    wake.hint('delivery');
  };

  /** A head that is not to be sent (expired or cancelled in this moment): its lane goes on. */
  async function release(send: Send): Promise<void> {
    await expire(send);
    await tenancy.inTenant(send.userId, async (models) => {
      await models.lanes.finish(send, {});
    });
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
      await settle(send, outcome);
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
          const isInDoubt = message?.status === 'sending';
          if (message && isInDoubt) {
            await models.events.append(lane.userId, await doubt(models, message, 'worker_lost'));
            await models.checks.ask(lane.userId, lane.phoneId);
          }
          await models.lanes.finish(lane, message && isInDoubt ? inDoubt(message) : {});
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
      if (isOver) {
        const { events } = await endWaiting(models, message, {
          status: 'expired',
          reason: 'not_sent_in_time',
        });
        await models.events.append(head.userId, events);
      }
      // Also when it is being sent or has ended meanwhile: the head is recomputed from what waits.
      if (message?.status !== 'sending') await models.lanes.advance(head.userId, head.phoneId, chatKey);
      return isOver === true;
    });
    announce(head.userId);
    return ended;
  }
}
