/** A machine that is busy is patient too: who waits for long asks seldom, and leaves it the time to get there. */
const SOONEST_MS = 20;
const LATEST_MS = 100;

/** Asks until the answer is truthy; fails with the last answer when the time is over. Milliseconds. */
export async function until<T>(
  what: string,
  ask: () => Promise<T> | T,
  patience = 150_000,
): Promise<NonNullable<T>> {
  const deadline = Date.now() + patience;
  let pause = SOONEST_MS;
  let last: unknown;
  for (;;) {
    try {
      const answer = await ask();
      if (answer) return answer as NonNullable<T>;
      last = answer;
    } catch (error) {
      last = error;
    }
    if (Date.now() > deadline)
      throw new Error(`${what}: not within ${patience} ms; last: ${String(last)}`, { cause: last });
    await new Promise((resolve) => setTimeout(resolve, pause));
    pause = Math.min(pause * 1.2, LATEST_MS);
  }
}
