import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newUser } from '../support/client.js';
import { startGateway, type TestGateway } from '../support/gateway.js';
import { placedPhone, textFrom } from '../support/placed.js';
import { until } from '../support/until.js';

describe('housekeeping', () => {
  let gateway: TestGateway;
  beforeAll(async () => {
    gateway = await startGateway({ workers: ['housekeeping'], env: { HOUSEKEEPING: '0.1' } });
  });
  afterAll(async () => gateway?.stop());

  it('keys, acks and facts of several users › past their time › go, and the others stay', async () => {
    for (let i = 0; i < 2; i += 1) {
      const user = await newUser(gateway.url);
      const phone = await placedPhone(gateway, user);
      const send = (key: string) =>
        user.api.post(
          '/api/messages/send',
          { phoneId: phone.id, to: '+628981110000', message: key },
          { 'idempotency-key': key },
        );
      await send('old');
      await send('new');
      await phone.say('messages.upsert', textFrom('+5511988887777', `OLD${i}`, 'x'));
      await phone.say('messages.update', { keyId: `PARKED${i}`, fromMe: true, status: 'READ' });
      await gateway.database.query(`begin; set local app.user_ids = '{${user.id}}';
        update idempotency_keys set expires_at = now() - interval '1 second' where key = 'old';
        update parked_acks set at = now() - interval '2 days';
        update inbound_facts set received_at = now() - interval '31 days'; commit`);
      await phone.say('messages.upsert', textFrom('+5511988887777', `NEW${i}`, 'x'));
    }
    const left = () =>
      gateway.database.queryAll(`
        select (select array_agg(distinct key) from idempotency_keys) as keys, (select count(*)::int from parked_acks) as acks,
               (select array_agg(key order by key) from inbound_facts) as facts`);
    await until('cleared', async () => (await left())[0]!['acks'] === 0);
    await until(
      'all cleared',
      async () =>
        (await gateway.database.queryAll(`select 1 from idempotency_keys where key = 'old'`)).length === 0,
    );
    expect(await left()).toEqual([
      { keys: ['new'], acks: 0, facts: ['message:NEW0:false', 'message:NEW1:false'] },
    ]);
  });
});
