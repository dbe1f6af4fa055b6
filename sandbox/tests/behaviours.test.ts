import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { someNumber, startWorld, type TestNode, type World } from './support/node.js';
import { until } from './support/until.js';

let world: World;
let node: TestNode;
let own: string;

const statuses = (keyId: string): string[] =>
  world.heard('p', 'messages.update', (data) => data.keyId === keyId).map(({ status }) => status);

/** What the network took from `p` for this number. */
const taken = (number: string): Promise<any[]> => node.ledger(`to=${number}&kind=message`);

/** Sends to a usual recipient and waits until it is read: whatever was going to be reported before has been by then. */
const settle = async (): Promise<void> => {
  const { body } = await node.text('p', someNumber('5555'), 'settle');
  await until('the later message is read', () => statuses(body.key.id).includes('READ'));
};

beforeAll(async () => {
  world = await startWorld();
  node = await world.node('node-1');
  own = await world.pair(node, 'p');
});
afterAll(() => world.stop());

describe('recipients by their last four digits', () => {
  it('any other › is sent to › delivered, then read, and no SERVER_ACK', async () => {
    const { status, body } = await node.text('p', someNumber('5555'), 'hello');
    expect(status).toBe(201);
    await until('both acks', () => statuses(body.key.id).length === 2);
    await settle();
    // Webhooks are not awaited: which of the two arrives first is open.
    expect(statuses(body.key.id).sort()).toEqual(['DELIVERY_ACK', 'READ']);
  });

  it('0404 › is sent to › 400 with exists: false, and nothing reaches the network', async () => {
    const number = someNumber('0404');
    const { status, body } = await node.text('p', number, 'hello');
    expect(status).toBe(400);
    expect(body.response.message).toEqual([{ jid: `${number}@s.whatsapp.net`, exists: false, number }]);
    expect(await taken(number)).toEqual([]);
  });

  it('0500 › is sent to › 500, and nothing reaches the network', async () => {
    const number = someNumber('0500');
    expect((await node.text('p', number, 'hello')).status).toBe(500);
    expect(await taken(number)).toEqual([]);
  });

  it('0501 › is sent to › the same 500, but sent; no row, no echo, no ack', async () => {
    const number = someNumber('0501');
    const other = await node.text('p', someNumber('0500'), 'hello');
    const { status, body } = await node.text('p', number, 'hello');
    expect([status, body]).toEqual([other.status, other.body]);
    const [entry, ...more] = await taken(number);
    expect(more).toEqual([]);
    await settle();
    expect(statuses(entry.messageId)).toEqual([]);
    expect(world.heard('p', 'send.message', (data) => data.key.id === entry.messageId)).toEqual([]);
    expect(
      await world.database.query(`select id from "Message" where key->>'id' = $1`, [entry.messageId]),
    ).toEqual([]);
  });

  it('0408 › is sent to › sent, never answered; no row, no echo, no ack', async () => {
    const number = someNumber('0408');
    const waiting = node.text('p', number, 'hello', { signal: AbortSignal.timeout(800) });
    await expect(waiting).rejects.toThrow(/abort|timeout/i);
    const [entry] = await until('the network has it', async () => (await taken(number)).slice(0, 1));
    await settle();
    expect(statuses(entry.messageId)).toEqual([]);
    expect(world.heard('p', 'send.message', (data) => data.key.id === entry.messageId)).toEqual([]);
  });

  it('0001 › is sent to › 201 and never an ack', async () => {
    const { status, body } = await node.text('p', someNumber('0001'), 'hello');
    expect(status).toBe(201);
    await settle();
    expect(statuses(body.key.id)).toEqual([]);
  });

  it('0002 › is sent to › delivered, never read', async () => {
    const { body } = await node.text('p', someNumber('0002'), 'hello');
    await until('it is delivered', () => statuses(body.key.id).length > 0);
    await settle();
    expect(statuses(body.key.id)).toEqual(['DELIVERY_ACK']);
  });

  it('0007 › is sent to › read, then answers with an echo that the network took too', async () => {
    const number = someNumber('0007');
    const { body } = await node.text('p', number, 'are you there?');
    const answer = await world.hear('p', 'messages.upsert', (data) => data.key.remoteJid.startsWith(number));
    expect(answer.message).toEqual({ conversation: 'echo: are you there?' });
    expect(answer.key.fromMe).toBe(false);
    await until('it is read', () => statuses(body.key.id).includes('READ'));
    const [entry] = await node.ledger(`from=${number}`);
    expect(entry).toMatchObject({ to: own, text: 'echo: are you there?', messageId: answer.key.id });
  });

  it('0012 › is sent to › takes its time before the network has it', async () => {
    const number = someNumber('0012');
    const sending = node.text('p', number, 'hello');
    expect(await taken(number)).toEqual([]);
    const { status, ms } = await sending;
    expect(status).toBe(201);
    expect(ms).toBeGreaterThanOrEqual(700);
    expect(await taken(number)).toHaveLength(1);
  });

  it('0013 › is sent to › the ack is at the receiver before the answer', async () => {
    const { body } = await node.text('p', someNumber('0013'), 'hello');
    expect(statuses(body.key.id)).toContain('DELIVERY_ACK');
  });

  it('0403 › is added to a group › refused with 403', async () => {
    const [member, shy] = [someNumber('5555'), someNumber('0403')];
    const { body: group } = await node.post('/group/create/p', { subject: 'g', participants: [member] });
    const path = `/group/updateParticipant/p?groupJid=${group.id}`;
    const { body } = await node.post(path, { action: 'add', participants: [shy] });
    expect(body.updateParticipants).toMatchObject([{ status: '403', jid: `${shy}@s.whatsapp.net` }]);
  });

  it('digits of a behaviour › on a number with a linked device › the device decides', async () => {
    const number = someNumber('0404');
    await world.pair(node, 'linked', { number });
    const { status } = await node.text('p', number, 'to a device');
    expect(status).toBe(201);
    expect(await world.hear('linked', 'messages.upsert')).toMatchObject({
      message: { conversation: 'to a device' },
    });
  });
});

describe('acks', () => {
  it("the owner's phone › comes online › sends get their SERVER_ACK", async () => {
    await node.post('/sandbox/accounts', { number: own, online: true });
    const { body } = await node.text('p', someNumber('0001'), 'hello');
    await until('the SERVER_ACK', () => statuses(body.key.id).includes('SERVER_ACK'));
    await node.post('/sandbox/accounts', { number: own, online: false });
  });

  it("owners' phones › online from the start by a setting › a paired number has its SERVER_ACK", async () => {
    const online = await world.node('node-online', { SANDBOX_OWNER_ONLINE: 'true' });
    await world.pair(online, 'online');
    const { body } = await online.text('online', someNumber('0001'), 'hello');
    await world.hear(
      'online',
      'messages.update',
      ({ keyId, status }) => keyId === body.key.id && status === 'SERVER_ACK',
    );
    await online.kill();
  });

  it('an ack › from the control endpoint › is reported, once', async () => {
    const number = someNumber('0001');
    const { body } = await node.text('p', number, 'hello');
    const ack = { to: own, from: number, type: 'ack', target: body.key.id, status: 'ERROR' };
    await node.post('/sandbox/inbound', ack);
    await node.post('/sandbox/inbound', ack);
    await until('the ERROR', () => statuses(body.key.id).includes('ERROR'));
    await settle();
    expect(statuses(body.key.id)).toEqual(['ERROR']);
  });

  it('an ack › for a message without a row › is passed over', async () => {
    const number = someNumber('5555');
    await node.post('/sandbox/inbound', { to: own, from: number, type: 'ack', target: '3EB0NOTHERE' });
    await settle();
    expect(statuses('3EB0NOTHERE')).toEqual([]);
  });

  it('findMessages › by key id › shows the row with its statuses', async () => {
    const { body } = await node.text('p', someNumber('5555'), 'find me');
    await until('it is read', () => statuses(body.key.id).includes('READ'));
    const found = await until('both statuses are stored', async () => {
      const answer = await node.post('/chat/findMessages/p', { where: { key: { id: body.key.id } } });
      const [record] = answer.body.messages.records;
      return record?.MessageUpdate.length === 2 && answer.body.messages;
    });
    expect(found).toMatchObject({ total: 1, pages: 1, currentPage: 1 });
    expect(found.records[0]).toMatchObject({ key: body.key, message: { conversation: 'find me' } });
  });
});
