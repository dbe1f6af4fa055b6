import type { Fact } from '../clients/evolution.decode.js';
import type { Phone, PhoneState } from '../models/phone.js';
import type { Placement } from '../models/placement.js';
import { isSameNumber } from '../utils/number.js';

export type ConnectionFact = Extract<Fact, { kind: 'connection' }>;

/** Why WhatsApp closed a connection for good (statusReason). After any other code the node reconnects by itself. */
const CLOSED: Record<number, PhoneState> = {
  401: { status: 'logged_out', reason: 'logged_out_on_phone' },
  402: { status: 'banned', reason: 'refused_by_whatsapp' },
  403: { status: 'banned', reason: 'refused_by_whatsapp' },
  406: { status: 'banned', reason: 'refused_by_whatsapp' },
  440: { status: 'conflict', reason: 'replaced' },
};

/** Statuses that only a person ends; a node that tries again on its own does not change them, an open phone does. */
export const SETTLED: ReadonlySet<Phone['status']> = new Set([
  'logged_out',
  'banned',
  'mismatch',
  'conflict',
]);

/** A phone that is open: connected, or a mismatch when another number than the one asked for was paired. */
export function openState(phone: Phone, owner: string | null, at: Date): PhoneState {
  const session = { ...(owner ? { number: owner } : {}), connectedAt: at.toISOString() };
  const isOther = owner?.startsWith('+') && !isSameNumber(owner, phone.phoneNumber);
  return isOther
    ? { status: 'mismatch', reason: 'other_number', session }
    : { status: 'connected', reason: null, session };
}

/** A connection that its node closed; null: nothing by itself. */
export function closedState(
  { statusReason, at }: Pick<ConnectionFact, 'statusReason' | 'at'>,
  wasOpen: boolean,
): PhoneState | null {
  const final = statusReason === null ? undefined : CLOSED[statusReason];
  if (final) return { ...final, session: { endedAt: at.toISOString(), endedBy: statusReason } };
  return wasOpen ? { status: 'disconnected', reason: 'connection_lost' } : null;
}

/**
 * What a connection fact makes of a phone's status; null: nothing by itself. A reconnectable drop shows only
 * `connecting` then `open`; `refused` is the end of the QR codes.
 */
export function connectionState(phone: Phone, placement: Placement, fact: ConnectionFact): PhoneState | null {
  const wasOpen = placement.openedAt !== null;
  switch (fact.state) {
    case 'open':
      return openState(phone, fact.owner, fact.at);
    case 'connecting':
      return wasOpen && !SETTLED.has(phone.status)
        ? { status: 'reconnecting', reason: 'connection_lost' }
        : null;
    case 'refused':
      return wasOpen ? null : { status: 'qr_expired', reason: 'qr_limit' };
    case 'close':
      return closedState(fact, wasOpen);
  }
}
