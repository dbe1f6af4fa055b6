export const delay = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

type Truthy<T> = Exclude<T, false | null | undefined | 0 | ''>;

export interface Patience {
  /** Milliseconds until it is given up; 30 000 unless told. */
  timeoutMs?: number;
  /** Milliseconds between two looks; 25 unless told. */
  everyMs?: number;
}

/**
 * Looks until `check` gives something truthy, and gives it back. A `check` that throws counts as "not yet"; its last
 * error is the cause of the final one.
 * @throws Error naming `what` after `timeoutMs`
 */
export async function until<T>(
  what: string,
  check: () => Promise<T> | T,
  patience: Patience = {},
): Promise<Truthy<T>> {
  const { timeoutMs = 30_000, everyMs = 25 } = patience;
  const deadline = Date.now() + timeoutMs;
  let cause: unknown;
  for (;;) {
    try {
      const found = await check();
      if (found) return found as Truthy<T>;
    } catch (error) {
      cause = error;
    }
    if (Date.now() > deadline) throw new Error(`waited ${timeoutMs} ms for ${what}`, { cause });
    await delay(everyMs);
  }
}
