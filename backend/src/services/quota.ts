import type { Models, Tenancy } from '../models/index.js';
import type { KeptDays, Quotas } from '../models/quota.js';
import { nextDay } from '../utils/day.js';
import { Problem } from '../utils/problem.js';

export interface QuotaView {
  phones: { limit: number | null; used: number };
  messagesPerDay: { limit: number | null; used: number; resetsAt: string };
  mediaBytes: { limit: number | null; used: number };
}
export interface KeepingView {
  messages: number | null;
  media: number | null;
  events: number | null;
}

export type QuotaService = ReturnType<typeof createQuotas>;

const exceeded = (detail: string, params: Record<string, unknown>) =>
  new Problem('quota_exceeded', detail, {
    errors: [{ pointer: '', code: 'quota_exceeded', params, detail }],
  });

/** How much users may have, and how long it is kept: what the settings say, unless an admin or they themselves said otherwise. */
export function createQuotas(deps: {
  tenancy: Pick<Tenancy, 'inTenant' | 'reading'>;
  /** 0: as many as they like; days 0: for ever. */
  settings: { quotas: Required<Quotas>; keptDays: Required<KeptDays> };
}) {
  const { tenancy, settings } = deps;

  const quotasOf = async (models: Pick<Models, 'quotas'>, userId: number): Promise<Required<Quotas>> => ({
    ...settings.quotas,
    ...(await models.quotas.find(userId)).quotas,
  });

  return {
    /** In the transaction that adds one. Problem: quota_exceeded. */
    async checkPhones(models: Pick<Models, 'quotas' | 'events'>, userId: number): Promise<void> {
      const { phones: limit } = await quotasOf(models, userId);
      if (limit === 0) return;
      // Of two that are added at once the second sees the first.
      await models.events.lockCounter(userId);
      const { phones: used } = await models.quotas.usage(userId);
      if (used >= limit) throw exceeded(`${used} of ${limit} phones are there`, { limit, used });
    },

    /** Messages that a caller may send in a day; null: as many as they like. They are held against it where they are accepted. */
    dayLimit: ({ messagesPerDay }: { messagesPerDay: number | undefined }): number | null =>
      (messagesPerDay ?? settings.quotas.messagesPerDay) || null,

    view: (userId: number): Promise<QuotaView> =>
      tenancy.reading(userId, async (models) => {
        const [limits, used] = [await quotasOf(models, userId), await models.quotas.usage(userId)];
        const of = (name: keyof Quotas) => ({ limit: limits[name] || null, used: used[name] });
        return {
          phones: of('phones'),
          messagesPerDay: { ...of('messagesPerDay'), resetsAt: nextDay().toISOString() },
          mediaBytes: of('mediaBytes'),
        };
      }),

    /** Days that a user's things are kept; null: for ever. */
    keeping: (userId: number): Promise<KeepingView> =>
      tenancy.inTenant(userId, async (models) => keepingView((await models.quotas.find(userId)).keptDays)),

    /** Null: as long as the gateway's. Fewer days take effect with the next round of housekeeping. */
    keep: (userId: number, to: Record<keyof KeptDays, number | null>): Promise<KeepingView> =>
      tenancy.inTenant(userId, async (models) => {
        await models.quotas.setKeptDays(userId, to);
        return keepingView((await models.quotas.find(userId)).keptDays);
      }),
  };

  function keepingView(own: KeptDays): KeepingView {
    const shorter = (name: keyof KeptDays): number | null => {
      const all = [own[name], settings.keptDays[name] || undefined].filter((days) => days !== undefined);
      return all.length === 0 ? null : Math.min(...all);
    };
    return { messages: shorter('messages'), media: shorter('media'), events: shorter('events') };
  }
}
