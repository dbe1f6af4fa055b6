import type { Models } from '../models/index.js';
import type { Phone, PhoneState } from '../models/phone.js';
import type { ConnectionNote, Placement } from '../models/placement.js';
import { connectionState, stateAfterAll, withNote } from './connection.js';
import { setPhoneState } from './phone.js';

interface At {
  models: Models;
  phone: Phone;
  placement: Placement;
}

/**
 * What comes late changes what it would have changed in its time: all that was noted is gone through again, with it and
 * without. What we found out ourselves meanwhile stands.
 */
function lateState(
  { phone, placement }: At,
  before: readonly ConnectionNote[],
  notes: readonly ConnectionNote[],
): PhoneState | null {
  const wasOpen = placement.openedAt !== null && !before.some((note) => note.state === 'open');
  const [then, now] = [
    stateAfterAll(phone, before, wasOpen),
    stateAfterAll(phone, notes, wasOpen && !notes.some((note) => note.state === 'open')),
  ];
  if (!now) return null;
  const foundOut = phone.connectionAt > new Date(before.at(-1)?.at ?? 0);
  const isSame = then?.status === now.status && then.reason === now.reason;
  const state = isSame || foundOut ? { status: phone.status, reason: phone.statusReason } : now;
  return { ...state, session: now.session ?? {} };
}

const TOLD = { told: true, phone: null, isLatest: false } as const;

/**
 * Gives what a node told of a connection its effect on the phone, whenever it comes: once, and only from the placement
 * where the phone lives. Returns the phone when its state may have changed, else null; whether the note was taken before
 * (`told`), and whether none of its kind is later.
 */
export async function takeNote(
  at: At,
  note: ConnectionNote,
): Promise<{ told: boolean; phone: Phone | null; isLatest: boolean }> {
  const { models, phone, placement } = at;
  if (placement.endedAt) return TOLD;
  const before = await models.placements.listConnectionFacts(placement.id);
  const notes = withNote(before, note);
  if (!notes) return TOLD;
  await models.placements.setConnectionFacts(placement.id, notes);
  if (note.state === 'open') await models.placements.setOpened(placement.id);

  const factAt = new Date(note.at);
  const isNewest = notes.at(-1) === note && factAt >= phone.connectionAt;
  const state = isNewest ? connectionState(at, note) : lateState(at, before, notes);
  const isLatest = !before.some((one) => one.state === note.state && one.at > note.at);
  if (!state) return { told: false, phone: null, isLatest };
  const isFact = isNewest && note.state !== 'qr';
  const now = await setPhoneState(models, phone, { ...state, ...(isFact ? { factAt } : {}) });
  return { told: false, phone: now, isLatest };
}
