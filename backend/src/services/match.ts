import type { Contents } from '../clients/evolution.content.js';
import type { Message } from '../models/message.js';
import { canonical } from '../utils/json.js';

/** What of a message's payload is seen by its recipient, and comes back in the echo of a send. */
const SEEN = ['location', 'contacts', 'poll', 'list', 'buttons'] as const satisfies (keyof Contents)[];

type Payload = Record<string, unknown> | null;

/** Fields that are empty or absent are the same to WhatsApp. */
const pruned = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(pruned);
  if (typeof value !== 'object' || value === null) return value;
  const kept = Object.entries(value).filter(([, item]) => item !== '' && item !== null && item !== undefined);
  return Object.fromEntries(kept.map(([key, item]) => [key, pruned(item)]));
};

/** A reaction is told by what it reacts to; a request names that by our id, an echo by WhatsApp's. */
const reactionOf = (payload: Payload): unknown => {
  const { reaction, target } = (payload ?? {}) as {
    reaction?: { emoji: string; whatsappId?: string };
    target?: { whatsappId: string };
  };
  return reaction ? { emoji: reaction.emoji, to: target?.whatsappId ?? reaction.whatsappId } : undefined;
};

const essence = (said: { type: string; content: string | null; payload: Payload }): string =>
  canonical([
    said.type,
    said.content ?? '',
    SEEN.map((name) => pruned(said.payload?.[name]) ?? null),
    reactionOf(said.payload),
  ]);

/** The one message among candidates that says the same as an echo: type, words and all else that is seen; else null. */
export function onlyMatch(
  candidates: Message[],
  echo: { type: string; content: string | null; payload: Payload },
): Message | null {
  const wanted = essence(echo);
  const matches = candidates.filter((candidate) => essence(candidate) === wanted);
  return matches.length === 1 ? matches[0]! : null;
}
