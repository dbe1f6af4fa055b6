import type { Address, EvolutionClient } from '../clients/evolution.client.js';
import type { Wake } from '../clients/wake.js';
import type { Change } from '../models/change.js';
import type { Tenancy } from '../models/index.js';
import type { Message } from '../models/message.js';
import { Problem } from '../utils/problem.js';
import { applyChange } from './change.js';
import { nameOf } from './draft.js';
import { done, reach } from './reach.js';
import { messageView, type Links, type MessageView } from './message-view.js';

export interface ReadMark {
  phoneId: number;
  chat: string;
  /** How many messages were marked now. */
  messages: number;
}
export interface PresenceRequest {
  to: string;
  state: 'typing' | 'recording' | 'paused';
  durationMs: number;
}

export type MessageActions = ReturnType<typeof createMessageActions>;

/** WhatsApp lets a message be edited so long after it was sent. Milliseconds. */
const EDITABLE_FOR = 15 * 60 * 1000;
/** Messages that one call marks as read. */
const READ_AT_ONCE = 200;

/** What is done to messages that WhatsApp has, at once and in the caller's presence: nothing of it is queued. */
export function createMessageActions(deps: {
  tenancy: Pick<Tenancy, 'inTenant'>;
  evolution: Pick<EvolutionClient, 'edit' | 'remove' | 'markRead' | 'presence'>;
  wake: Pick<Wake, 'hint'>;
  links: Links;
  /** Seconds that a node has for an answer. */
  settings: { nodeTimeout: number };
}) {
  const { tenancy, evolution, wake, links, settings } = deps;

  const find = (userId: number, id: number) =>
    tenancy.inTenant(userId, async (models) => {
      const message = await models.messages.find(id);
      if (!message) throw new Problem('not_found', `There is no message ${id}`);
      return message;
    });

  /** A message of the user's own that WhatsApp has, and where its phone is. */
  async function own(userId: number, id: number): Promise<{ message: Message; address: Address }> {
    const message = await find(userId, id);
    if (message.direction !== 'out') throw new Problem('unprocessable', `Message ${id} is not one of yours`);
    if (message.whatsappId === null) {
      throw new Problem('conflict', `Message ${id} is ${message.status}: WhatsApp does not have it (yet)`);
    }
    const { address } = await tenancy.inTenant(userId, (m) => reach(m, message.phoneId));
    return { message, address };
  }

  /** The change takes effect here at once; when the node tells of it too, nothing more happens. */
  const change = (userId: number, id: number, what: Change): Promise<MessageView> =>
    tenancy
      .inTenant(userId, async (models) => {
        await models.events.lockCounter(userId);
        const message = await models.messages.findForUpdate(id);
        if (!message) throw new Problem('not_found', `There is no message ${id}`);
        const events = await applyChange(models, message, what);
        if (events.length > 0) await models.events.append(userId, events);
        return messageView((await models.messages.find(id))!, links);
      })
      .then((view) => {
        wake.hint('events', userId);
        wake.hint('delivery');
        return view;
      });

  async function refuseOld(userId: number, message: Message): Promise<void> {
    const entries = await tenancy.inTenant(userId, (models) => models.history.timeline(message.id));
    const sentAt = entries.find(({ status }) => status === 'sent')?.at ?? message.createdAt;
    if (Date.now() - sentAt.getTime() > EDITABLE_FOR)
      throw new Problem('conflict', 'WhatsApp lets a message be edited within 15 minutes after it was sent');
  }

  return {
    /**
     * Gives a sent text other words. Problems: not_found, unprocessable (not a text of one's own), conflict (not sent,
     * deleted, or too old), phone_offline, unavailable.
     */
    async edit(userId: number, id: number, text: string): Promise<MessageView> {
      const { message, address } = await own(userId, id);
      if (message.type !== 'text') throw new Problem('unprocessable', 'Only texts can be edited');
      if (message.deletedAt) throw new Problem('conflict', `Message ${id} is deleted`);
      await refuseOld(userId, message);
      const at = done(await evolution.edit(address, nameOf(message), text));
      return change(userId, id, { kind: 'edited', content: text, at });
    },

    /** Deletes for everyone; a second time changes nothing. Problems as for an edit. */
    async remove(userId: number, id: number): Promise<MessageView> {
      const { message, address } = await own(userId, id);
      if (message.deletedAt) return messageView(message, links);
      done(await evolution.remove(address, nameOf(message)));
      return change(userId, id, { kind: 'deleted', content: null, at: new Date() });
    },

    /**
     * Marks a received message, and what came before it in its chat, as read: here and to the sender. Problems:
     * not_found, unprocessable (one's own message), phone_offline, unavailable.
     */
    async read(userId: number, id: number): Promise<ReadMark> {
      const message = await find(userId, id);
      if (message.direction !== 'in') throw new Problem('unprocessable', `Message ${id} did not come in`);
      const { unread, address } = await tenancy.inTenant(userId, async (models) => ({
        unread: await models.changes.listUnread(message, READ_AT_ONCE),
        ...(await reach(models, message.phoneId)),
      }));
      const mark = { phoneId: message.phoneId, chat: message.chat, messages: unread.length };
      if (unread.length === 0) return mark;
      const names = unread.map((one) => ({ ...one, chat: message.chat, fromMe: false }));
      done(await evolution.markRead(address, names));
      await tenancy.inTenant(userId, async (models) => {
        await models.changes.markRead(unread.map((one) => one.id));
        await models.chats.markRead({ userId, phoneId: mark.phoneId, chat: mark.chat, messageId: id });
      });
      return mark;
    },

    /** Shows typing or recording; resolves when its time is over. Problems: not_found, phone_offline, unavailable. */
    async showPresence(userId: number, phoneId: number, request: PresenceRequest): Promise<void> {
      const { address } = await tenancy.inTenant(userId, (models) => reach(models, phoneId));
      const timeoutMs = settings.nodeTimeout * 1000 + request.durationMs;
      done(await evolution.presence(address, { ...request, timeoutMs }));
    },
  };
}
