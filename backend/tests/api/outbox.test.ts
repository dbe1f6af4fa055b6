import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newPhone, newUser, settled, type TestUser } from '../support/client.js';
import { startGateway, type TestGateway } from '../support/gateway.js';
import { startNodes, type TestNodes } from '../support/nodes.js';
import { until } from '../support/until.js';

describe('what waits to go out', () => {
  let nodes: TestNodes;
  let gateway: TestGateway;
  let user: TestUser;
  let phone: { id: number };
  beforeAll(async () => {
    nodes = await startNodes(1);
    gateway = await startGateway({
      env: {
        EVOLUTION_NODES: nodes.list(),
        SEND_TIMEOUT: '1',
        UNKNOWN_HOLD: '0.5',
        ACK_AFTER: '1',
        HOUSEKEEPING: '0.3',
      },
      workers: ['messages', 'deliveries', 'nodes', 'housekeeping'],
    });
    user = await newUser(gateway.url);
    phone = await newPhone(user);
  });
  afterAll(async () => {
    await gateway?.stop();
    await nodes?.stop();
  });

  const send = (to: string, message: string, more: object = {}) =>
    user.api.post('/api/messages/send', { phoneId: phone.id, to, message, ...more });
  const accepted = async (to: string, message: string, more: object = {}) => {
    const { status, body } = await send(to, message, more);
    expect([status, body.errors]).toEqual([202, undefined]);
    return body as { id: number; status: string; sendAt: string | null };
  };
  const find = async (id: number) => (await user.api.get(`/api/messages/${id}`)).body;
  const received = async (text: string) =>
    (await nodes.ledger()).filter((entry) => JSON.stringify(entry).includes(text));
  const events = async (type: string, messageId: number) =>
    (await user.api.get('/api/events?limit=100')).body.data.filter(
      (event: any) => event.event === type && event.data.messageId === messageId,
    );
  const inMs = (ms: number) => new Date(Date.now() + ms).toISOString();

  describe('a time to send at', () => {
    it('in the future › scheduled, then sent, not before', async () => {
      const at = inMs(1200);
      const message = await accepted('+628981119999', 'at its time', { sendAt: at });
      expect(message).toMatchObject({ status: 'scheduled', sendAt: at });
      const sent = await settled(user, message.id, ['sent', 'delivered', 'read']);
      const [entry] = await received('at its time');
      expect(entry).toBeDefined();
      const first = sent.timeline.find(({ status }: any) => status === 'sent');
      expect(new Date(first.at).getTime()).toBeGreaterThanOrEqual(new Date(at).getTime());
      expect(sent.timeline[0].status).toBe('scheduled');
    });

    it('with an offset, in the past › sent at once, shown in UTC', async () => {
      const message = await accepted('+628981119999', 'long due', { sendAt: '2026-01-01T09:00:00+07:00' });
      expect(message).toMatchObject({ status: 'queued', sendAt: '2026-01-01T02:00:00.000Z' });
      await settled(user, message.id, ['read']);
    });

    it.each([
      [{ sendAt: '2026-11-23 10:00' }, '/sendAt', 'offset'],
      [{ sendAt: 'tomorrow' }, '/sendAt', 'offset'],
      [{ sendAt: inMs(400 * 86_400_000) }, '/sendAt', 'a year'],
      [{ expiresAt: '2020-01-01T00:00:00Z' }, '/expiresAt', 'future'],
      [{ sendAt: inMs(60_000), expiresAt: inMs(30_000) }, '/expiresAt', 'after sendAt'],
      [{ priority: 'urgent' }, '/priority', 'high'],
      [{ priority: 1 }, '/priority', 'high'],
      [{ onUnknown: 'retry' }, '/onUnknown', 'keep'],
    ])('%j › is refused, naming %s', async (more, pointer, words) => {
      const { status, body } = await send('+628981119999', 'never', more);
      expect([status, body.errors[0].pointer]).toEqual([400, pointer]);
      expect(body.errors[0].detail).toContain(words);
    });
  });

  describe('cancelling', () => {
    it('a message that waits › never leaves, and its chat goes on', async () => {
      const later = await accepted('+628981119998', 'taken back', { sendAt: inMs(60_000) });
      const { status, body } = await user.api.post(`/api/messages/${later.id}/cancel`);
      expect([status, body.status]).toEqual([200, 'cancelled']);
      expect(await events('message.cancelled', later.id)).toHaveLength(1);
      const next = await accepted('+628981119998', 'after it');
      await settled(user, next.id, ['read']);
      expect(await received('taken back')).toEqual([]);
      const again = await user.api.post(`/api/messages/${later.id}/cancel`);
      expect([again.status, again.body.code]).toEqual([409, 'not_cancellable']);
    });

    it('a message that was sent › 409, and it stays sent', async () => {
      const { id } = await accepted('+628981119997', 'gone already');
      await settled(user, id, ['read']);
      const { status, body } = await user.api.post(`/api/messages/${id}/cancel`);
      expect([status, body.code]).toEqual([409, 'not_cancellable']);
      expect((await find(id)).status).toBe('read');
    });
  });

  describe('a pause', () => {
    it('of the phone › messages are accepted and wait › and go out in order when it is resumed', async () => {
      const paused = await user.api.post(`/api/phones/${phone.id}/pause`);
      expect([paused.status, paused.body.isPaused]).toEqual([200, true]);
      const ids = [];
      for (const text of ['paused 1', 'paused 2']) ids.push((await accepted('+628981119996', text)).id);
      const other = await accepted('+628981119995', 'to be taken back');
      await user.api.post(`/api/messages/${other.id}/cancel`);
      expect(await received('paused')).toEqual([]);
      const resumed = await user.api.post(`/api/phones/${phone.id}/resume`);
      expect(resumed.body.isPaused).toBe(false);
      for (const id of ids) await settled(user, id, ['read']);
      const texts = (await received('paused')).map((entry) => /paused \d/.exec(JSON.stringify(entry))![0]);
      expect(texts).toEqual(['paused 1', 'paused 2']);
    });

    it('a message that expires in it › expired, with its event, and nothing leaves', async () => {
      await user.api.post(`/api/phones/${phone.id}/pause`);
      const { id } = await accepted('+628981119994', 'too late', { expiresAt: inMs(300) });
      expect(await settled(user, id, ['expired'])).toMatchObject({ reason: 'not_sent_in_time' });
      await user.api.post(`/api/phones/${phone.id}/resume`);
      const again = await user.api.post(`/api/messages/${id}/resend`);
      expect([again.status, again.body.status]).toEqual([202, 'queued']);
      await settled(user, id, ['read']);
      expect(await received('too late')).toHaveLength(1);
    });
  });

  it('regression › many messages of a chat that expire in a pause › all are expired at once, not one a sweep', async () => {
    await user.api.post(`/api/phones/${phone.id}/pause`);
    const expiresAt = inMs(5000);
    const ids = await Promise.all(
      Array.from({ length: 40 }, async (_, n) => {
        const { id } = await accepted('+628981119993', `late ${n}`, { expiresAt });
        return id;
      }),
    );
    const list = async () =>
      (await user.api.get('/api/messages?status=expired&chat=%2B628981119993&limit=100')).body.data.length;
    await until('the first is expired', async () => (await list()) > 0);
    // One message a sweep would take 8 s here.
    await until('all are', async () => (await list()) === ids.length, 6000);
    await user.api.post(`/api/phones/${phone.id}/resume`);
  });

  describe('how a phone sends', () => {
    const patch = (sending: object) => user.api.call('PATCH', `/api/phones/${phone.id}`, { sending });

    it('changed field by field › the others stay, and all is shown', async () => {
      const first = await patch({ timezone: 'Asia/Jakarta', perMinute: 600, jitter: 0.2 });
      expect([first.status, first.body.sending]).toEqual([
        200,
        {
          timezone: 'Asia/Jakarta',
          quietHours: null,
          perMinute: 600,
          jitter: 0.2,
          recipientGap: 0,
          warmUp: null,
        },
      ]);
      const second = await patch({ warmUp: { perDay: [50, 100] }, perMinute: null });
      expect(second.body.sending).toMatchObject({
        timezone: 'Asia/Jakarta',
        perMinute: null,
        warmUp: { perDay: [50, 100], from: expect.stringMatching(/^\d{4}-\d\d-\d\d$/) },
      });
      const { id } = await accepted('+628981119993', 'within the warm-up');
      await settled(user, id, ['read']);
      expect((await patch({ warmUp: null, jitter: 0, timezone: 'UTC' })).body.sending.warmUp).toBeNull();
    });

    it.each([
      [{ timezone: 'Mars/Olympus' }, 422, '/sending/timezone'],
      [{ quietHours: { from: '25:00', to: '07:00' } }, 400, '/sending/quietHours/from'],
      [{ quietHours: { from: '21:00' } }, 400, '/sending/quietHours/to'],
      [{ perMinute: 0 }, 400, '/sending/perMinute'],
      [{ jitter: 2 }, 400, '/sending/jitter'],
      [{ warmUp: { perDay: [] } }, 400, '/sending/warmUp/perDay'],
      [{ speed: 9 }, 400, '/sending/speed'],
    ])('%j › %i, naming %s', async (sending, wanted, pointer) => {
      const { status, body } = await patch(sending);
      expect([status, body.errors[0].pointer]).toEqual([wanted, pointer]);
    });
  });

  describe('doubt', () => {
    it('resend of an unknown message › a new try under the same message', async () => {
      const { id } = await accepted('+628981110500', 'refused at first');
      const doubted = await settled(user, id, ['unknown']);
      expect(doubted.attempts).toBe(1);
      const { status, body } = await user.api.post(`/api/messages/${id}/resend`);
      expect([status, body.status]).toEqual([202, 'queued']);
      await until('the second try', async () => {
        const { attempts, status: now } = await find(id);
        return attempts === 2 && now === 'unknown';
      });
    });

    it('resend of a message that was sent › 409', async () => {
      const { id } = await accepted('+628981119992', 'fine');
      await settled(user, id, ['read']);
      const { status, body } = await user.api.post(`/api/messages/${id}/resend`);
      expect([status, body.code]).toEqual([409, 'not_resendable']);
    });

    it('onUnknown: resend › tried up to three times, then it stays unknown; each doubt is told', async () => {
      const { id } = await accepted('+628981110500', 'rather twice than never', { onUnknown: 'resend' });
      await until('three tries', async () => {
        const message = await find(id);
        return message.attempts === 3 && message.status === 'unknown';
      });
      expect(await events('message.unknown', id)).toHaveLength(3);
      expect(await received('rather twice than never')).toEqual([]);
    });

    it('a doubted message that is taken back › is unknown again: an earlier try may have gone out', async () => {
      const { id } = await accepted('+628981110501', 'sent, yet refused');
      await settled(user, id, ['unknown']);
      await user.api.post(`/api/phones/${phone.id}/pause`);
      await user.api.post(`/api/messages/${id}/resend`);
      const { status, body } = await user.api.post(`/api/messages/${id}/cancel`);
      expect([status, body.status, body.reason]).toEqual([200, 'unknown', 'answer_lost']);
      await user.api.post(`/api/phones/${phone.id}/resume`);
      expect(await received('sent, yet refused')).toHaveLength(1);
    });
  });

  it('no ack for long › its owner is told once, and the message stays sent', async () => {
    const { id } = await accepted('+628981110001', 'to one who is offline');
    await settled(user, id, ['sent']);
    await until('it is told', async () => (await events('message.overdue', id)).length === 1);
    const next = await accepted('+628981110001', 'to one who is offline still');
    await until('the next is told', async () => (await events('message.overdue', next.id)).length === 1);
    expect(await events('message.overdue', id)).toHaveLength(1);
    expect((await find(id)).status).toBe('sent');
  });
});
