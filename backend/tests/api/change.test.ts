import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newUser, type TestUser } from '../support/client.js';
import { startGateway, type TestGateway } from '../support/gateway.js';
import { placedPhone, textFrom } from '../support/placed.js';
import { until } from '../support/until.js';

const number = '+628985551234';
const key = (id: string) => ({ remoteJid: '628985551234@s.whatsapp.net', fromMe: false, id });
const edit = (id: string, conversation: string, at: number) => ({
  key: key(id),
  type: 'MESSAGE_EDIT',
  editedMessage: { conversation },
  timestampMs: String(at),
});

describe('edits and deletions, in any order', () => {
  let gateway: TestGateway;
  let user: TestUser;
  beforeAll(async () => {
    gateway = await startGateway({ workers: [] });
    user = await newUser(gateway.url);
  });
  afterAll(async () => gateway?.stop());

  const eventsOf = async (phoneId: number) =>
    (await user.api.get('/api/events?limit=100')).body.data.filter((e: any) => e.data.phoneId === phoneId);
  const only = async (phoneId: number) => {
    const { body } = await user.api.get(`/api/messages?phoneId=${phoneId}`);
    expect(body.data).toHaveLength(1);
    return body.data[0];
  };

  it('every fact three times, shuffled, changes before the message › the last words, one event each', async () => {
    const phone = await placedPhone(gateway, user);
    const t = Date.now();
    const facts: [string, unknown][] = [
      ['messages.edited', { key: key('E1'), type: 'REVOKE' }],
      ['messages.edited', edit('E1', 'third', t + 2)],
      ['messages.upsert', textFrom(number, 'E1', 'first')],
      ['messages.delete', key('E1')],
      ['messages.edited', edit('E1', 'second', t + 1)],
    ];
    for (let round = 0; round < 3; round += 1)
      for (const [event, data] of facts) expect((await phone.say(event, data)).status).toBe(200);
    expect(await only(phone.id)).toMatchObject({
      message: 'third',
      editedAt: expect.any(String),
      deletedAt: expect.any(String),
    });
    const told = (await eventsOf(phone.id)).map((e: any) => e.event);
    expect(told.filter((name: string) => name === 'message')).toHaveLength(1);
  });

  it('a message › edited twice, the second told first › keeps the later words', async () => {
    const phone = await placedPhone(gateway, user);
    const t = Date.now();
    await phone.say('messages.upsert', textFrom(number, 'E2', 'one'));
    await phone.say('messages.edited', edit('E2', 'three', t + 2));
    await phone.say('messages.edited', edit('E2', 'two', t + 1));
    expect((await only(phone.id)).message).toBe('three');
    const edits = (await eventsOf(phone.id)).filter((e: any) => e.event === 'message.edited');
    expect(edits.map((e: any) => e.data.message)).toEqual(['three']);
  });

  it('changes of what is not here › told after a while, once, without a message of ours', async () => {
    const housed = await startGateway({ workers: ['housekeeping'], env: { HOUSEKEEPING: '0.1' } });
    try {
      const owner = await newUser(housed.url);
      const phone = await placedPhone(housed, owner);
      await phone.say('messages.delete', key('E3'));
      await phone.say('messages.edited', { key: key('E3'), type: 'REVOKE' });
      await phone.say('messages.edited', edit('E5', 'words', Date.now()));
      const told = async () => (await owner.api.get('/api/events?limit=100')).body.data as any[];
      expect(await told()).toEqual([]);
      await housed.database.query(`begin; set local app.user_ids = '{${owner.id}}';
        update parked_changes set since = now() - interval '61 seconds'; commit`);
      const events = await until('told', async () => ((await told()).length >= 2 ? told() : null));
      expect(
        events.map((e: any) => [e.event, e.data.messageId, e.data.whatsappId, e.data.direction]),
      ).toEqual([
        ['message.deleted', null, 'E3', 'in'],
        ['message.edited', null, 'E5', 'in'],
      ]);
      // Should the message come after all, it is told with what became of it.
      await phone.say('messages.upsert', textFrom(number, 'E5', 'first'));
      const later = (await told()).slice(2);
      expect(later.map((e: any) => [e.event, e.data.message])).toEqual([
        ['message', 'words'],
        ['message.edited', 'words'],
      ]);
      expect(later[1].data.messageId).toBe(later[0].data.messageId);
    } finally {
      await housed.stop();
    }
  });

  it('history and other news under the same name › change nothing, and are not kept as not understood', async () => {
    const phone = await placedPhone(gateway, user);
    await phone.say('messages.edited', { type: 'HISTORY_SYNC_NOTIFICATION', historySyncNotification: {} });
    await phone.say('messages.edited', { key: key('E4'), type: 'EPHEMERAL_SETTING' });
    expect(await eventsOf(phone.id)).toEqual([]);
    const kept = await gateway.database.queryAll(`select 1 from quarantine where phone_id = ${phone.id}`);
    expect(kept).toEqual([]);
  });
});
