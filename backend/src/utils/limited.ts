import { AsyncLocalStorage } from 'node:async_hooks';

const storage = new AsyncLocalStorage<readonly number[] | null>();

/** Does `work`, and all that it begins, for a caller whose credential is limited to these phones; null: to none. */
export const limitedTo = <T>(phoneIds: readonly number[] | null, work: () => T): T =>
  storage.run(phoneIds, work);

/** The phones that whatever runs now is limited to; null: it is not. */
export const limitedPhones = (): readonly number[] | null => storage.getStore() ?? null;

/** Does what is nobody's request: what a request wakes must not work under that request's limits. */
export const unlimited = <T>(work: () => T): T => storage.exit(work);
