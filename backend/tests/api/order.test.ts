import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { newUser } from '../support/client.js';
import { startGateway, type TestGateway } from '../support/gateway.js';
import { placedPhone } from '../support/placed.js';
import { eventsOf, truthOf } from '../support/truth.js';
import { OWN, WORLD, type Told } from '../support/world.js';

const FINAL: Record<string, number> = { 'message.edited': 1, 'message.deleted': 2 };
const RISE = ['sent', 'failed', 'delivered', 'read', 'played'];

describe('facts in any order', () => {
  let gateway: TestGateway;
  beforeAll(async () => {
    gateway = await startGateway({ workers: [] });
  });
  afterAll(async () => gateway?.stop());

  /** A user of its own hears all of it; X1 is sent before anything is told. */
  async function hear(told: readonly Told[]) {
    const user = await newUser(gateway.url);
    const phone = await placedPhone(gateway, user, { phoneNumber: OWN, opened: false });
    await gateway.database.query(`begin; set local app.user_ids = '{${user.id}}';
      insert into messages (user_id, phone_number_id, direction, source, message_id, chat, from_number, to_number, type,
                            content, status, sequence, due_at, created_at)
      values (${user.id}, ${phone.id}, 'out', 'api', 'X1', '+5511988887777', '${OWN}', '+5511988887777', 'text', 'x',
              'sent', 1, now(), '2026-11-22T08:00:00Z'); commit`);
    for (const { event, data, at } of told) expect((await phone.say(event, data, at)).status).toBe(200);
    const kept = await gateway.database.queryAll(`select why from quarantine where user_id = ${user.id}`);
    expect(kept).toEqual([]);
    return { truth: await truthOf(gateway, user, [phone]), events: await eventsOf(user) };
  }

  const WHOLE = WORLD.map((_, i) => i);
  /** Each at least once, some several times, in any order. */
  const orders = fc
    .tuple(
      fc.shuffledSubarray(WHOLE, { minLength: WHOLE.length }),
      fc.array(fc.constantFrom(...WHOLE), { maxLength: 15 }),
    )
    .chain(([all, again]) =>
      fc.shuffledSubarray([...all, ...again], { minLength: all.length + again.length }),
    );

  const lastOf = (events: any[], whatsappId: string, names: string[]) => {
    const last = events.filter((e) => e.data.whatsappId === whatsappId && names.includes(e.event)).at(-1);
    // A deletion is told by two posts a moment apart; which of them comes first is the one that is passed on.
    return (
      last && [
        last.event,
        last.data.status,
        last.data.message,
        last.event === 'message.deleted' || last.data.timestamp,
      ]
    );
  };

  function expectRising(events: any[]) {
    expect(events.map((e) => e.sequence)).toEqual(events.map((_, i) => i + 1));
    for (const id of new Set(events.map((e) => e.data.whatsappId).filter(Boolean))) {
      const own = events.filter((e) => e.data.whatsappId === id && e.event !== 'message.reaction');
      const steps = own
        .map((e) => FINAL[e.event] ?? 0)
        .filter((step, i) => step > 0 || own[i].event === 'message');
      expect(steps).toEqual([...steps].sort());
      const statuses = own.flatMap((e) => (e.data.status ? [RISE.indexOf(e.data.status)] : []));
      expect(statuses).toEqual([...new Set(statuses)].sort());
    }
  }

  it('a world › told in its order, then shuffled and with repeats › is the same, and its events rise to the same end', async () => {
    const right = await hear(WORLD);
    expectRising(right.events);
    expect(right.truth.phones).toMatchObject([{ status: 'logged_out', reason: 'logged_out_on_phone' }]);
    expect(right.truth.messages).toHaveLength(11);
    expect(
      right.truth.messages.filter((one) => JSON.stringify(one).includes('"lid:298765432109876"')),
    ).toEqual(right.truth.messages.filter((one) => one.from === '+5511966665555'));
    expect(right.truth.members.map(({ address, role }) => [address, role])).toEqual([
      ['+5511900000001', 'owner'],
      ['+5511966665555', 'member'],
      ['+5511988887777', 'admin'],
    ]);
    await fc.assert(
      fc.asyncProperty(orders, async (order) => {
        const { truth, events } = await hear(order.map((i) => WORLD[i]!));
        expect(truth).toEqual(right.truth);
        expectRising(events);
        const ends = [
          ['message.sent', 'message.ack', 'message.failed'],
          ['message.edited', 'message.deleted'],
        ];
        for (const id of ['A1', 'A2', 'T1', 'X1'])
          for (const names of ends)
            expect(lastOf(events, id, names)).toEqual(lastOf(right.events, id, names));
        expect(events.filter((e) => e.event === 'message').length).toBe(10 - 1);
      }),
      { numRuns: 8 },
    );
  });
});
