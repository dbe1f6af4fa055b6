import type { Models } from '../models/index.js';
import type { NewEvent } from '../models/event.js';
import type { Message } from '../models/message.js';
import type { Ack } from '../models/progress.js';
import { begin, write, type Progress } from './progress.js';

export type Known = ReturnType<typeof createKnown>;

interface Named {
  phoneId: number;
  whatsappId: string;
}
const nameOf = ({ phoneId, whatsappId }: Named): string => `${phoneId} ${whatsappId}`;

/**
 * The messages that facts of one transaction tell of (an identity map with its unit of work): read together, moved on in
 * memory, written together. The transaction holds their users' counters, so nobody else moves them on meanwhile.
 */
export function createKnown(models: Pick<Models, 'messages' | 'progress'>) {
  const held = new Map<number, Progress>();
  const ids = new Map<string, number>();
  let parked: (Ack & { userId: number })[] = [];

  /** What is held already is newer than what was read. */
  function hold(message: Message): void {
    if (!held.has(message.id)) held.set(message.id, begin(message));
    const { phoneId, whatsappId } = held.get(message.id)!.message;
    if (whatsappId !== null) ids.set(nameOf({ phoneId, whatsappId }), message.id);
  }
  const now = (id: number): Message => held.get(id)!.message;

  return {
    hold,

    async load(named: readonly Named[]): Promise<void> {
      const open = named.filter((one) => !ids.has(nameOf(one)));
      if (open.length > 0) (await models.messages.listByWhatsappId(open)).forEach(hold);
    },

    /** Sends of these chats whose answer is not known are held from now on. */
    async loadInDoubt(chats: readonly { phoneId: number; chat: string }[]): Promise<void> {
      if (chats.length > 0) (await models.messages.listInDoubt(chats)).forEach(hold);
    },

    find(named: Named): Message | null {
      const id = ids.get(nameOf(named));
      return id === undefined ? null : now(id);
    },

    /** Of what is held. */
    inDoubt: (phoneId: number, addresses: readonly string[]): Message[] =>
      [...held.keys()]
        .map(now)
        .filter((message) => message.phoneId === phoneId && addresses.includes(message.chat))
        .filter((message) => message.whatsappId === null && message.direction === 'out'),

    /** The events of it. */
    moveOn(message: Message, step: (progress: Progress) => Progress): NewEvent[] {
      const before = held.get(message.id)!;
      const after = step(before);
      held.set(message.id, after);
      hold(after.message);
      return after.events.slice(before.events.length);
    },

    /** An ack of a message that has no such name yet: it counts when that comes. */
    park(ack: Ack & { userId: number }): void {
      parked.push(ack);
    },

    async flush(): Promise<void> {
      await write(models, [...held.values()]);
      await models.progress.park(parked);
      parked = [];
      for (const { message } of held.values()) held.set(message.id, begin(message));
    },
  };
}
