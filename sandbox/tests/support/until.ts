type Nothing = false | null | undefined;

/**
 * Asks again and again until the answer is neither false nor empty; a refusal counts as not yet.
 * @throws Error with the last failure once `ms` have passed
 */
export const until = async <T>(
  what: string,
  ask: () => Promise<T | Nothing> | T | Nothing,
  ms = 60_000,
): Promise<T> => {
  const deadline = Date.now() + ms;
  let last: unknown = 'it never became true';
  do {
    try {
      const answer = await ask();
      if (answer) return answer;
    } catch (error) {
      last = error;
    }
    await new Promise((resolve) => setTimeout(resolve, 15));
  } while (Date.now() < deadline);
  throw new Error(`not within ${ms} ms: ${what} (${last instanceof Error ? last.message : String(last)})`);
};
