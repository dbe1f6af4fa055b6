import type { AxiosResponse } from 'axios';
import { keyOf, recipientOf } from './evolution.address.js';
import type { Address, Look } from './evolution.look.js';
import { object } from './evolution.value.js';
import type { Presence, Target } from './evolution.content.js';

type Name = Omit<Target, 'words'>;

interface Door {
  /** `timeout` in milliseconds; absent: that of every call. */
  call(
    request: { method: 'post' | 'delete'; path: string; body: Record<string, unknown>; timeout?: number },
    address: Address,
  ): Promise<AxiosResponse>;
  look<T>(call: Promise<AxiosResponse>, read: (body: unknown) => T): Promise<Look<T>>;
}

const PRESENCES = { typing: 'composing', recording: 'recording', paused: 'paused' } as const;

/** What is done to chats and to messages that are there. Doing one of them twice does no harm. */
export const chatCalls = ({ call, look }: Door) => ({
  /** Shows a presence in a chat; the node answers when its time is over (recorded: chat_sendPresence.json). */
  presence(
    address: Address,
    shown: { to: string; state: Presence['state'] | 'paused'; durationMs: number; timeoutMs: number },
  ): Promise<Look<true>> {
    const { to, state, durationMs, timeoutMs: timeout } = shown;
    const body = { number: recipientOf(to), presence: PRESENCES[state], delay: durationMs };
    const request = { method: 'post', path: '/chat/sendPresence', body, timeout } as const;
    return look(call(request, address), () => true);
  },

  /** The time of the edit, by the node's clock, as its own post will tell it too. Recorded: chat_updateMessage.json. */
  edit(address: Address, message: Name, text: string): Promise<Look<Date>> {
    const body = { number: recipientOf(message.chat), key: keyOf(message), text };
    return look(call({ method: 'post', path: '/chat/updateMessage', body }, address), (answer) => {
      const edit = object(object(object(answer)['message'])['protocolMessage']);
      return new Date(Number(edit['timestampMs']) || Date.now());
    });
  },

  /** For everyone. Recorded: chat_deleteMessageForEveryone.json. */
  remove(address: Address, message: Name): Promise<Look<true>> {
    const { remoteJid, id, fromMe, participant } = keyOf(message);
    const body = { id, remoteJid, fromMe, ...(participant ? { participant } : {}) };
    const request = { method: 'delete', path: '/chat/deleteMessageForEveryone', body } as const;
    return look(call(request, address), () => true);
  },

  /** Recorded: chat_markMessageAsRead.json. */
  markRead(address: Address, messages: readonly Name[]): Promise<Look<true>> {
    const readMessages = messages.map((message) => {
      const { remoteJid, id, fromMe, participant } = keyOf(message);
      return { remoteJid, fromMe, id, ...(participant ? { participant } : {}) };
    });
    const request = { method: 'post', path: '/chat/markMessageAsRead', body: { readMessages } } as const;
    return look(call(request, address), () => true);
  },
});
