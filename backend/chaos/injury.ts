import { inFlight, type Stage } from './stage.js';
import type { Random } from './random.js';

/** What a fault may do to messages that are being sent at that moment. */
export type Doubt =
  /** It touches no send: nothing may be in doubt because of it. */
  | 'none'
  /** Each phone with a send in flight while it lasts may have one message in doubt. */
  | 'in flight';

/** One way to go wrong, and back again. */
export interface Injury {
  name: string;
  doubt: Doubt;
  /** Statuses that a client may see beside 202 and 503; 0: the connection broke. */
  mayAnswer?: readonly number[];
  needs?: ('ownPostgres' | 'proxied')[];
  /** Does it and undoes it; or gives back how to undo it, where that makes no send doubtful any more. */
  inflict(stage: Stage, random: Random): Promise<void | (() => Promise<void>)>;
}

const SAMPLE_MS = 25;

/**
 * Inflicts it and tells how many phones had a send in flight meanwhile, from just before to just after: that many
 * messages may be in doubt. A send that the database does not tell of, as it was away, is still there when it is back.
 */
export async function inflict(injury: Injury, stage: Stage, random: Random): Promise<number> {
  if (injury.doubt === 'none') {
    const mend = await injury.inflict(stage, random);
    await mend?.();
    return 0;
  }
  const phones = new Set(await inFlight(stage));
  let isOver = false;
  const sampling = (async () => {
    while (!isOver) {
      for (const id of await inFlight(stage)) phones.add(id);
      await new Promise((resolve) => setTimeout(resolve, SAMPLE_MS));
    }
  })();
  const mend = await injury.inflict(stage, random).finally(() => (isOver = true));
  await sampling;
  for (const id of await inFlight(stage)) phones.add(id);
  await mend?.();
  return phones.size;
}
