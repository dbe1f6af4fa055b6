import type { Wake } from '../clients/wake.js';
import type { Models, Tenancy } from '../models/index.js';
import type { Bulk } from '../models/bulk.js';
import type { Acceptance, Draft } from '../models/message.js';
import { Problem, type FieldError } from '../utils/problem.js';
import { fill, isUnfilled } from '../utils/template.js';
import { bulkEvent } from './event-data.js';
import { once } from './idempotency.js';
import { isScheduled } from './message-view.js';
import {
  allowanceOf,
  draftRow,
  refusalOf,
  type Allowance,
  type Asking,
  type SendRequest,
} from './message.js';
import type { Drafts } from './draft.js';
import { endWaiting, isWaiting, record } from './progress.js';

export interface BulkRequest {
  name?: string;
  /** Fields of a send that all drafts have, unless they say otherwise. */
  defaults?: Record<string, unknown>;
  messages: (Record<string, unknown> & { variables?: Record<string, string | number> })[];
}

export interface BulkView {
  id: number;
  name: string | null;
  total: number;
  accepted: number;
  refused: number;
  /** Messages by status. */
  progress: Record<string, number>;
  cancelledAt: string | null;
  finishedAt: string | null;
  createdAt: string;
}

/** What became of one draft, in the order of the call. */
export interface BulkResult {
  index: number;
  to: string | null;
  messageId: number | null;
  status: string | null;
  errors: FieldError[];
}
export interface AcceptedBulk extends BulkView {
  results: BulkResult[];
}

/** Whether it is a send, and how it reads then; or what is wrong with it, by pointers into it. */
export type CheckDraft = (draft: unknown) => { value: SendRequest } | { errors: FieldError[] };

type Item = { request: SendRequest } | { to: string | null; errors: FieldError[] };
type Ready = { draft: Draft } | { to: string | null; errors: FieldError[] };

export type Bulks = ReturnType<typeof createBulks>;

const CANCELLED_A_BATCH = 200;
const WAITING = ['scheduled', 'queued', 'sending'];

const view = (bulk: Bulk, progress: Record<string, number>): BulkView => ({
  id: bulk.id,
  name: bulk.name,
  total: bulk.total,
  accepted: bulk.total - bulk.refused,
  refused: bulk.refused,
  progress,
  cancelledAt: bulk.cancelledAt?.toISOString() ?? null,
  finishedAt: bulk.finishedAt?.toISOString() ?? null,
  createdAt: bulk.createdAt.toISOString(),
});

const missingFault = (name: string): FieldError => ({
  pointer: `/variables/${name}`,
  code: 'missing_variable',
  detail: `variables.${name} is required by the text`,
});

const textOf = (value: unknown): string | null => (typeof value === 'string' ? value : null);

/** Many messages in one call, one key for all; each is accepted or refused by itself. */
export function createBulks(deps: {
  tenancy: Pick<Tenancy, 'inTenant' | 'shared'>;
  drafts: Drafts;
  check: CheckDraft;
  wake: Pick<Wake, 'hint'>;
  /** Seconds. */
  settings: { messageTtl: number; idempotencyTtl: number; progressEvery: number };
}) {
  const { tenancy, drafts, wake, settings } = deps;

  /** One draft of the call, with what all have, its variables filled in, and checked like any send. */
  function read({ defaults = {} }: BulkRequest, own: BulkRequest['messages'][number]): Item {
    const { variables = {}, ...fields } = own;
    const { value, missing } = fill({ priority: 'bulk', ...defaults, ...fields }, variables);
    const to = textOf((value as { to?: unknown }).to);
    const checked = deps.check(value);
    // A field with an unfilled place in it may be wrong for that alone; saying so twice would not help.
    const faults =
      'errors' in checked ? checked.errors.filter(({ pointer }) => !isUnfilled(value, pointer)) : [];
    const errors = [...missing.map(missingFault), ...faults];
    return 'errors' in checked || errors.length > 0 ? { to, errors } : { request: checked.value };
  }

  async function prepare(
    userId: number,
    item: Item,
    { asking, draft }: { asking: Asking; draft: Drafts['draft'] },
  ): Promise<Ready> {
    if ('errors' in item) return item;
    try {
      const drafted = await draft(userId, item.request);
      const plain = { ...asking, idempotencyKey: null };
      return { draft: draftRow(userId, { request: item.request, drafted, asking: plain, settings }) };
    } catch (error) {
      if (!(error instanceof Problem) || !error.more.errors) throw error;
      return { to: item.request.to ?? null, errors: error.more.errors };
    }
  }

  /** What is quoted and linked to is looked up before the transaction, and not again for a repeated call. */
  async function readyOnce(userId: number, request: BulkRequest, asking: Asking): Promise<Ready[]> {
    const key = asking.idempotencyKey;
    const isKnown =
      key !== null && (await tenancy.inTenant(userId, (models) => models.idempotency.isKnown(userId, key)));
    if (isKnown) return [];
    const ready: Ready[] = [];
    const draft = drafts.together();
    for (const message of request.messages)
      ready.push(await prepare(userId, read(request, message), { asking, draft }));
    return ready;
  }

  async function store(
    models: Models,
    userId: number,
    { request, ready }: { request: BulkRequest; ready: Ready[] },
  ): Promise<{ bulk: AcceptedBulk; accepted: Acceptance[] }> {
    const bulk = await models.bulks.create({
      userId,
      name: request.name ?? null,
      total: request.messages.length,
    });
    const good = ready.flatMap((one) => ('draft' in one ? [{ ...one.draft, bulkId: bulk.id }] : []));
    const accepted = await acceptAll(models, good);
    const results = resultsOf(ready, accepted);
    const refused = results.filter(({ messageId }) => messageId === null).length;
    await models.bulks.setRefused(bulk.id, refused);
    const progress: Record<string, number> = {};
    for (const { status } of results) if (status !== null) progress[status] = (progress[status] ?? 0) + 1;
    return { bulk: { ...view({ ...bulk, refused }, progress), results }, accepted };
  }

  async function find(models: Models, id: number): Promise<Bulk> {
    const bulk = await models.bulks.find(id);
    if (!bulk) throw new Problem('not_found', `There is no bulk ${id}`);
    return bulk;
  }

  /** Takes back some of what waits. Returns how many were looked at. */
  const cancelSome = (userId: number, id: number): Promise<number> =>
    tenancy.inTenant(userId, async (models) => {
      await models.events.lockCounter(userId);
      const ids = await models.bulks.listWaiting(id, CANCELLED_A_BATCH);
      const waiting = (await models.messages.listForUpdate(ids)).filter(isWaiting);
      await record(
        models,
        waiting.map((message) => endWaiting(message, { status: 'cancelled', reason: null })),
      );
      await models.lanes.advance(waiting);
      return ids.length;
    });

  return {
    /**
     * All that is right is stored and goes out once; what is wrong is said of each draft by itself. Problems:
     * idempotency_mismatch, unavailable.
     */
    async accept(
      userId: number,
      request: BulkRequest,
      asking: Asking,
    ): Promise<{ bulk: AcceptedBulk; replayed: boolean; allowance: Allowance | null }> {
      let allowance: Allowance | null = null;
      const ready = await readyOnce(userId, request, asking);
      const asked = {
        userId,
        key: asking.idempotencyKey,
        request: ['POST /api/messages/bulk', request],
        ttl: settings.idempotencyTtl,
      };
      const { value, replayed } = await tenancy.inTenant(userId, (models) =>
        once(models, asked, async () => {
          const { bulk, accepted } = await store(models, userId, { request, ready });
          allowance = allowanceOf(accepted, asking);
          return { first: bulk, again: bulk };
        }),
      );
      wake.hint('lane');
      return { bulk: value, replayed, allowance };
    },

    /** With its progress as it is now. Problem: not_found. */
    find: (userId: number, id: number): Promise<BulkView> =>
      tenancy.inTenant(userId, async (models) => {
        const bulk = await find(models, id);
        return view(bulk, (await models.bulks.count(id)).counts);
      }),

    /** Takes back what still waits; what is being sent is sent. Problem: not_found. */
    async cancel(userId: number, id: number): Promise<BulkView> {
      await tenancy.inTenant(userId, async (models) => {
        await find(models, id);
        await models.bulks.setCancelled(id);
      });
      while ((await cancelSome(userId, id)) >= CANCELLED_A_BATCH);
      wake.hint('lane');
      wake.hint('events', userId);
      wake.hint('delivery');
      return this.find(userId, id);
    },

    /** Tells the progress of the bulks that are due, where it changed. Returns how many were looked at. */
    async sweep(): Promise<number> {
      const due = await tenancy.shared.claims.bulks(100, settings.progressEvery);
      for (const { id, userId } of due) if (await tell(userId, id)) wake.hint('events', userId);
      return due.length;
    },
  };

  async function tell(userId: number, id: number): Promise<boolean> {
    return tenancy.inTenant(userId, async (models) => {
      await models.events.lockCounter(userId);
      const bulk = await models.bulks.find(id);
      if (!bulk) return false;
      const { counts, phoneId } = await models.bulks.count(id);
      const isFinished = WAITING.every((status) => !counts[status]);
      const change = { before: bulk.progress, now: counts, isFinished };
      const isNew = isFinished || JSON.stringify(sorted(bulk.progress)) !== JSON.stringify(sorted(counts));
      if (!isNew || !(await models.bulks.setProgress(id, change))) return false;
      const now = { ...bulk, finishedAt: isFinished ? new Date() : null };
      await models.events.append(userId, [bulkEvent(view(now, counts), phoneId)]);
      return true;
    });
  }
}

const sorted = (counts: Record<string, number>) => Object.entries(counts).sort();

/** In a transaction of its own, which a missing answer undoes. */
async function acceptAll(models: Pick<Models, 'messages'>, drafts: Draft[]): Promise<Acceptance[]> {
  const answers = drafts.length > 0 ? await models.messages.accept(drafts) : [];
  return answers.map((answer) => {
    if (!answer) throw new Error('A draft was given no answer');
    return answer;
  });
}

/** The answers of the good drafts, put back among the refused ones. */
function resultsOf(ready: Ready[], accepted: Acceptance[]): BulkResult[] {
  let next = 0;
  return ready.map((one, index) => {
    if ('errors' in one) return { index, to: one.to, messageId: null, status: null, errors: one.errors };
    const answer = accepted[next++]!;
    const refusal = refusalOf(answer, one.draft);
    if (refusal) return { index, to: one.draft.chat, messageId: null, status: null, errors: [refusal] };
    const status = isScheduled(answer) ? 'scheduled' : 'queued';
    return { index, to: answer.to, messageId: answer.id, status, errors: [] };
  });
}
