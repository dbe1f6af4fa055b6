import type { RedisClient } from '../config/redis.js';

export type SessionSight = ReturnType<typeof sessionSight>;

const keyOf = (id: string): string => `gateway:session:${id}`;

/**
 * When sessions were last seen, to the second, in Redis: each second of use would be too many writes for PostgreSQL, which
 * is told once a minute and is asked where Redis is away or has lost it. Whether a session lives is never asked here:
 * ending one may not depend on what can be lost.
 */
export const sessionSight = (redis: RedisClient) => ({
  /** `lifetime` in seconds. Waits for nothing and never fails. */
  note(id: string, lifetime: number): void {
    redis.set(keyOf(id), Date.now(), 'EX', lifetime).catch(() => undefined);
  },

  /** In the order of `ids`; null where it is not known. */
  latest: (ids: readonly string[]): Promise<(Date | null)[]> =>
    Promise.all(
      ids.map(async (id) => {
        const at = await redis.get(keyOf(id)).catch(() => null);
        return at === null ? null : new Date(Number(at));
      }),
    ),
});
