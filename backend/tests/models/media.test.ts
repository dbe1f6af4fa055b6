import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newUser, type TestUser } from '../support/client.js';
import { startGateway, type TestGateway } from '../support/gateway.js';

describe('claiming media', () => {
  let gateway: TestGateway;
  beforeAll(async () => {
    gateway = await startGateway({ workers: [] });
  });
  afterAll(async () => gateway?.stop());

  const claim = (limit: number, perUser: number, lease = '1 minute') =>
    gateway.database.query<{ id: string; user_id: string; lease_id: string }>(
      `select * from claim_media(${limit}, ${perUser}, interval '${lease}')`,
    );
  const order = async (user: TestUser, count: number) => {
    for (let i = 0; i < count; i += 1)
      await user.api.post('/api/media', { mediaUrl: `https://example.com/${user.id}/${i}` });
  };
  const usersOf = (rows: { user_id: string }[]) =>
    rows.map((row) => Number(row.user_id)).sort((a, b) => a - b);

  it('users with many and with few › claimed › take turns, and none more than its share at once', async () => {
    const [many, few] = [await newUser(gateway.url), await newUser(gateway.url)];
    await order(many, 6);
    await order(few, 1);
    expect(usersOf(await claim(2, 4))).toEqual([many.id, few.id]);
    expect(usersOf(await claim(10, 3))).toEqual([many.id, many.id]);
    expect(await claim(10, 3)).toEqual([]);
    const held = await gateway.database.queryAll<{ count: string }>(
      "select count(*) from media where status = 'pending'",
    );
    expect(held[0]!.count).toBe('7');
  });

  it('a lease that ran out › claimed anew › is its former holder’s no longer', async () => {
    const user = await newUser(gateway.url);
    await order(user, 1);
    const mine = async (lease: string) =>
      (await claim(100, 100, lease)).filter((row) => Number(row.user_id) === user.id);
    const [first] = await mine('0 seconds');
    const [second] = await mine('1 minute');
    expect(second!.id).toBe(first!.id);
    const finish = (lease: string) =>
      gateway.database.queryAll<{ done: boolean }>(
        `select finish_media(${user.id}, ${first!.id}, '${lease}', null) as done`,
      );
    expect([(await finish(first!.lease_id))[0]!.done, (await finish(second!.lease_id))[0]!.done]).toEqual([
      false,
      true,
    ]);
    expect(await mine('1 minute')).toEqual([]);
  });
});
