import type { AxiosResponse } from 'axios';
import { messageFacts } from './evolution.decode.js';
import type { AckStatus, Fact } from './evolution.fact.js';
import type { Address, Look } from './evolution.look.js';
import { saidOf } from './evolution.message.js';
import { peopleOfKey } from './evolution.people.js';
import { isObject, object, text, type Json } from './evolution.value.js';

/** A message as its node has stored it, and what became of it since. */
export interface Stored {
  whatsappId: string;
  fromMe: boolean;
  /** What the node told, or would have told, when it was said. */
  facts: Fact[];
  /** The furthest of its acks. */
  ack: AckStatus | null;
  content: string | null;
  isEdited: boolean;
  isDeleted: boolean;
  at: Date;
}

export interface StoredPage {
  messages: Stored[];
  pages: number;
}

interface Door {
  call(address: Address, path: string, body: Record<string, unknown>): Promise<AxiosResponse>;
  look<T>(call: Promise<AxiosResponse>, read: (body: unknown) => T): Promise<Look<T>>;
}

const PAGE = 100;

const ACKS: readonly (readonly [string, AckStatus])[] = [
  ['PLAYED', 'played'],
  ['READ', 'read'],
  ['DELIVERY_ACK', 'delivered'],
];

/** Ids that a node gives begin so; a phone gives others. */
const isSentByNode = (whatsappId: string): boolean => /^3EB0/.test(whatsappId);

/** One record (recorded: chat_findMessages.json); null for what is no message. */
export function readStored(record: Json): Stored | null {
  const said = saidOf(record, new Date());
  const facts = messageFacts(record, new Date());
  if (!said || !facts) return null;
  const updates = Array.isArray(record['MessageUpdate']) ? record['MessageUpdate'].filter(isObject) : [];
  const statuses = updates.map((update) => text(update['status']));
  const { whatsappId, fromMe, content, at } = said;
  const isEcho = fromMe && isSentByNode(whatsappId);
  return {
    whatsappId,
    fromMe,
    facts: isEcho ? [...peopleOfKey(object(record['key']), said), { kind: 'echo', ...said }] : facts,
    ack: ACKS.find(([word]) => statuses.includes(word))?.[1] ?? null,
    content,
    isEdited: statuses.includes('EDITED'),
    isDeleted: statuses.includes('DELETED'),
    at,
  };
}

/** What a node has stored of a phone's messages. */
export const historyCalls = ({ call, look }: Door) => ({
  /**
   * One page, counted from 1, newest first, of the messages of a time. The node filters by time only when both ends are
   * given, and names the size of a page `offset` (contract, "Webhooks it sends").
   */
  stored(address: Address, time: { since: Date; until: Date }, page: number): Promise<Look<StoredPage>> {
    const messageTimestamp = { gte: time.since.toISOString(), lte: time.until.toISOString() };
    const body = { where: { messageTimestamp }, page, offset: PAGE };
    return look(call(address, '/chat/findMessages', body), (answer) => {
      const { records, pages } = object(object(answer)['messages']);
      const all = Array.isArray(records) ? records.filter(isObject) : [];
      return { messages: all.flatMap((record) => readStored(record) ?? []), pages: Number(pages) || 0 };
    });
  },
});
