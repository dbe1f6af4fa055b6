interface Waiting<T, R> {
  item: T;
  resolve: (result: R) => void;
  reject: (error: unknown) => void;
}

/** A row that the database refuses for what it says (SQLSTATE 22 and 23), which says nothing about its neighbours. */
const isOwnFault = (error: unknown): boolean =>
  /^2[23]/.test(String((error as { code?: string }).code ?? ''));

/**
 * Group commit: what is asked for in one tick, or while the last group is under way, goes out together.
 * @param flush does a group and answers one result per item, in order.
 * @returns a function that gives one item to the next group and resolves with its result. If the group fails because
 *   of one item's content, each is done alone, so that only that one fails.
 */
export const createBatcher = <T, R>(flush: (items: T[]) => Promise<R[]>, max = 200) => {
  const waiting: Waiting<T, R>[] = [];
  let running = false;

  const settle = async (group: Waiting<T, R>[]): Promise<void> => {
    try {
      const results = await flush(group.map(({ item }) => item));
      group.forEach(({ resolve }, i) => resolve(results[i] as R));
    } catch (error) {
      if (group.length === 1 || !isOwnFault(error)) {
        for (const { reject } of group) reject(error);
        return;
      }
      for (const one of group) await settle([one]);
    }
  };
  const run = async (): Promise<void> => {
    while (waiting.length > 0) await settle(waiting.splice(0, max));
    running = false;
  };
  return (item: T): Promise<R> =>
    new Promise((resolve, reject) => {
      waiting.push({ item, resolve, reject });
      if (running) return;
      running = true;
      setImmediate(() => void run());
    });
};
