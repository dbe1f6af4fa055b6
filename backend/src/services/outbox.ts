import type { Wake } from '../clients/wake.js';
import type { Models, Tenancy } from '../models/index.js';
import type { Message, MessageStatus } from '../models/message.js';
import { Problem } from '../utils/problem.js';
import { messageView, type Links, type MessageView } from './message-view.js';
import { endWaiting, isWaiting, record } from './progress.js';

export type Outbox = ReturnType<typeof createOutbox>;

const RESENDABLE: readonly MessageStatus[] = ['unknown', 'failed', 'expired'];

/** What its owner can still do about a message that was accepted: take it back, or have it tried again. */
export function createOutbox(deps: {
  tenancy: Pick<Tenancy, 'inTenant'>;
  wake: Pick<Wake, 'hint'>;
  links: Links;
  /** Seconds. */
  settings: { messageTtl: number };
}) {
  const { tenancy, wake, links, settings } = deps;

  /** The message with its row locked, after the counter: the order in which everything locks. */
  async function locked(models: Models, userId: number, id: number): Promise<Message> {
    await models.events.lockCounter(userId);
    const message = await models.messages.findForUpdate(id);
    if (!message) throw new Problem('not_found', `There is no message ${id}`);
    return message;
  }

  return {
    /** Takes back a message that still waits. Problems: not_found, not_cancellable (it is being sent, or has ended). */
    async cancel(userId: number, id: number): Promise<MessageView> {
      const message = await tenancy.inTenant(userId, async (models) => {
        const waiting = await locked(models, userId, id);
        if (!isWaiting(waiting))
          throw new Problem('not_cancellable', `The message is ${waiting.status}: it does not wait any more`);
        const cancelled = endWaiting(waiting, { status: 'cancelled', reason: null });
        await record(models, [cancelled]);
        await models.lanes.advance([waiting]);
        return cancelled.message;
      });
      wake.hint('lane');
      wake.hint('events', userId);
      wake.hint('delivery');
      return messageView(message, links);
    },

    /**
     * A new try under the same message. Problems: not_found, not_resendable (it waits, was sent, or came in),
     * phone_logged_out.
     */
    async resend(userId: number, id: number): Promise<MessageView> {
      const message = await tenancy.inTenant(userId, async (models) => {
        const ended = await locked(models, userId, id);
        if (ended.source !== 'api' || !RESENDABLE.includes(ended.status))
          throw new Problem('not_resendable', `The message is ${ended.status}`);
        const phone = await models.phones.find(ended.phoneId);
        if (phone && ['logged_out', 'banned', 'mismatch'].includes(phone.status))
          throw new Problem('phone_logged_out', `The phone is ${phone.status}`);
        const again = (await models.messages.requeue(ended, settings.messageTtl))!;
        if (ended.mediaId !== null) await models.media.revive({ id: ended.mediaId, userId });
        await models.lanes.rejoin(again, true);
        return again;
      });
      wake.hint('lane');
      wake.hint('media');
      return messageView(message, links);
    },
  };
}
