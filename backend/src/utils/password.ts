import { createHmac, randomBytes } from 'node:crypto';
import bcrypt from 'bcrypt';
import { Problem } from './problem.js';

/** Public on purpose: it only sets our use of HMAC apart from others'. Changing it invalidates every password. */
const LABEL = 'evolution-gateway password v1';

/**
 * bcrypt reads 72 bytes and stops at a NUL; 64 characters of base64 carry all of any password. Normalized first (as NIST
 * SP 800-63B advises), as keyboards differ in how they compose an é.
 */
const condensed = (password: string): string =>
  createHmac('sha384', LABEL).update(password.normalize('NFKC')).digest('base64');

/** Well formed, of the same cost, and the hash of nothing anyone knows: comparing takes as long as with a real one. */
const dummyHash = (cost: number): string =>
  `$2b$${String(cost).padStart(2, '0')}$${randomBytes(64).toString('base64').replace(/[+=]/g, '.').slice(0, 53)}`;

/** Runs one task at a time, in order; Problem unavailable when `maxQueue` wait already. */
function oneAtATime(maxQueue: number) {
  let last: Promise<unknown> = Promise.resolve();
  let unfinished = 0;

  return async <T>(task: () => Promise<T>): Promise<T> => {
    if (unfinished > maxQueue) {
      throw new Problem('unavailable', 'Too many passwords wait to be checked', { retryAfter: 1 });
    }
    unfinished += 1;
    const mine = last.then(task).finally(() => (unfinished -= 1));
    last = mine.catch(() => undefined);
    return mine;
  };
}

/**
 * Hashes passwords with bcrypt (`cost` 4 to 31; each step doubles the time), one at a time in this process, so that
 * sign-ins cannot take every thread from the rest. At most `maxQueue` wait; more are refused with Problem unavailable.
 */
export function passwords(options: { cost: number; maxQueue: number }) {
  const inTurn = oneAtATime(options.maxQueue);
  const dummy = dummyHash(options.cost);

  return {
    hash: (password: string): Promise<string> => inTurn(() => bcrypt.hash(condensed(password), options.cost)),

    /** False, after the same time, when there is no hash (`null`): an unknown user is not told apart by a clock. */
    verify: (password: string, hash: string | null): Promise<boolean> =>
      inTurn(async () => {
        const isEqual = await bcrypt.compare(condensed(password), hash ?? dummy);
        return isEqual && hash !== null;
      }),
  };
}
