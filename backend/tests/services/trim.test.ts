import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { io } from 'socket.io-client';
import { newUser } from '../support/client.js';
import { startGateway, type TestGateway } from '../support/gateway.js';
import { placedPhone, textFrom } from '../support/placed.js';
import { until } from '../support/until.js';

describe('old events', () => {
  let gateway: TestGateway;
  beforeAll(async () => {
    gateway = await startGateway({
      workers: ['housekeeping'],
      env: { HOUSEKEEPING: '0.1', EVENTS_KEPT_DAYS: '10' },
    });
  });
  afterAll(async () => gateway?.stop());

  it('past their days › go, but for what waits to be delivered and all after it; readers are told that they are gone', async () => {
    const user = await newUser(gateway.url);
    // Nobody delivers here, so whatever is owed waits.
    const phones = [
      await placedPhone(gateway, user),
      await placedPhone(gateway, user, { webhookUrl: 'http://127.0.0.1:9/hook' }),
    ];
    for (let i = 1; i <= 8; i += 1)
      await phones[i === 5 ? 1 : 0]!.say('messages.upsert', textFrom('+5511988887777', `T${i}`, `T${i}`));
    const inReach = `begin; set local app.user_ids = '{${user.id}}';`;
    await gateway.database.query(`${inReach}
      update events set created_at = now() - interval '11 days' where sequence <= 7; commit`);
    const page = async (after: number) => user.api.get(`/api/events?after=${after}`);
    await until('the first four went', async () => (await page(4)).body.oldestSequence === 5);
    expect((await page(4)).body.data.map((e: any) => e.sequence)).toEqual([5, 6, 7, 8]);
    const gone = await page(3);
    expect([gone.status, gone.body.code]).toEqual([410, 'events_gone']);

    await gateway.database.query(`${inReach} update deliveries set state = 'delivered'; commit`);
    await until('the others went', async () => (await page(7)).body.oldestSequence === 8);
    expect((await page(0)).status).toBe(410);
    expect((await page(7)).body.data.map((e: any) => e.sequence)).toEqual([8]);

    const socket = io(gateway.url, {
      auth: { token: user.token, lastSequence: 2 },
      transports: ['websocket'],
      reconnection: false,
    });
    const heard: any[] = [];
    socket.onAny((name, what) => heard.push([name, what]));
    await until('told', () => heard.length > 0);
    expect(heard).toEqual([['resync', { lastSequence: 8 }]]);
    socket.close();
  });
});
