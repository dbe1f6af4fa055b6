import type { Wake } from '../clients/wake.js';
import type { Models, Tenancy } from '../models/index.js';
import type { LaneEnd, Send } from '../models/lane.js';
import type { Message } from '../models/message.js';
import type { Ack } from '../models/progress.js';
import { backoff } from '../utils/backoff.js';
import { batcher } from '../utils/batch.js';
import { Problem } from '../utils/problem.js';
import type { Outcome } from './answer.js';
import { answered, begin, moveTo, putBack, record, type Progress } from './progress.js';
import type { MessageReason } from './reason.js';
import { together } from './together.js';

/** What became of one claimed send. */
interface Settled {
  userId: number;
  send: Send;
  outcome: Outcome;
}

export type Settlement = ReturnType<typeof createSettlement>;

/** How often a message that prefers a double to a loss is tried before it stays in doubt. */
const TRIES_IN_DOUBT = 3;
const IN_ONE_GROUP = 64;

const isTriedAgain = (message: Pick<Message, 'onUnknown' | 'attempts'>): boolean =>
  message.onUnknown === 'resend' && message.attempts < TRIES_IN_DOUBT;

/** Nobody looks before the next send of a phone whose last answer is doubtful, or of which nothing came. */
const needsLook = ({ outcome }: Settled): boolean =>
  outcome.class === 'unknown' || outcome.class === 'not_sent';

/** Nobody knows whether it went out. */
export const doubt = (message: Message, reason: MessageReason): Progress =>
  moveTo(begin(message), { status: 'unknown', reason, at: new Date() });

/** The chat waits for the evidence, unless its owner would rather have a double. `hold` in seconds. */
export const inDoubt = (send: Pick<Message, 'onUnknown' | 'attempts'>, hold: number): LaneEnd =>
  isTriedAgain(send) ? { doubt: true } : { hold, doubt: true };

/** Doubted messages whose owners would rather have a double wait again, in their old places. */
export async function tryAgain(models: Models, progresses: readonly Progress[]): Promise<void> {
  for (const { message } of progresses)
    if (message.status === 'unknown' && isTriedAgain(message)) await models.messages.requeue(message, 0);
}

/** What an outcome makes of the message. The lease decides, but for this: that it was sent is a fact. */
function progressOf({ send, outcome }: Settled, message: Message, early: readonly Ack[]): Progress {
  const at = new Date();
  if (outcome.class === 'sent') return answered(begin(message), { ...outcome, at, early });
  const isHolder = message.status === 'sending' && message.leaseId === send.leaseId;
  if (!isHolder) return begin(message);
  if (outcome.class === 'not_sent') return putBack(message);
  if (outcome.class === 'unknown') return doubt(message, outcome.reason);
  return moveTo(begin(message), { status: 'failed', reason: outcome.reason, at });
}

const earlyOf = (acks: readonly Ack[], { send, outcome }: Settled): Ack[] =>
  outcome.class === 'sent'
    ? acks.filter((ack) => ack.phoneId === send.phoneId && ack.whatsappId === outcome.whatsappId)
    : [];

/**
 * Records what became of sends, in groups: what is answered while one group is written forms the next. Counters are
 * locked first, then messages, then lanes.
 */
export function createSettlement(deps: {
  tenancy: Pick<Tenancy, 'inTenants' | 'tryInTenants'>;
  wake: Pick<Wake, 'hint'>;
  /** Seconds. */
  settings: { unknownHold: number };
}) {
  const { tenancy, wake, settings } = deps;
  const group = batcher<Settled, void>({
    flush: (items) => together(tenancy, items, settleAll),
    maxBatch: IN_ONE_GROUP,
    // There are never more than sends in flight, and an answer is never turned away.
    maxQueue: Infinity,
    isolate: (error) => !(error instanceof Problem && error.code === 'unavailable'),
  });

  const laneEnd = ({ send, outcome }: Settled): LaneEnd => {
    if (outcome.class === 'not_sent')
      return { pause: backoff(send.failures, { baseMs: 1000, maxMs: 60_000, jitter: 0.2 }) / 1000 };
    if (outcome.class === 'unknown') return { ...inDoubt(send, settings.unknownHold), left: true };
    return { left: outcome.class === 'sent' };
  };

  async function settleAll(models: Models, items: Settled[]): Promise<void[]> {
    const ids = items.flatMap(({ send }) => send.id ?? []);
    const messages = new Map((await models.messages.listForUpdate(ids)).map((one) => [one.id, one]));
    const acks = await models.progress.takeParked(
      items.flatMap(({ send, outcome }) =>
        outcome.class === 'sent' ? { phoneId: send.phoneId, whatsappId: outcome.whatsappId } : [],
      ),
    );
    const progresses = items.flatMap((item) => {
      const message = item.send.id === null ? undefined : messages.get(item.send.id);
      return message ? progressOf(item, message, earlyOf(acks, item)) : [];
    });
    await record(models, progresses);
    await tryAgain(models, progresses);
    await models.lanes.finishAll(items.map((item) => ({ ...item.send, ...laneEnd(item) })));
    for (const { send } of items.filter(needsLook)) await models.checks.ask(send.userId, send.phoneId);
    return items.map(() => undefined);
  }

  return {
    /** Resolves when it is committed. */
    async settle(send: Send, outcome: Outcome): Promise<void> {
      const settled = { userId: send.userId, send, outcome };
      await group.add(settled);
      wake.hint('lane');
      if (needsLook(settled)) wake.hint('check');
      wake.hint('events', send.userId);
      wake.hint('delivery');
    },
  };
}
