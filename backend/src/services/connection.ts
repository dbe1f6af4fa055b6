import type { Fact } from '../clients/evolution.fact.js';
import type { Phone, PhoneState } from '../models/phone.js';
import type { ConnectionNote } from '../models/placement.js';
import { isSameNumber } from '../utils/number.js';

export type ConnectionFact = Extract<Fact, { kind: 'connection' }>;

/** What the state of a connection follows from. */
type Known = { phone: Pick<Phone, 'status' | 'phoneNumber'>; placement: { openedAt: Date | null } };

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
export function openState(
  phone: Pick<Phone, 'phoneNumber'>,
  { owner, name = null }: { owner: string | null; name?: string | null },
  at: Date,
): PhoneState {
  const session = {
    ...(owner ? { number: owner } : {}),
    ...(name ? { name } : {}),
    connectedAt: at.toISOString(),
  };
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
export function connectionState({ phone, placement }: Known, note: ConnectionNote): PhoneState | null {
  const wasOpen = placement.openedAt !== null;
  const at = new Date(note.at);
  switch (note.state) {
    case 'open':
      return openState(phone, note, at);
    case 'connecting':
      return wasOpen && !SETTLED.has(phone.status)
        ? { status: 'reconnecting', reason: 'connection_lost' }
        : null;
    case 'refused':
      return wasOpen ? null : { status: 'qr_expired', reason: 'qr_limit' };
    case 'close':
      return closedState({ statusReason: note.statusReason, at }, wasOpen);
    case 'qr':
      // A phone that was paired and is asked to pair again would be deaf on this placement.
      return wasOpen ? null : { status: 'pairing', reason: 'scan_qr' };
  }
}

/** Of one placement; beyond so many the oldest are forgotten. */
const KEPT = 100;

const nameOf = ({ at, state, statusReason }: ConnectionNote): string => `${at} ${state} ${statusReason}`;

/** The notes with one more, in the order of the node's clock; null: it is among them. */
export function withNote(notes: readonly ConnectionNote[], note: ConnectionNote): ConnectionNote[] | null {
  if (notes.some((one) => nameOf(one) === nameOf(note))) return null;
  return [...notes, note].sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1)).slice(-KEPT);
}

/** Where all that was noted leads, one after the other; null: nowhere. `wasOpen`: before the first of them. */
export function stateAfterAll(
  phone: Pick<Phone, 'phoneNumber'>,
  notes: readonly ConnectionNote[],
  wasOpen: boolean,
): PhoneState | null {
  let openedAt = wasOpen ? new Date(0) : null;
  return notes.reduce<PhoneState | null>((now, note) => {
    const known = { phone: { ...phone, status: now?.status ?? ('new' as const) }, placement: { openedAt } };
    const next = connectionState(known, note);
    if (note.state === 'open') openedAt = new Date(note.at);
    return next ? { ...next, session: { ...now?.session, ...next.session } } : now;
  }, null);
}
