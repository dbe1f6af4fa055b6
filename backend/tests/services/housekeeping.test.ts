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

  it('messages › past the days they are kept › go with all that hangs on them, but none that waits', async () => {
    const kept = await startGateway({
      workers: ['housekeeping', 'notes'],
      env: { HOUSEKEEPING: '0.1', MESSAGES_KEPT_DAYS: '30' },
    });
    try {
      const users = await Promise.all([newUser(kept.url), newUser(kept.url)]);
      const stored: Record<string, number> = {};
      for (const [i, user] of users.entries()) {
        const phone = await placedPhone(kept, user);
        const make = async (name: string, to: string, status: string, days: number) => {
          const { body } = await user.api.post('/api/messages/send', {
            phoneId: phone.id,
            to,
            message: name,
          });
          stored[`${name} ${i}`] = body.id;
          await kept.database.query(`begin; set local app.user_ids = '{${user.id}}';
            insert into message_timeline (user_id, message_id, status, at) values (${user.id}, ${body.id}, 'queued', now());
            update messages set status = '${status}' where id = ${body.id}; commit`);
          return `update messages set created_at = now() - interval '${days} days' where id = ${body.id};`;
        };
        const ages = [
          await make('delivered', '+628981110001', 'delivered', 31),
          await make('waits', '+628981110002', 'queued', 31),
          await make('spoken after it', '+628981110002', 'failed', 31),
          await make('young', '+628981110003', 'read', 29),
        ];
        await until('noted', async () => {
          const { body } = await user.api.get(`/api/phones/${phone.id}/chats`);
          return body.data.length === 3;
        });
        await kept.database.query(`begin; set local app.user_ids = '{${user.id}}'; ${ages.join('')}
          update chats c set last_at = m.created_at from messages m where m.id = c.last_message_id; commit`);
      }
      const names = async (text: string) =>
        (await kept.database.queryAll<{ id: number }>(text))
          .map(({ id }) => Object.entries(stored).find(([, known]) => known === Number(id))![0])
          .sort();
      await until('removed', async () => (await names('select id from messages')).length === 4);
      expect(await names('select id from messages')).toEqual(['waits 0', 'waits 1', 'young 0', 'young 1']);
      expect(await names('select message_id as id from message_timeline')).toEqual([
        'waits 0',
        'waits 1',
        'young 0',
        'young 1',
      ]);
      await until(
        'chats follow',
        async () => (await names('select last_message_id as id from chats')).length === 4,
      );
      // The chat whose last message went has the one that waits as its last; the empty one is gone.
      expect(await names('select last_message_id as id from chats')).toEqual([
        'waits 0',
        'waits 1',
        'young 0',
        'young 1',
      ]);
      expect((await users[0]!.api.get('/api/messages?text=delivered')).body.data).toEqual([]);
    } finally {
      await kept.stop();
    }
  });
});
