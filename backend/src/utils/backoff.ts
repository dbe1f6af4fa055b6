export interface Backoff {
  /** Milliseconds before the second try. */
  baseMs: number;
  /** Milliseconds, never exceeded, jitter included. */
  maxMs: number;
  /** 0.2 spreads a pause over ±20 %, so that what failed together does not come back together. */
  jitter: number;
}

/**
 * Whole milliseconds to wait after try `attempt` (the first is 1) has failed: doubling from `baseMs` up to `maxMs`.
 * The cap leaves room for the jitter, as a clamp would put half of the longest pauses on the same instant.
 */
export function backoff(attempt: number, o: Backoff, random: () => number = Math.random): number {
  const doublings = Math.min(Math.max(attempt, 1) - 1, 50);
  const middle = Math.min(o.baseMs * 2 ** doublings, o.maxMs / (1 + o.jitter));
  return Math.floor(middle * (1 - o.jitter + 2 * o.jitter * random()));
}
