import type { Wake } from '../clients/wake.js';
import type { Models, Tenancy } from '../models/index.js';
import type { Phone, Sending } from '../models/phone.js';
import { Problem } from '../utils/problem.js';
import { phoneView, sendingOf, type PhoneView } from './phone.js';

/** As a caller names it: what is left out stays as it is, null switches it off. */
export type SendingChange = Partial<Omit<Sending, 'warmUp'>> & {
  warmUp?: { perDay: number[]; from?: string } | null;
};

export type Pace = ReturnType<typeof createPace>;

/** How and whether a phone sends: its pace, its quiet hours, its pauses. */
export function createPace(deps: { tenancy: Pick<Tenancy, 'inTenant'>; wake: Pick<Wake, 'hint'> }) {
  const { tenancy, wake } = deps;

  /** Changes a phone whose row is locked. Problem: not_found. */
  async function change(
    userId: number,
    id: number,
    work: (models: Models, phone: Phone) => Promise<Phone | null>,
  ): Promise<PhoneView> {
    const changed = await tenancy.inTenant(userId, async (models) => {
      const phone = await models.phones.findForUpdate(id);
      if (!phone) throw new Problem('not_found', `There is no phone ${id}`);
      return (await work(models, phone))!;
    });
    wake.hint('lane');
    return phoneView(changed);
  }

  return {
    /** What waits is judged by the new settings at once. Problems: not_found, unprocessable (an unknown time zone). */
    setSending: (userId: number, id: number, wanted: SendingChange): Promise<PhoneView> =>
      change(userId, id, async (models, phone) => {
        const sending = merge(sendingOf(phone), wanted);
        if (!(await models.phones.isTimezone(sending.timezone))) {
          const detail = `There is no time zone ${sending.timezone}`;
          throw new Problem('unprocessable', detail, {
            errors: [{ pointer: '/sending/timezone', code: 'unknown_timezone', detail }],
          });
        }
        await models.lanes.setPace(userId, id, sending);
        return models.phones.setSending(id, sending);
      }),

    /** Messages are still accepted, and wait until they expire. */
    pause: (userId: number, id: number): Promise<PhoneView> => setPaused(userId, id, true),
    resume: (userId: number, id: number): Promise<PhoneView> => setPaused(userId, id, false),
  };

  function setPaused(userId: number, id: number, isPaused: boolean): Promise<PhoneView> {
    return change(userId, id, async (models) => {
      await models.lanes.setPaused(userId, id, isPaused);
      return models.phones.setPaused(id, isPaused);
    });
  }
}

function merge(before: Sending, wanted: SendingChange): Sending {
  const { warmUp, ...rest } = wanted;
  const merged = { ...before, ...rest };
  if (warmUp === undefined) return merged;
  if (warmUp === null) return { ...merged, warmUp: null };
  const today = new Intl.DateTimeFormat('sv-SE', { timeZone: zoneOrUtc(merged.timezone) }).format(new Date());
  return { ...merged, warmUp: { perDay: warmUp.perDay, from: warmUp.from ?? today } };
}

/** A zone that nobody knows is refused by name a moment later. */
function zoneOrUtc(timezone: string): string {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: timezone }).resolvedOptions().timeZone;
  } catch {
    return 'UTC';
  }
}
