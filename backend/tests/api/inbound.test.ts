import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newUser, type TestUser } from '../support/client.js';
import { startGateway, type TestGateway } from '../support/gateway.js';
import { placedPhone, textFrom } from '../support/placed.js';

describe('what nodes post', () => {
  let gateway: TestGateway;
  let user: TestUser;
  beforeAll(async () => {
    gateway = await startGateway({ workers: [] });
    user = await newUser(gateway.url);
  });
  afterAll(async () => gateway?.stop());

  const eventsOf = async (phoneId: number) =>
    (await user.api.get('/api/events?limit=100')).body.data.filter((e: any) => e.data.phoneId === phoneId);
  const insertSent = async (phoneId: number, whatsappId: string): Promise<number> => {
    await gateway.database.query(`begin; set local app.user_ids = '{${user.id}}';
      insert into messages (user_id, phone_number_id, direction, source, message_id, chat, from_number, to_number, type, content, status, sequence, due_at)
      values (${user.id}, ${phoneId}, 'out', 'api', '${whatsappId}', '+5511988887777', '+1', '+5511988887777', 'text', 'x', 'sent', 1, now()); commit`);
    return Number(
      (await gateway.database.queryAll('select id from messages where message_id = $1', [whatsappId]))[0]![
        'id'
      ],
    );
  };

  it('wrong secret, other placement, none at all › any post › 401, stored nowhere', async () => {
    const [phone, other] = [await placedPhone(gateway, user), await placedPhone(gateway, user)];
    const body = {
      event: 'messages.upsert',
      data: textFrom('+5511988887777', 'X1', 'hi'),
      date_time: new Date().toISOString(),
    };
    expect((await phone.post(body, 'wrong')).status).toBe(401);
    expect((await phone.post(body, phone.bearer, other.placement)).status).toBe(401);
    expect((await phone.post(body, phone.bearer, 'plc_nowhere')).status).toBe(401);
    const bare = await fetch(`${gateway.inboundUrl}/inbound/${phone.placement}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{}',
    });
    expect(bare.status).toBe(401);
    expect(
      await gateway.database.queryAll(
        `select 1 from messages where message_id = 'X1' union all select 1 from quarantine where placement_id = $1`,
        [phone.placement],
      ),
    ).toEqual([]);
  });

  it('the public listener › asked for the inbound address › does not know it', async () => {
    const phone = await placedPhone(gateway, user);
    const answer = await fetch(`${gateway.url}/inbound/${phone.placement}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${phone.bearer}` },
    });
    expect(answer.status).toBe(404);
  });

  it('one message › posted five times at once › one row, one event', async () => {
    const phone = await placedPhone(gateway, user);
    const answers = await Promise.all(
      Array.from({ length: 5 }, () => phone.say('messages.upsert', textFrom('+5511988887777', 'D1', 'once'))),
    );
    expect(answers.map((a) => a.status)).toEqual([200, 200, 200, 200, 200]);
    expect((await user.api.get(`/api/messages?phoneId=${phone.id}`)).body.data).toHaveLength(1);
    const events = await eventsOf(phone.id);
    expect(events.map((e: any) => e.event)).toEqual(['message']);
    expect(events[0].data).toMatchObject({
      from: '+5511988887777',
      message: 'once',
      senderName: 'Customer One',
      timestamp: expect.stringMatching(/Z$/),
    });
  });

  it.each([1, 2, 3, 4, 5])(
    'acks › in shuffle %s, each three times › read, every time kept, events only rise',
    async (seed) => {
      const phone = await placedPhone(gateway, user);
      const id = await insertSent(phone.id, `ACK${seed}`);
      const acks = ['SERVER_ACK', 'DELIVERY_ACK', 'READ'].flatMap((status) => [status, status, status]);
      const order = acks
        .map((status, i) => ({ status, weight: Math.sin((i + 1) * 7919 * seed) }))
        .sort((a, b) => a.weight - b.weight);
      for (const { status } of order)
        await phone.say('messages.update', {
          keyId: `ACK${seed}`,
          remoteJid: '233148154562373@lid',
          fromMe: true,
          status,
        });
      const { body } = await user.api.get(`/api/messages/${id}`);
      expect(body.status).toBe('read');
      expect(body.timeline.map((t: any) => t.status).sort()).toEqual(['delivered', 'queued', 'read', 'sent']);
      const statuses = (await eventsOf(phone.id)).map((e: any) => e.data.status);
      expect(statuses.at(-1)).toBe('read');
      expect(statuses).toEqual(
        [...new Set(statuses)].sort(
          (a, b) => ['delivered', 'read'].indexOf(a as string) - ['delivered', 'read'].indexOf(b as string),
        ),
      );
    },
  );

  it('an ERROR ack › after a 201 › failed with a remedy, and a later delivery overtakes it', async () => {
    const phone = await placedPhone(gateway, user);
    const id = await insertSent(phone.id, 'ERR1');
    await phone.say('messages.update', { keyId: 'ERR1', fromMe: true, status: 'ERROR' });
    expect((await user.api.get(`/api/messages/${id}`)).body).toMatchObject({
      status: 'failed',
      reason: 'rejected_by_whatsapp',
      remedy: expect.any(String),
    });
    await phone.say('messages.update', { keyId: 'ERR1', fromMe: true, status: 'DELIVERY_ACK' });
    expect((await user.api.get(`/api/messages/${id}`)).body).toMatchObject({
      status: 'delivered',
      reason: null,
    });
  });

  it('regression › a send in doubt to a LID whose number is known › its echo › found by either address', async () => {
    const phone = await placedPhone(gateway, user);
    const both = { remoteJid: '777000777@lid', remoteJidAlt: '5511944443333@s.whatsapp.net' };
    const known = textFrom('+5511944443333', 'KNOWN1', 'hello');
    await phone.say('messages.upsert', { ...known, key: { ...known.key, ...both } });
    const insertInDoubt = (words: string) =>
      gateway.database.query(`begin; set local app.user_ids = '{${user.id}}';
        insert into messages (user_id, phone_number_id, direction, source, chat, from_number, to_number, type, content, status,
                              sequence, due_at)
        values (${user.id}, ${phone.id}, 'out', 'api', 'lid:777000777', '+1', 'lid:777000777', 'text', '${words}', 'unknown',
                1, now()); commit`);
    await insertInDoubt('by LID');
    await insertInDoubt('by number');
    const echo = (id: string, words: string, remoteJid: string) => ({
      ...textFrom('+1', id, words),
      key: { remoteJid, fromMe: true, id },
    });
    await phone.say('send.message', echo('3EB0ECHO1', 'by LID', both.remoteJid));
    await phone.say('send.message', echo('3EB0ECHO2', 'by number', both.remoteJidAlt));
    const sent = (await user.api.get(`/api/messages?phoneId=${phone.id}&direction=out`)).body.data;
    expect(sent.map((one: any) => [one.message, one.status, one.whatsappId]).sort()).toEqual([
      ['by LID', 'sent', '3EB0ECHO1'],
      ['by number', 'sent', '3EB0ECHO2'],
    ]);
  });

  it('regression › an echo that counts in whole seconds › of a message of this second › not sent before it was made', async () => {
    const phone = await placedPhone(gateway, user);
    const id = await insertSent(phone.id, 'EARLY1');
    const second = Math.floor(Date.now() / 1000) - 1;
    const echo = { ...textFrom('+5511988887777', 'EARLY1', 'on its way'), messageTimestamp: second };
    await phone.say('send.message', { ...echo, key: { ...echo.key, fromMe: true } });
    const { timeline, createdAt } = (await user.api.get(`/api/messages/${id}`)).body;
    expect(timeline.find((entry: any) => entry.status === 'sent').at).toBe(createdAt);
  });

  it('a reaction, a group change › posted twice › one event each, in the seed’s names', async () => {
    const phone = await placedPhone(gateway, user);
    const reaction = {
      ...textFrom('+5511988887777', 'R1', ''),
      messageType: 'reactionMessage',
      message: { reactionMessage: { key: { id: 'GONE', fromMe: true }, text: '👍' } },
    };
    const change = {
      id: '120363033523333101@g.us',
      author: '5511900000001@s.whatsapp.net',
      participants: [{ id: '5511966665555@s.whatsapp.net', admin: null }],
      action: 'add',
    };
    const at = new Date();
    for (let i = 0; i < 2; i += 1) {
      await phone.say('messages.upsert', reaction);
      await phone.say('group-participants.update', change, at);
    }
    const events = await eventsOf(phone.id);
    expect(events.map((e: any) => e.event)).toEqual(['message.reaction', 'group.participants']);
    expect(events[0].data).toMatchObject({ reaction: '👍', from: '+5511988887777', whatsappId: 'GONE' });
    expect(events[1].data).toMatchObject({
      group: 'group:120363033523333101',
      action: 'add',
      participants: ['+5511966665555'],
    });
  });

  it('regression › an answer in the second of its question › told in whole seconds › is listed after it', async () => {
    const asker = await newUser(gateway.url);
    const placed = await placedPhone(gateway, asker);
    const to = '+628985550999';
    const draft = { phoneId: placed.id, to, message: 'a question' };
    const { body: question } = await asker.api.post('/api/messages/send', draft);
    const second = Math.floor(new Date(question.createdAt).getTime() / 1000);
    const say = (id: string, words: string, messageTimestamp: number) =>
      placed.say('messages.upsert', { ...textFrom(to, id, words), messageTimestamp });
    await say('TIME-1', 'an answer', second);
    await say('TIME-2', 'and another', second);
    await say('TIME-3', 'of a clock that is ahead', second + 3600);
    await say('TIME-4', 'of an hour ago', second - 3600);
    const { data } = (await asker.api.get('/api/messages')).body;
    expect(data.map(({ message }: any) => message)).toEqual([
      'of a clock that is ahead',
      'and another',
      'an answer',
      'a question',
      'of an hour ago',
    ]);
    for (const { createdAt, updatedAt } of data) {
      expect(new Date(createdAt).getTime()).toBeLessThanOrEqual(Date.now());
      expect(updatedAt >= createdAt).toBe(true);
    }
    const { data: events } = (await asker.api.get('/api/events?after=0')).body;
    const told = events.filter((e: any) => e.event === 'message').map((e: any) => e.data.timestamp);
    expect(told).toEqual([0, 0, 3600, -3600].map((after) => new Date((second + after) * 1000).toISOString()));
  });

  it('what is not understood › posted › 200, kept without the phone’s token', async () => {
    const phone = await placedPhone(gateway, user);
    expect((await phone.say('something.unheard-of', { id: '1' })).status).toBe(200);
    const [row] = await gateway.database.queryAll<{ why: string; body: unknown }>(
      'select why, body from quarantine where placement_id = $1',
      [phone.placement],
    );
    expect(row!.why).toContain('something.unheard-of');
    expect(JSON.stringify(row!.body)).not.toContain('TOKEN-OF-THE-PHONE');
  });

  it('connection facts › late, and of an older generation › change nothing', async () => {
    const phone = await placedPhone(gateway, user);
    const now = Date.now();
    const status = async () => (await user.api.get(`/api/phones/${phone.id}`)).body.status;
    const wuid = `${phone.phoneNumber.slice(1)}@s.whatsapp.net`;
    await phone.say('connection.update', { state: 'open', statusReason: 200, wuid }, new Date(now));
    expect(await status()).toBe('connected');
    await phone.say('connection.update', { state: 'close', statusReason: 401 }, new Date(now - 5000));
    expect(await status()).toBe('connected');
    const newer = await placedPhone(gateway, user, { phoneId: phone.id, generation: 2 });
    await phone.say('connection.update', { state: 'close', statusReason: 401 }, new Date(now + 5000));
    expect(await status()).toBe('connected');
    await phone.say('messages.upsert', textFrom('+5511988887777', 'OLD1', 'from the old place'));
    expect((await user.api.get(`/api/messages?phoneId=${phone.id}`)).body.data).toHaveLength(1);
    await newer.say('connection.update', { state: 'close', statusReason: 401 }, new Date(now + 6000));
    expect(await status()).toBe('logged_out');
    const send = await user.api.post('/api/messages/send', {
      phoneId: phone.id,
      to: '+628987654321',
      message: 'x',
    });
    expect([send.status, send.body.code]).toEqual([409, 'phone_logged_out']);
  });

  it('another number scanned › open › mismatch with its remedy, not a silent success', async () => {
    const phone = await placedPhone(gateway, user);
    await phone.say('connection.update', {
      state: 'open',
      statusReason: 200,
      wuid: '5511900009999@s.whatsapp.net',
    });
    expect((await user.api.get(`/api/phones/${phone.id}`)).body).toMatchObject({
      status: 'mismatch',
      isConnected: false,
      remedy: expect.any(String),
      sessionData: { number: '+5511900009999' },
    });
  });

  it('text with U+0000 and half a pair › posted › stored, without them', async () => {
    const phone = await placedPhone(gateway, user);
    expect(
      (await phone.say('messages.upsert', textFrom('+5511988887777', 'NUL1', 'a\u0000b\ud800c'))).status,
    ).toBe(200);
    expect((await user.api.get(`/api/messages?phoneId=${phone.id}`)).body.data[0].message).toMatch(
      /^a.?b.?c$/,
    );
  });
});
