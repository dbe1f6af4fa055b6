import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createNode, someNumber, startWorld, type TestNode, type World } from './support/node.js';
import { until } from './support/until.js';

let world: World;
let node: TestNode;
let own: string;

beforeAll(async () => {
  world = await startWorld();
  node = await world.node('node-1', { SANDBOX_SCAN_MS: '60', SANDBOX_QR_MS: '200' });
  own = await world.pair(node, 'p');
});
afterAll(() => world.stop());

describe('POST /sandbox/inbound', () => {
  const heard = (id: string) => world.hear('p', 'messages.upsert', ({ key }) => key.id === id);

  it.each([
    'text',
    'image',
    'video',
    'audio',
    'document',
    'sticker',
    'location',
    'contact',
    'poll',
    'listResponse',
    'buttonsResponse',
  ])('%s › from a contact › arrives, is stored, and is in the ledger', async (type) => {
    const from = someNumber();
    const { status, body } = await node.post('/sandbox/inbound', { to: own, from, type, text: 'words' });
    expect(status).toBe(201);
    const message = await heard(body.id);
    expect(message.key).toMatchObject({ remoteJid: `${from}@s.whatsapp.net`, fromMe: false });
    expect(message.message[message.messageType]).toBeDefined();
    expect((await node.ledger(`messageId=${body.id}`))[0]).toMatchObject({ seq: body.seq, from, to: own });
    const found = await node.post('/chat/findMessages/p', { where: { key: { id: body.id } } });
    expect(found.body.messages.total).toBe(1);
  });

  it("a raw message, an id of one's own, by the name of the instance › arrives as given", async () => {
    const message = { extendedTextMessage: { text: 'raw', contextInfo: {} } };
    await node.post('/sandbox/inbound', { instance: 'p', from: someNumber(), id: '3AOWN', message });
    expect(await heard('3AOWN')).toMatchObject({ message, messageType: 'extendedTextMessage' });
  });

  it('the same id twice › arrives once', async () => {
    const from = someNumber();
    for (const text of ['first', 'again'])
      await node.post('/sandbox/inbound', { to: own, from, id: '3ATWICE', text });
    await node.post('/sandbox/inbound', { to: own, from, id: '3ALATER', text: 'later' });
    await heard('3ALATER');
    expect(world.heard('p', 'messages.upsert', ({ key }) => key.id === '3ATWICE')).toHaveLength(1);
  });

  it("what the owner types › on its own phone › comes as fromMe in the contact's chat", async () => {
    const from = someNumber();
    const { body } = await node.post('/sandbox/inbound', { to: own, from, fromMe: true, text: 'mine' });
    expect((await heard(body.id)).key).toMatchObject({ remoteJid: `${from}@s.whatsapp.net`, fromMe: true });
    expect((await node.ledger(`messageId=${body.id}`))[0]).toMatchObject({ from: own, to: from });
  });

  it('a file › sent by a contact › can be fetched from the node', async () => {
    const base64 = Buffer.from('a file').toString('base64');
    const { body } = await node.post('/sandbox/inbound', {
      to: own,
      from: someNumber(),
      type: 'document',
      base64,
      fileName: 'a.txt',
    });
    await heard(body.id);
    const file = await node.post('/chat/getBase64FromMediaMessage/p', { message: { key: { id: body.id } } });
    expect(file.body).toMatchObject({ base64, fileName: 'a.txt' });
  });

  it('without a recipient, a sender or a known type › is refused', async () => {
    expect((await node.post('/sandbox/inbound', { from: someNumber() })).status).toBe(400);
    expect((await node.post('/sandbox/inbound', { to: own })).status).toBe(400);
    expect((await node.post('/sandbox/inbound', { to: someNumber(), from: someNumber() })).status).toBe(404);
    expect(
      (await node.post('/sandbox/inbound', { to: own, from: someNumber(), type: 'telepathy' })).status,
    ).toBe(400);
  });
});

describe('GET /sandbox/ledger', () => {
  it('after, limit and filters › page through it in order', async () => {
    const to = someNumber('0001');
    for (const text of ['a', 'b', 'c']) await node.text('p', to, text);
    const first = (await node.get(`/sandbox/ledger?to=${to}&limit=2`)).body;
    expect(first).toMatchObject({ total: 3, entries: [{ text: 'a' }, { text: 'b' }] });
    const second = (await node.get(`/sandbox/ledger?to=${to}&after=${first.last}`)).body;
    expect(second.entries).toMatchObject([
      { text: 'c', from: own, kind: 'message', instance: 'p', node: 'node-1' },
    ]);
  });

  it('200 sends at once › from one phone › each exactly once', async () => {
    const to = someNumber('0001');
    const texts = Array.from({ length: 200 }, (_, i) => `burst-${i}`);
    const answers = await Promise.all(texts.map((text) => node.text('p', to, text)));
    expect(answers.every(({ status }) => status === 201)).toBe(true);
    const entries = await node.ledger(`to=${to}`);
    expect(entries.map(({ text }) => text).sort()).toEqual([...texts].sort());
    expect(new Set(entries.map(({ messageId }) => messageId)).size).toBe(200);
  });
});

describe('codes', () => {
  const create = (instance: string, more: object = {}, on = node) =>
    on.post('/instance/create', {
      instanceName: instance,
      integration: 'WHATSAPP-BAILEYS',
      qrcode: false,
      webhook: { enabled: true, url: `${world.receiver.url}/${instance}`, events: [] },
      ...more,
    });
  const open = (instance: string) =>
    world.hear(instance, 'connection.update', ({ state }) => state === 'open');

  it('shown after a connect › are scanned by the phone with the number of the create', async () => {
    const number = someNumber();
    await create('by-itself', { number });
    await node.get('/instance/connect/by-itself');
    expect((await open('by-itself')).wuid).toBe(`${number}@s.whatsapp.net`);
    expect((await node.ledger(`kind=pair&from=${number}`))[0]).toMatchObject({ instance: 'by-itself' });
  });

  it('of an instance without a number › are scanned by a made-up one', async () => {
    await create('numberless');
    await node.get('/instance/connect/numberless');
    expect((await open('numberless')).wuid).toMatch(/^62899\d{8}@s\.whatsapp\.net$/);
  });

  it('scanned by two phones at once › one is linked, the other finds nothing, and the session hears', async () => {
    const quiet = await world.node('node-quiet');
    await create('twice', {}, quiet);
    await quiet.get('/instance/connect/twice');
    const number = someNumber();
    const scan = () => quiet.post('/sandbox/scan', { instance: 'twice', number });
    await until('a code is shown', () => world.heard('twice', 'qrcode.updated')[0]);
    const statuses = (await Promise.all([scan(), scan(), scan()])).map(({ status }) => status);
    expect(statuses.sort()).toEqual([201, 409, 409]);
    await open('twice');
    expect((await quiet.get(`/sandbox/devices/${number}`)).body).toHaveLength(1);
    await quiet.post('/sandbox/inbound', { to: number, from: someNumber(), text: 'heard' });
    expect((await world.hear('twice', 'messages.upsert')).message).toEqual({ conversation: 'heard' });
    await quiet.kill();
  });

  it('nobody scans › rotate › each webhook carries another one', async () => {
    const patient = await world.node('node-patient', { SANDBOX_SCAN_MS: '0', SANDBOX_QR_MS: '80' });
    await patient.post('/instance/create', {
      instanceName: 'rotating',
      integration: 'WHATSAPP-BAILEYS',
      qrcode: true,
      webhook: { enabled: true, url: `${world.receiver.url}/rotating`, events: ['QRCODE_UPDATED'] },
    });
    await until('three codes', () => world.heard('rotating', 'qrcode.updated').length >= 3);
    const codes = world.heard('rotating', 'qrcode.updated').map(({ qrcode }) => qrcode.code);
    expect(new Set(codes).size).toBe(codes.length);
    await patient.kill();
  });
});

describe('the node itself', () => {
  it('GET /sandbox › lists behaviours, controls, faults and settings, and no secret', async () => {
    const { body } = await node.get('/sandbox');
    expect(body.behaviours.map(({ digits }: { digits: string }) => digits)).toEqual(
      expect.arrayContaining(['0404', '0500', '0501', '0408', '0001', '0002', '0007', '0012', '0013', '*']),
    );
    expect(Object.keys(body.faults)).toEqual(
      expect.arrayContaining([
        'delayMs',
        'hang',
        'status',
        'reset',
        'duplicateWebhooks',
        'shuffleWebhooks',
        'dropWebhooks',
        'logout',
        'replaced',
        'wrongNumberScan',
        'die',
      ]),
    );
    expect(body.settings.scanMs).toBe(60);
    expect(JSON.stringify(body)).not.toContain('global-key-of-the-tests');
    expect(JSON.stringify(body)).not.toContain(world.database.url);
  });

  it('a missing or malformed setting › at start › ends with one line that names them all', async () => {
    const broken = createNode({ SANDBOX_SCAN_MS: 'soon', SANDBOX_OWNER_ONLINE: 'maybe' });
    await expect(broken.start()).rejects.toThrow(
      /SANDBOX_OWNER_ONLINE|SANDBOX_DATABASE_URL is required.*SANDBOX_REDIS_URL is required.*SANDBOX_SCAN_MS must be a number/,
    );
  });

  it('a port that is taken › at start › is reported', async () => {
    const port = new URL(node.url()).port;
    const second = createNode({
      SANDBOX_NAME: 'second',
      SANDBOX_PORT: port,
      SANDBOX_DATABASE_URL: world.database.url,
      SANDBOX_REDIS_URL: world.redis.url,
    });
    await expect(second.start()).rejects.toThrow(/EADDRINUSE/);
  });
});
