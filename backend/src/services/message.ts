import type { Wake } from '../clients/wake.js';
import type { Tenancy } from '../models/index.js';
import type { Acceptance, Draft, OnUnknown } from '../models/message.js';
import { batcher } from '../utils/batch.js';
import { sha256 } from '../utils/crypto.js';
import { secondsLeftToday } from '../utils/day.js';
import { canonical } from '../utils/json.js';
import { limitedPhones } from '../utils/limited.js';
import { Problem, type FieldError, type ProblemCode } from '../utils/problem.js';
import { needsLookup, type Drafted, type DraftRequest, type Drafts } from './draft.js';
import type { MediaService } from './media.js';
import { acceptedView, PRIORITIES, type Links, type MessageView, type Priority } from './message-view.js';
import { phoneReasons } from './reason.js';

/** When and how a message goes out, whatever it says. */
export interface SendOptions {
  priority?: Priority;
  /** ISO 8601; at once unless given. */
  sendAt?: string;
  expiresAt?: string;
  onUnknown?: OnUnknown;
}

/** A draft as it is asked for. */
export type SendRequest = DraftRequest & SendOptions;

export interface Asking {
  requestId: string;
  idempotencyKey: string | null;
  /** Messages that who asks may send in a day; null: as many as they like. */
  dayLimit: number | null;
}
/** What is left of a day's messages. */
export interface Allowance {
  limit: number;
  left: number;
}

export type Messages = ReturnType<typeof createMessages>;

const REFUSALS: Record<string, string> = {
  logged_out: phoneReasons.logged_out_on_phone,
  banned: phoneReasons.refused_by_whatsapp,
  mismatch: phoneReasons.other_number,
};

const optionsOf = ({ priority = 'normal', sendAt, expiresAt, onUnknown = 'keep' }: SendOptions) => ({
  priority: PRIORITIES.indexOf(priority),
  sendAt: sendAt ?? null,
  expiresAt: expiresAt ?? null,
  onUnknown,
});

/** Two requests are the same when they ask for the same, in whatever order their fields came. */
const requestHash = (request: SendRequest): Buffer => sha256(canonical(['POST /api/messages/send', request]));

export function createMessages(deps: {
  tenancy: Pick<Tenancy, 'inTenant' | 'shared'>;
  drafts: Drafts;
  media: Pick<MediaService, 'undo' | 'carriedBy'>;
  links: Links;
  wake: Pick<Wake, 'hint'>;
  /** Seconds. */
  settings: { messageTtl: number; idempotencyTtl: number };
}) {
  const { tenancy, drafts, media, links, wake, settings } = deps;
  /**
   * A group that failed for the database's sake may have been committed: it is answered 503 and not tried again by us,
   * as a second try could be a second message. Any other failure is a bad draft, found by trying each alone.
   */
  const isolate = (error: unknown) => !(error instanceof Problem && error.code === 'unavailable');
  const group = batcher<Draft, Acceptance>({ flush: acceptGroup, maxBatch: 64, maxQueue: 2000, isolate });

  /** A statement names each key once: the second of a pair in one group goes into a later statement, and waits. */
  async function acceptGroup(drafts: Draft[]): Promise<(Acceptance | Error)[]> {
    const seen = new Set<string>();
    const later: number[] = [];
    const first: number[] = [];
    drafts.forEach((draft, i) => {
      const name = `${draft.userId} ${draft.key}`;
      (draft.key !== null && seen.has(name) ? later : first).push(i);
      seen.add(name);
    });
    const answers: (Acceptance | Error)[] = [];
    const accepted = await tenancy.shared.accept(first.map((i) => drafts[i]!));
    // The others of the group are committed: one without an answer fails alone.
    first.forEach((i, n) => (answers[i] = accepted[n] ?? new Error('A draft was given no answer')));
    if (later.length > 0) {
      const rest = await acceptGroup(later.map((i) => drafts[i]!));
      later.forEach((i, n) => (answers[i] = rest[n]!));
    }
    return answers;
  }

  /**
   * A repeated request finds its key before anything is looked up or stored for it again: what it quotes may be gone, and
   * the media it links to is on its way.
   */
  async function draftOnce(userId: number, request: SendRequest, key: string | null) {
    const isKnown =
      key !== null && (await tenancy.inTenant(userId, (models) => models.idempotency.isKnown(userId, key)));
    return isKnown ? drafts.plain(request) : drafts.draft(userId, request);
  }

  /** A repeated request's own draft does not count: the message carries what the first one brought. */
  async function view(userId: number, { accepted, draft }: { accepted: Acceptance; draft: Drafted }) {
    const isOwn = draft.media?.id === accepted.mediaId;
    const carried =
      isOwn || accepted.mediaId === null ? draft.media : await media.carriedBy(userId, accepted.mediaId);
    const known = accepted.mediaId === null ? null : carried;
    return acceptedView(accepted, { userId, payload: draft.payload, media: known }, links);
  }

  return {
    /**
     * Takes a message for sending; when this resolves it is committed. `replayed`: the key was used before with the
     * same request, and this is that answer. Problems: not_found, phone_logged_out, idempotency_mismatch, quota_exceeded,
     * unavailable.
     */
    async accept(
      userId: number,
      request: SendRequest,
      asking: Asking,
    ): Promise<{ message: MessageView; replayed: boolean; allowance: Allowance | null }> {
      const key = asking.idempotencyKey;
      const draft = needsLookup(request) ? await draftOnce(userId, request, key) : drafts.plain(request);
      const accepted = await group.add(draftRow(userId, { request, drafted: draft, asking, settings }));
      const replayed = accepted.outcome === 'replayed';
      if (draft.isMediaNew && accepted.outcome !== 'accepted') await media.undo(userId, draft.mediaId!);
      if (!replayed) refuse(accepted, request, asking);
      if (!replayed) wake.hint('lane');
      const message = await view(userId, { accepted, draft });
      return { message, replayed, allowance: allowanceOf([accepted], asking) };
    },

    /** Resolves when every accepted request is committed. */
    drain: () => group.drain(),
  };
}

/** No phone: what goes through a group is beyond the limits of who asks, so that a phone out of reach is none here. */
const NOWHERE = 0;
const withinReach = (phoneId: number): number =>
  limitedPhones()?.includes(phoneId) === false ? NOWHERE : phoneId;

/** A draft as a row of acceptance. */
export function draftRow(
  userId: number,
  made: {
    request: SendRequest;
    drafted: Drafted;
    asking: Asking;
    settings: { messageTtl: number; idempotencyTtl: number };
  },
): Draft {
  const { request, asking, settings } = made;
  const { media: _media, isMediaNew: _isNew, ...drafted } = made.drafted;
  const key = asking.idempotencyKey;
  return {
    userId,
    phoneId: withinReach(request.phoneId),
    ...drafted,
    ...optionsOf(request),
    bulkId: null,
    ttl: settings.messageTtl,
    requestId: asking.requestId,
    key,
    hash: key === null ? null : requestHash(request).toString('hex'),
    keyTtl: settings.idempotencyTtl,
    dayLimit: asking.dayLimit,
  };
}

/** After all of these; null: there is no limit, or they count for nothing. */
export function allowanceOf(accepted: readonly Acceptance[], { dayLimit }: Asking): Allowance | null {
  const left = accepted.flatMap(({ dayLeft }) => dayLeft ?? []);
  return dayLimit === null || left.length === 0 ? null : { limit: dayLimit, left: Math.min(...left) };
}

/** Why a draft was not accepted, by the field it lies in; null when it was. */
export function refusalOf(
  { outcome, phoneStatus }: Acceptance,
  draft: Pick<SendRequest, 'phoneId' | 'mediaUrl'> & { dayLimit: number | null },
): FieldError | null {
  // A link may fail within the milliseconds before its message is stored.
  const media = draft.mediaUrl === undefined ? '/mediaId' : '/mediaUrl';
  switch (outcome) {
    case 'phone_missing':
      return { pointer: '/phoneId', code: 'not_found', detail: `There is no phone ${draft.phoneId}` };
    case 'phone_refuses': {
      const detail = REFUSALS[phoneStatus ?? ''] ?? 'The phone cannot send';
      return { pointer: '/phoneId', code: 'phone_logged_out', detail };
    }
    case 'media_missing':
      return { pointer: media, code: outcome, detail: 'There is no such media' };
    case 'media_refused':
      return { pointer: media, code: outcome, detail: 'This media could not be stored' };
    case 'quota_exceeded': {
      const params = { limit: draft.dayLimit };
      return { pointer: '', code: outcome, params, detail: `${draft.dayLimit} messages a day are the most` };
    }
    default:
      return null;
  }
}

/** Problems: not_found, phone_logged_out, unprocessable (its media), idempotency_mismatch, quota_exceeded. */
function refuse(accepted: Acceptance, request: SendRequest, { dayLimit }: Asking): void {
  if (accepted.outcome === 'key_mismatch')
    throw new Problem('idempotency_mismatch', 'This Idempotency-Key was used with another request');
  if (accepted.outcome === 'gone')
    throw new Problem(
      'idempotency_mismatch',
      'This Idempotency-Key made a message that is no longer kept; to send it once more, use another key',
    );
  const refusal = refusalOf(accepted, { ...request, dayLimit });
  if (!refusal) return;
  if (accepted.outcome === 'quota_exceeded')
    throw new Problem(accepted.outcome, refusal.detail, {
      errors: [refusal],
      retryAfter: secondsLeftToday(),
    });
  const code = refusal.pointer === '/phoneId' ? (refusal.code as ProblemCode) : 'unprocessable';
  throw new Problem(code, refusal.detail, { errors: [refusal] });
}
