import type { Models } from '../models/index.js';
import { sha256 } from '../utils/crypto.js';
import { Problem } from '../utils/problem.js';

/**
 * Does `work` once per (user, Idempotency-Key), inside the caller's transaction: the key exists exactly when the work
 * is committed. A second request with the same key and content gets `again` of the first (without secrets); with
 * another content, idempotency_mismatch. While the first runs, the second waits. `ttl` in seconds.
 */
export async function once<First, Again>(
  models: Pick<Models, 'idempotency'>,
  asked: { userId: number; key: string | null; request: unknown; ttl: number },
  work: () => Promise<{ first: First; again: Again }>,
): Promise<{ value: First | Again; replayed: boolean }> {
  const { userId, key, ttl } = asked;
  if (key === null) return { value: (await work()).first, replayed: false };
  const requestHash = sha256(JSON.stringify(asked.request));
  const reservation = await models.idempotency.reserve({ userId, key, requestHash, ttl });
  if (reservation.isFirst) {
    const { first, again } = await work();
    await models.idempotency.store(userId, key, again);
    return { value: first, replayed: false };
  }
  if (!reservation.requestHash.equals(requestHash))
    throw new Problem('idempotency_mismatch', 'This Idempotency-Key was used with another request');
  // It was done: better no answer than doing it a second time.
  if (reservation.response === null)
    throw new Problem(
      'idempotency_mismatch',
      'This request was done; what it was answered was erased with a contact of whom it told',
    );
  return { value: reservation.response as Again, replayed: true };
}
