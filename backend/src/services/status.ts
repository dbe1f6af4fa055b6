import type { MessageStatus } from '../models/message.js';

/** What a fact says a message has reached. `error` is WhatsApp's refusal after it took the message. */
export type StatusFact = 'sent' | 'delivered' | 'read' | 'played' | 'error';

const LADDER: readonly MessageStatus[] = [
  'scheduled',
  'queued',
  'sending',
  'sent',
  'delivered',
  'read',
  'played',
];

/**
 * A refusal that came by ack after a 201: evidence that the message arrived overtakes it. That the node took it is none:
 * of that it tells before the refusal, though it may be heard after.
 */
export const UNDECIDED = 'rejected_by_whatsapp';

/**
 * The status a message has after a fact, or null when the fact changes nothing. It only rises: facts that come late,
 * early or twice are harmless. A positive fact overtakes doubt and an undecided failure; `cancelled` and `expired`
 * are left alone, and so is what came in.
 */
export function statusAfter(
  current: { status: MessageStatus; reason: string | null },
  fact: StatusFact,
): MessageStatus | null {
  if (fact === 'error') return ['sending', 'sent', 'unknown'].includes(current.status) ? 'failed' : null;
  if (current.status === 'unknown') return fact;
  if (current.status === 'failed') return current.reason === UNDECIDED && fact !== 'sent' ? fact : null;
  const rung = LADDER.indexOf(current.status);
  return rung >= 0 && LADDER.indexOf(fact) > rung ? fact : null;
}
