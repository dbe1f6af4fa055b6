import type { EvolutionClient } from '../clients/evolution.client.js';
import type { Tenancy } from '../models/index.js';
import { Problem } from '../utils/problem.js';
import { done, reach } from './reach.js';

export interface NumberCheckView {
  number: string;
  isOnWhatsapp: boolean;
  checkedAt: string;
}
/** What is left out stays; `pictureMediaId`: an image that is stored here, null takes the picture away. */
export interface ProfileUpdate {
  name?: string;
  about?: string;
  pictureMediaId?: number | null;
}

export type Contacts = ReturnType<typeof createContacts>;

/** Seconds that an answer is good for: whoever is on WhatsApp stays, whoever is not may come. */
const YOUNG = { there: 7 * 86_400, absent: 3600 };

/** What a phone asks about people and tells them of itself, at once, through its node. */
export function createContacts(deps: {
  tenancy: Pick<Tenancy, 'inTenant'>;
  evolution: Pick<EvolutionClient, 'checkNumbers' | 'picture' | 'setBlocked' | 'changeProfile'>;
  /** A stored image as base64. Problems: not_found, unprocessable, media_not_stored. */
  imageOf: (userId: number, mediaId: number) => Promise<string>;
  /** Numbers that one phone asks WhatsApp about in a minute, at most: asking in bulk gets numbers banned. */
  settings: { checksPerMinute: number };
}) {
  const { tenancy, evolution, imageOf, settings } = deps;

  const at = (userId: number, phoneId: number) =>
    tenancy.inTenant(userId, (models) => reach(models, phoneId));

  /** Which of them have to be asked about, noted as being asked. Problem: too_many_requests. */
  const claim = (userId: number, phoneId: number, numbers: readonly string[]) =>
    tenancy.inTenant(userId, async (models) => {
      const phone = await models.phones.findForUpdate(phoneId);
      if (!phone) throw new Problem('not_found', `There is no phone ${phoneId}`);
      const known = await models.numberChecks.list(userId, numbers, YOUNG);
      const names = new Set(known.map(({ number }) => number));
      const unknown = [...new Set(numbers)].filter((number) => !names.has(number));
      if (unknown.length === 0) return { unknown, address: null };
      const { address } = await reach(models, phoneId);
      const lately = await models.numberChecks.countLately(phoneId);
      if (lately + unknown.length > settings.checksPerMinute)
        throw new Problem(
          'too_many_requests',
          `Phone ${phoneId} has asked about ${lately} numbers in the last minute; ${settings.checksPerMinute} are the most`,
          { retryAfter: 60 },
        );
      await models.numberChecks.begin(userId, phoneId, unknown);
      return { unknown, address };
    });

  return {
    /**
     * Which of the numbers (E.164) are on WhatsApp, in their order. What any of the phones in the caller's reach found
     * lately is not asked again. Problems: not_found, phone_offline, too_many_requests, unavailable.
     */
    async check(userId: number, phoneId: number, numbers: readonly string[]): Promise<NumberCheckView[]> {
      const { unknown, address } = await claim(userId, phoneId, numbers);
      if (address) {
        const answer = done(await evolution.checkNumbers(address, unknown));
        if (!answer) throw new Problem('unavailable', 'The node of this phone gave no answer about them');
        // By the digits that were asked, as WhatsApp may know a number under another spelling.
        const found = unknown.flatMap((number): [string, boolean][] => {
          const isThere = answer.get(number.slice(1));
          return isThere === undefined ? [] : [[number, isThere]];
        });
        await tenancy.inTenant(userId, (models) =>
          models.numberChecks.settle(userId, phoneId, new Map(found)),
        );
      }
      const all = await tenancy.inTenant(userId, (models) =>
        models.numberChecks.list(userId, numbers, YOUNG),
      );
      const byNumber = new Map(all.map((one) => [one.number, one]));
      return numbers.flatMap((number) => {
        const one = byNumber.get(number);
        return one ? [{ ...one, checkedAt: one.checkedAt.toISOString() }] : [];
      });
    },

    /** Null: none, or not shown to this phone. Problems: not_found, phone_offline, unavailable. */
    async picture(userId: number, phoneId: number, of: string): Promise<string | null> {
      const { address } = await at(userId, phoneId);
      return done(await evolution.picture(address, of));
    },

    async setBlocked(
      userId: number,
      phoneId: number,
      to: { contact: string; isBlocked: boolean },
    ): Promise<void> {
      const { address } = await at(userId, phoneId);
      done(await evolution.setBlocked(address, to.contact, to.isBlocked));
    },

    /** WhatsApp itself remembers it. Problems: not_found (phone, media), unprocessable, media_not_stored, phone_offline, unavailable. */
    async changeProfile(
      userId: number,
      phoneId: number,
      { pictureMediaId, ...to }: ProfileUpdate,
    ): Promise<void> {
      // What is named is looked for before how things are is looked at: an id that is not there is told first.
      const picture =
        pictureMediaId === undefined
          ? {}
          : { picture: pictureMediaId === null ? null : await imageOf(userId, pictureMediaId) };
      const { address } = await at(userId, phoneId);
      done(await evolution.changeProfile(address, { ...to, ...picture }));
    },
  };
}
