import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newPhone, newUser, settled, type TestUser } from '../support/client.js';
import { startFileServer, type FileServer } from '../support/file-server.js';
import { filesIn, form, hashOf, jpeg, mp4, ogg, pdf, png, postForm, webp } from '../support/files.js';
import { startGateway, type TestGateway } from '../support/gateway.js';
import { startNodes, type TestNodes } from '../support/nodes.js';
import { startReceiver, type Receiver } from '../support/receiver.js';
import { until } from '../support/until.js';

const SENT = ['sent', 'delivered', 'read', 'played'];
const to = '+628985550001';

describe('messages with media', () => {
  let nodes: TestNodes;
  let gateway: TestGateway;
  let files: FileServer;
  let receiver: Receiver;
  let user: TestUser;
  let phone: Awaited<ReturnType<typeof newPhone>>;
  beforeAll(async () => {
    [nodes, files, receiver] = await Promise.all([startNodes(1), startFileServer(), startReceiver()]);
    gateway = await startGateway({
      env: { EVOLUTION_NODES: nodes.list(), SEND_TIMEOUT: '5', UNKNOWN_HOLD: '1', JSON_LIMIT: '200000' },
    });
    user = await newUser(gateway.url);
    phone = await newPhone(user, { webhookUrl: receiver.url });
  });
  afterAll(async () => {
    await gateway?.stop();
    await Promise.all([nodes?.stop(), files?.stop(), receiver?.stop()]);
  });

  const send = async (draft: object) => {
    const { status, body } = await user.api.post('/api/messages/send', { phoneId: phone.id, to, ...draft });
    expect([status, body]).toEqual([202, expect.anything()]);
    return body;
  };
  /** What the simulated network holds of a message. */
  const arrived = async (message: any) => {
    const { entries } = await nodes.call(`/sandbox/ledger?messageId=${message.whatsappId}`);
    expect(entries).toHaveLength(1);
    return entries[0].message;
  };
  /** The hash of the file inside a message, which a node computes over the bytes it got. */
  const hashIn = (message: any): string => {
    const inner: any = Object.values(message).find((part: any) => part?.fileSha256);
    return Buffer.from(Object.values(inner.fileSha256) as number[]).toString('hex');
  };

  it.each<[string, Buffer, string, object, string]>([
    ['image', png(20_000), 'image/png', { message: 'look' }, 'imageMessage'],
    ['video', mp4(20_000), 'video/mp4', { message: 'watch' }, 'videoMessage'],
    ['audio', ogg(20_000), 'audio/ogg', {}, 'audioMessage'],
    ['voice', ogg(20_000), 'audio/ogg', {}, 'audioMessage'],
    [
      'document',
      pdf(20_000),
      'application/pdf',
      { message: 'read', fileName: 'Contract ü.pdf' },
      'documentMessage',
    ],
    ['sticker', webp(9000), 'image/webp', {}, 'stickerMessage'],
  ])(
    'a %s › by mediaId, base64, link and form › arrives byte for byte',
    async (type, bytes, mimetype, more, inner) => {
      const upload = await postForm(
        `${gateway.url}/api/media`,
        user,
        form({ type }, { bytes, type: mimetype }),
      );
      const sends = await Promise.all([
        send({ type, mediaId: upload.body.id, ...more }),
        send({ type, media: bytes.toString('base64'), mimetype, ...more }),
        send({ type, mediaUrl: files.serve(`/${type}`, bytes, mimetype), ...more }),
        postForm(
          `${gateway.url}/api/messages/send`,
          user,
          form({ phoneId: String(phone.id), to, type, ...more }, { bytes, type: mimetype }),
        ).then(({ status, body }) => {
          expect([status, body]).toEqual([202, expect.anything()]);
          return body;
        }),
      ]);
      for (const { id } of sends) {
        const message = await settled(user, id, SENT);
        const there = await arrived(message);
        expect([hashIn(there), Object.keys(there)]).toEqual([hashOf(bytes), expect.arrayContaining([inner])]);
        expect(message.media).toMatchObject({ status: 'stored', size: bytes.length, mimetype });
        if ('message' in more) expect(there[inner].caption).toBe(more.message);
        if ('fileName' in more)
          expect([there[inner].fileName, message.media.fileName]).toEqual([more.fileName, more.fileName]);
        if (type === 'voice') expect(there[inner].ptt).toBe(true);
        const file = await fetch(message.media.url.replace('http://localhost:8080', gateway.url));
        expect(hashOf(Buffer.from(await file.arrayBuffer()))).toBe(hashOf(bytes));
      }
    },
  );

  it('a status with a picture › posted › carries it', async () => {
    const bytes = jpeg(5000);
    const { body } = await user.api.post('/api/messages/send', {
      phoneId: phone.id,
      type: 'status',
      statusPost: { type: 'image' },
      message: 'today',
      media: bytes.toString('base64'),
    });
    expect(hashIn(await arrived(await settled(user, body.id, SENT)))).toBe(hashOf(bytes));
  });

  it('five megabytes of base64 › in one message › are taken, one byte more is not', async () => {
    const bytes = pdf(5 * 1024 * 1024 - 9);
    const made = await send({ type: 'document', media: bytes.toString('base64') });
    expect(made.media).toMatchObject({ size: 5 * 1024 * 1024, status: 'stored' });
    const { status, body } = await user.api.post('/api/messages/send', {
      phoneId: phone.id,
      to,
      type: 'document',
      media: pdf(5 * 1024 * 1024 - 8).toString('base64'),
    });
    expect([status, body.errors[0].pointer]).toEqual([400, '/media']);
  });

  it('a message whose link is slow › holds its own chat, in order, and no other', async () => {
    const bytes = png(3000);
    let release: () => void = () => undefined;
    const link = files.at('/held', (_req, res) => {
      release = () => res.end(bytes);
    });
    const held = await send({ type: 'image', mediaUrl: link, to: '+628985550101' });
    expect(held.media).toMatchObject({ status: 'pending', size: null });
    const behind = await send({ type: 'text', message: 'after', to: '+628985550101' });
    const other = await send({ type: 'text', message: 'elsewhere', to: '+628985550102' });
    await settled(user, other.id, SENT);
    await until('the link is asked', () => files.asked.includes('/held'));
    expect((await user.api.get(`/api/messages/${behind.id}`)).body.status).toBe('queued');
    expect((await user.api.get(`/api/media/${held.media.id}`)).status).toBe(409);
    release();
    await Promise.all([settled(user, held.id, SENT), settled(user, behind.id, SENT)]);
    const { entries } = await nodes.call('/sandbox/ledger?to=628985550101');
    expect(entries.map((entry: any) => Object.keys(entry.message)[0])).toEqual([
      'imageMessage',
      'conversation',
    ]);
  });

  it('a link that fails for good › fails the message, and what waits behind it goes; resent, it is fetched anew', async () => {
    const failing = await send({ type: 'image', mediaUrl: `${files.url}/missing`, to: '+628985550103' });
    const behind = await send({ type: 'text', message: 'after', to: '+628985550103' });
    const failed = await settled(user, failing.id, ['failed']);
    expect(failed).toMatchObject({
      reason: 'media_refused',
      remedy: expect.any(String),
      detail: 'The link answers 404',
      media: { status: 'failed', reason: 'The link answers 404' },
    });
    await settled(user, behind.id, SENT);
    expect((await user.api.get(`/api/media/${failed.media.id}/info`)).body.reason).toBe(
      'The link answers 404',
    );
    await until('its event is told', () =>
      receiver.of('message.failed').some(({ body }) => body.data.messageId === failing.id),
    );
    const again = await user.api.post('/api/messages/send', {
      phoneId: phone.id,
      to,
      type: 'image',
      mediaId: failed.media.id,
    });
    expect([again.status, again.body.errors[0].pointer]).toEqual([422, '/mediaId']);
    const bytes = png(1000);
    files.serve('/missing', bytes, 'image/png');
    expect((await user.api.post(`/api/messages/${failing.id}/resend`)).status).toBeLessThan(300);
    expect(hashIn(await arrived(await settled(user, failing.id, SENT)))).toBe(hashOf(bytes));
  });

  it('regression › a message that waits for its media › cancelled › holds what is behind it no longer', async () => {
    const link = files.at('/never', () => undefined);
    const first = await send({ type: 'image', mediaUrl: link, to: '+628985550104' });
    const behind = await send({ type: 'text', message: 'after', to: '+628985550104' });
    expect((await user.api.post(`/api/messages/${first.id}/cancel`)).body.status).toBe('cancelled');
    await settled(user, behind.id, SENT);
  });

  it('an Idempotency-Key › with a file in a form › is one message, and one file', async () => {
    const made = form({ phoneId: String(phone.id), to, type: 'document' }, { bytes: pdf(3000) });
    const ask = () =>
      postForm(`${gateway.url}/api/messages/send`, user, made, { 'idempotency-key': 'form-1' });
    const before = filesIn(gateway.folder).length;
    const answers = await Promise.all([ask(), ask(), ask()]);
    expect(answers.map(({ status }) => status)).toEqual([202, 202, 202]);
    expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1);
    expect(new Set(answers.map(({ body }) => body.media.id)).size).toBe(1);
    await until('one file is left', () => filesIn(gateway.folder).length === before + 1);
  });

  it('a refused message › keeps nothing of what it brought', async () => {
    const before = filesIn(gateway.folder).length;
    const { body: list } = await user.api.get('/api/media?limit=1');
    const { status } = await user.api.post('/api/messages/send', {
      phoneId: 999_999,
      to,
      type: 'document',
      media: pdf().toString('base64'),
    });
    expect(status).toBe(404);
    expect(filesIn(gateway.folder).length).toBe(before);
    expect((await user.api.get('/api/media?limit=1')).body.data[0].id).toBe(list.data[0].id);
  });

  it('regression › a bulk of one picture › linked to, stored before the last draft is read › fetches it once', async () => {
    const link = files.serve('/campaign', png(2000), 'image/png');
    const { status, body } = await user.api.post('/api/messages/bulk', {
      defaults: { phoneId: phone.id, type: 'image', mediaUrl: link },
      messages: Array.from({ length: 100 }, (_, i) => ({ to: `+6289855502${String(i).padStart(2, '0')}` })),
    });
    expect([status, body.accepted]).toEqual([202, 100]);
    await until('all went out', async () => {
      const { progress } = (await user.api.get(`/api/messages/bulk/${body.id}`)).body;
      return !('queued' in progress || 'sending' in progress);
    });
    expect(files.asked.filter((path) => path === '/campaign').length).toBe(1);
  });

  it.each([
    ['image', png(30_000), 'image/png', { text: 'caption' }],
    ['video', mp4(30_000), 'video/mp4', {}],
    ['audio', ogg(30_000), 'audio/ogg', {}],
    ['document', pdf(30_000), 'application/pdf', { fileName: 'in/vo\\ice.pdf' }],
    ['sticker', webp(3000), 'image/webp', {}],
  ])('a received %s › is told at once, then stored as it was sent', async (type, bytes, mimetype, more) => {
    const from = `62813${String(Math.floor(Math.random() * 1e7)).padStart(7, '0')}`;
    await nodes.call('/sandbox/inbound', {
      method: 'POST',
      body: {
        to: phone.phoneNumber.slice(1),
        from,
        type,
        base64: bytes.toString('base64'),
        mimetype,
        ...more,
      },
    });
    const told = await until('its event', () =>
      receiver.of('message').find(({ body }) => body.data.from === `+${from}`),
    );
    const { messageId, media } = told.body.data;
    // The simulated contact's audio is a voice message, as most are.
    const kind = type === 'audio' ? 'voice' : type;
    expect(media).toMatchObject({ id: expect.any(Number), kind, mimetype, url: expect.any(String) });
    const message = await until('it is stored', async () => {
      const { body } = await user.api.get(`/api/messages/${messageId}`);
      return body.media.status === 'stored' && body;
    });
    expect(message.media).toMatchObject({ id: media.id, size: bytes.length });
    if (type === 'document') expect(message.media.fileName).toBe('ice.pdf');
    const file = await fetch(media.url.replace('http://localhost:8080', gateway.url));
    expect([file.status, hashOf(Buffer.from(await file.arrayBuffer()))]).toEqual([200, hashOf(bytes)]);
    expect(file.headers.get('content-disposition')).toMatch(/^attachment/);
  });

  it('a received file › that its node cannot give yet › is fetched when it can', async () => {
    await nodes.call('/sandbox/faults', {
      method: 'POST',
      body: { status: 500, calls: '/chat/getBase64FromMediaMessage', count: 1 },
    });
    const bytes = png(2000);
    const from = '628139990001';
    await nodes.call('/sandbox/inbound', {
      method: 'POST',
      body: {
        to: phone.phoneNumber.slice(1),
        from,
        type: 'image',
        base64: bytes.toString('base64'),
        mimetype: 'image/png',
      },
    });
    const told = await until('its event', () =>
      receiver.of('message').find(({ body }) => body.data.from === `+${from}`),
    );
    const info = await until('it is stored', async () => {
      const { body } = await user.api.get(`/api/media/${told.body.data.media.id}/info`);
      return body.status === 'stored' && body;
    });
    expect(info.sha256).toBe(hashOf(bytes));
  });
});
