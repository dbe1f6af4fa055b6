import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newNumber, newUser, settled, type TestUser } from '../support/client.js';
import { startFileServer, type FileServer } from '../support/file-server.js';
import { filesIn, pdf, png, windowsProgram } from '../support/files.js';
import { startGateway, type TestGateway } from '../support/gateway.js';
import { until } from '../support/until.js';

describe('links to media', () => {
  let gateway: TestGateway;
  let files: FileServer;
  let user: TestUser;
  let phone: { id: number };
  beforeAll(async () => {
    files = await startFileServer();
    gateway = await startGateway({
      workers: ['media'],
      env: {
        MEDIA_TIMEOUT: '2',
        MEDIA_IDLE: '0.8',
        MEDIA_TRIES: '1',
        MEDIA_LIMITS: 'image=100K,document=1M',
        MEDIA_QUOTA: '500000',
      },
    });
    user = await newUser(gateway.url);
    phone = (await user.api.post('/api/phones', { phoneNumber: newNumber() })).body;
  });
  afterAll(async () => {
    await gateway?.stop();
    await files?.stop();
  });

  const send = (mediaUrl: string, more: object = {}) =>
    user.api.post('/api/messages/send', {
      phoneId: phone.id,
      to: '+628985550001',
      type: 'image',
      mediaUrl,
      ...more,
    });

  it.each([
    'http://10.0.0.1/x.png',
    'http://169.254.169.254/latest/meta-data/',
    'http://[::ffff:a00:1]/x.png',
    'http://0xa000001/x.png',
    'https://user:secret@example.com/x.png',
    'file:///etc/passwd',
    'ftp://example.com/x.png',
    'http://intranet.internal:99999/',
    'x',
    'data:image/png;base64,AAAA',
  ])('%s › in a message › is refused at once, naming the field', async (url) => {
    const { status, body } = await send(url);
    expect([status, body.code, body.errors[0].pointer]).toEqual([422, 'invalid_url', '/mediaUrl']);
  });

  const drip = (path: string, piece: Buffer, everyMs: number) =>
    files.at(path, (_req, res) => {
      res.writeHead(200, { 'content-type': 'image/png' });
      res.write(png(5000));
      const timer = setInterval(() => res.write(piece), everyMs);
      res.once('close', () => clearInterval(timer));
    });

  /** Not so soon that the message is not stored yet: that would be refused at once. */
  const late = (path: string, bytes: Buffer, type = 'application/octet-stream') =>
    files.at(path, (_req, res) =>
      setTimeout(() => res.writeHead(200, { 'content-type': type }).end(bytes), 300),
    );

  it.each<[string, () => string, object, RegExp]>([
    [
      'a redirect to a private address',
      () =>
        files.at('/r', (_req, res) =>
          setTimeout(() => res.writeHead(302, { location: 'http://10.0.0.1/x.png' }).end(), 300),
        ),
      {},
      /^The URL is refused/,
    ],
    ['a slow download', () => drip('/slow', Buffer.from('x'), 100), {}, /^It took more than 2000 ms/],
    ['one that stops', () => drip('/stop', Buffer.from('x'), 5000), {}, /^Nothing came for 800 ms/],
    [
      'an endless one',
      () => drip('/endless', Buffer.alloc(200_000), 1),
      {},
      /^The file is larger than the 102400 bytes/,
    ],
    [
      'one that never answers',
      () => files.at('/mute', () => undefined),
      {},
      /^(No answer within|It took more than)/,
    ],
    [
      'a page instead of a picture',
      () => late('/p', Buffer.from('<html>404'), 'image/png'),
      {},
      /^The file is text\/html/,
    ],
    [
      'a program instead of a picture',
      () => late('/e', windowsProgram(), 'image/png'),
      {},
      /^The file is application\//,
    ],
    [
      'not what its sender says',
      () => late('/l', png(), 'image/png'),
      { mimetype: 'image/jpeg' },
      /^The file is said to be image\/jpeg/,
    ],
    ['nothing', () => late('/n', Buffer.alloc(0)), {}, /^The file is empty/],
    [
      'more than the quota',
      () => late('/q', pdf(600_000)),
      { type: 'document' },
      /of 500000 bytes are taken/,
    ],
  ])('%s › fetched › fails its message, and leaves nothing', async (_name, link, more, reason) => {
    const before = filesIn(gateway.folder);
    const { status, body } = await send(link(), more);
    expect([status, body.media.status]).toEqual([202, 'pending']);
    const failed = await settled(user, body.id, ['failed']);
    expect([failed.reason, failed.media.status]).toEqual(['media_refused', 'failed']);
    const info = (await user.api.get(`/api/media/${body.media.id}/info`)).body;
    expect(info.reason).toMatch(reason);
    await until('no file is left', () => filesIn(gateway.folder).length === before.length);
  });

  it('a server that is away at first › is asked again', async () => {
    const patient = await startGateway({ workers: ['media'], env: { MEDIA_TRIES: '3' } });
    const one = await newUser(patient.url);
    const bytes = png();
    const link = files.at('/later', (_req, res, count) => {
      if (count === 1) res.writeHead(503).end();
      else res.end(bytes);
    });
    const { body } = await one.api.post('/api/media', { mediaUrl: link, type: 'image' });
    const info = await until('it is stored', async () => {
      const answer = await one.api.get(`/api/media/${body.id}/info`);
      return answer.body.status === 'stored' && answer.body;
    });
    expect([info.size, files.asked.filter((path) => path === '/later').length]).toEqual([bytes.length, 2]);
    await patient.stop();
  });

  it('a gateway that stops in the middle › gives the download back, and the next one ends it', async () => {
    let release: () => void = () => undefined;
    const link = files.at('/handed-over', (_req, res, count) => {
      const bytes = png(3000);
      res.write(bytes.subarray(0, 100));
      if (count === 1) return;
      release = () => res.end(bytes.subarray(100));
      release();
    });
    const first = await startGateway({ workers: [], env: {} });
    const one = await newUser(first.url);
    const [worker] = first.gateway.workers.media;
    worker!.start();
    const { body } = await one.api.post('/api/media', { mediaUrl: link });
    await until('it is asked', () => files.asked.includes('/handed-over'));
    const started = Date.now();
    await worker!.stop();
    expect(Date.now() - started).toBeLessThan(2000);
    worker!.start();
    await until(
      'it is stored',
      async () => (await one.api.get(`/api/media/${body.id}/info`)).body.status === 'stored',
    );
    await worker!.stop();
    await first.stop();
  });
});
