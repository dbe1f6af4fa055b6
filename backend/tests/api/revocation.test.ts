import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { io, type Socket } from 'socket.io-client';
import { startRedis, type Redis } from '../../../dev/src/redis.js';
import { newAdmin } from '../support/admin.js';
import { client, newUser, type TestUser } from '../support/client.js';
import { startFleet, type Fleet } from '../support/fleet.js';
import { until } from '../support/until.js';

/** Milliseconds: what is asked later than this after a revocation was answered is refused. */
const EFFECTIVE = 1000;

describe('two api processes', () => {
  let redis: Redis;
  let fleet: Fleet;
  let admin: TestUser;
  const sockets: Socket[] = [];
  beforeAll(async () => {
    redis = await startRedis();
    fleet = await startFleet({
      api: 2,
      workers: 1,
      env: { REDIS_HOST: '127.0.0.1', REDIS_PORT: String(redis.port) },
    });
    admin = await newAdmin(fleet);
  }, 400_000);
  afterAll(async () => {
    sockets.forEach((socket) => socket.close());
    await fleet?.stop();
    await redis?.stop();
  });

  const listen = (n: number, auth: object) => {
    const socket = io(fleet.api[n]!.url, { auth, transports: ['websocket'], reconnection: false });
    sockets.push(socket);
    return socket;
  };

  /**
   * Asks both processes all the time, revokes, and returns how long after that one of them last let it in, or had a socket of
   * it. What a process knows of who has a socket is kept fresh for the socket, so who has none is another case.
   */
  async function lastLetIn(
    credentials: { apiKey?: string; token?: string },
    sockets: 'with sockets' | 'without a socket',
    revoke: () => Promise<{ status: number }>,
  ): Promise<number> {
    const auth = credentials.apiKey ? { apiKey: credentials.apiKey } : { token: credentials.token };
    const open = sockets === 'with sockets' ? [0, 1].map((n) => listen(n, auth)) : [];
    await until('both sockets are connected', () => open.every((socket) => socket.connected));
    let revokedAt = Infinity;
    let latest = -Infinity;
    const note = (at: number) => (latest = Math.max(latest, at - revokedAt));
    for (const socket of open) socket.on('disconnect', () => note(performance.now()));
    const asking = [0, 1].map(async (n) => {
      const { get } = client(fleet.api[n]!.url, credentials);
      await until(`api ${n} refuses it`, async () => {
        const askedAt = performance.now();
        const { status } = await get('/api/phones');
        if (status === 200) note(askedAt);
        return status === 401 && revokedAt < Infinity;
      });
    });
    await until('both let it in', async () => {
      const answers = await Promise.all(
        [0, 1].map((n) => client(fleet.api[n]!.url, credentials).get('/api/phones')),
      );
      return answers.every(({ status }) => status === 200);
    });
    expect((await revoke()).status).toBeLessThan(300);
    revokedAt = performance.now();
    await Promise.all(asking);
    await until('both sockets are disconnected', () => open.every((socket) => !socket.connected));
    return latest;
  }

  describe.each(['there', 'down'])('Redis %s', (state) => {
    beforeAll(async () => {
      if (state === 'down') await redis.stop();
    });

    describe.each(['with sockets', 'without a socket'] as const)('%s', (sockets) => {
      it('a key is revoked at one › what asks either a second later › is refused, its sockets too', async () => {
        const user = await newUser(fleet.url);
        const { body: key } = await user.api.post('/api/keys', { name: 'x' });
        const at = client(fleet.api[0]!.url, { token: user.token });
        const revoke = () => at.call('DELETE', `/api/keys/${key.id}`);
        expect(await lastLetIn({ apiKey: key.key }, sockets, revoke)).toBeLessThan(EFFECTIVE);
      });

      it.each(['apiKey', 'token'] as const)(
        'a user is disabled at one › what asks either a second later, by %s › is refused, their sockets too',
        async (by) => {
          const user = await newUser(fleet.url);
          const disable = () =>
            client(fleet.api[1]!.url, { token: admin.token }).call('PATCH', `/api/admin/users/${user.id}`, {
              isActive: false,
            });
          expect(await lastLetIn({ [by]: user[by] }, sockets, disable)).toBeLessThan(EFFECTIVE);
        },
      );
    });
  });
});
