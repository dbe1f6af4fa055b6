import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newPhone, newUser, settled, type TestUser } from '../support/client.js';
import { startGateway, type TestGateway } from '../support/gateway.js';
import { startNodes, type TestNodes } from '../support/nodes.js';
import { until } from '../support/until.js';

type Phone = Awaited<ReturnType<typeof newPhone>>;

describe('messages out', () => {
  let nodes: TestNodes;
  let gateway: TestGateway;
  let user: TestUser;
  let phones: Phone[];
  beforeAll(async () => {
    nodes = await startNodes(2);
    gateway = await startGateway({
      env: { EVOLUTION_NODES: nodes.list(), SEND_TIMEOUT: '2', UNKNOWN_HOLD: '1' },
    });
    user = await newUser(gateway.url);
    phones = await Promise.all([newPhone(user), newPhone(user)]);
  });
  afterAll(async () => {
    await gateway?.stop();
    await nodes?.stop();
  });

  const send = async (to: string, message: string, phone = phones[0]!) => {
    const { status, body } = await user.api.post('/api/messages/send', { phoneId: phone.id, to, message });
    expect(status).toBe(202);
    return body.id as number;
  };
  const received = async (text: string) =>
    (await nodes.ledger()).filter((entry) => JSON.stringify(entry).includes(text));

  it('two phones › placed › on one node each', async () => {
    const rows = await gateway.database.queryAll('select distinct node_id from placements');
    expect(rows).toHaveLength(2);
  });

  it('a number that is not on WhatsApp › sent to › failed, with its reason, and never in the network', async () => {
    const id = await send('+628981110404', 'to nobody');
    expect(await settled(user, id, ['failed'])).toMatchObject({
      reason: 'not_on_whatsapp',
      remedy: expect.any(String),
    });
    expect(await received('to nobody')).toEqual([]);
  });

  it('a node that answers 500 and has sent › unknown › never a second time by us', async () => {
    const id = await send('+628981110501', 'five-oh-one');
    expect(await settled(user, id, ['unknown'])).toMatchObject({ reason: 'answer_unclear' });
    const after = await send('+628981115555', 'after the doubt');
    await settled(user, after, ['read']);
    expect(await received('five-oh-one')).toHaveLength(1);
  });

  it('an answer that never comes › sent once › unknown, its chat held, then the chat goes on', async () => {
    const id = await send('+628981110408', 'no answer');
    const held = await send('+628981110408', 'behind it');
    expect(await settled(user, id, ['unknown'])).toMatchObject({ reason: 'answer_lost' });
    await settled(user, held, ['unknown', 'sent', 'delivered', 'read']);
    expect(await received('no answer')).toHaveLength(1);
    expect(await received('behind it')).toHaveLength(1);
  });

  it.each([
    ['0001', ['sent']],
    ['0002', ['delivered']],
    ['0013', ['read', 'delivered']],
    ['9999', ['read']],
  ])('a contact …%s › sent to › rises to %j', async (digits, statuses) => {
    const id = await send(`+62898111${digits}`, `to ${digits}`);
    await settled(user, id, statuses as string[]);
    expect(await received(`"to ${digits}"`)).toHaveLength(1);
  });

  it('two hundred messages accepted › FLUSHALL at once › each in the network exactly once, in order per chat', async () => {
    const chats = ['+628982220001', '+628982230001', '+628982240001', '+628982250001'];
    const jobs = Array.from({ length: 200 }, (_, i) => ({
      to: chats[i % 4]!,
      phone: phones[Math.floor(i / 4) % 2]!,
      text: `flush-${String(i).padStart(3, '0')}`,
    }));
    for (const job of jobs) await send(job.to, job.text, job.phone);
    const { Redis } = await import('ioredis');
    const redis = new Redis(gateway.redis.url);
    await redis.flushall();
    redis.disconnect();
    const entries = await until(
      'all are in the ledger',
      async () => {
        const all = await received('flush-');
        return all.length >= 200 ? all : null;
      },
      60_000,
    );
    const texts = entries.map((entry) => /flush-\d{3}/.exec(JSON.stringify(entry))![0]);
    expect([...texts].sort()).toEqual(jobs.map((job) => job.text));
    for (const chat of chats) {
      for (const phone of phones) {
        const wanted = jobs.filter((job) => job.to === chat && job.phone === phone).map((job) => job.text);
        expect(texts.filter((text) => wanted.includes(text))).toEqual(wanted);
      }
    }
  });

  it('one node killed › the other’s phone sends, health tells which, and when it is back its phone sends again without a QR', async () => {
    const rows = await gateway.database.queryAll<{ phone_id: string; name: string }>(
      'select p.phone_id, n.name from placements p join nodes n on n.id = p.node_id',
    );
    const nodeOf = (phone: Phone) =>
      nodes.nodes.find((node) => node.name === rows.find((row) => Number(row.phone_id) === phone.id)!.name)!;
    const [dead, alive] = [phones[0]!, phones[1]!];
    await nodeOf(dead).kill();
    await settled(user, await send('+628983330009', 'from the living', alive), ['read']);
    const waiting = await send('+628983330009', 'from the dead', dead);
    await until('health tells', async () => {
      const { body } = await user.api.get('/health');
      return (
        body.status === 'degraded' &&
        body.nodes.find((n: any) => n.name === nodeOf(dead).name).status === 'down'
      );
    });
    await until(
      'the phone says so',
      async () => (await user.api.get(`/api/phones/${dead.id}`)).body.status === 'node_down',
    );
    await settled(user, waiting, ['queued']);
    await nodeOf(dead).start();
    await settled(user, waiting, ['read']);
    expect(await received('from the dead')).toHaveLength(1);
    const qr = (await user.api.get('/api/events?limit=100')).body.data.filter(
      (e: any) => e.event === 'phone.qr' && e.data.phoneId === dead.id,
    );
    expect(qr.length).toBeLessThanOrEqual(2);
  });
});
