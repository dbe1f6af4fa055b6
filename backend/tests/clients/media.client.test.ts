import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mediaClient, type Download } from '../../src/clients/media.client.js';
import { startFileServer, type FileServer } from '../support/file-server.js';
import { until } from '../support/until.js';
import { LOOPBACK as SPELLINGS } from './spellings.js';

const LOOPBACK = ['127.0.0.0/8'];

describe('the client that fetches media', () => {
  let files: FileServer;
  const clients: { close(): void }[] = [];
  beforeAll(async () => {
    files = await startFileServer();
  });
  afterAll(async () => {
    for (const one of clients) one.close();
    await files?.stop();
  });

  const client = (more: Partial<Parameters<typeof mediaClient>[0]> = {}) => {
    const made = mediaClient({ allowedPrivateNetworks: LOOPBACK, timeoutMs: 3000, idleMs: 400, ...more });
    clients.push(made);
    return made;
  };
  const never = new AbortController().signal;
  const read = async (download: Download): Promise<Buffer> => {
    if (!download.ok) throw new Error(download.detail);
    const chunks: Buffer[] = [];
    for await (const chunk of download.stream) chunks.push(chunk as Buffer);
    return Buffer.concat(chunks);
  };

  it('a file › fetched › comes whole, with what its server says of it', async () => {
    const bytes = Buffer.alloc(300_000, 'abc');
    const download = await client().fetch(files.serve('/a/photo%20one.png', bytes, 'image/png'), never);
    expect(download).toMatchObject({ ok: true, mimetype: 'image/png', fileName: 'photo one.png' });
    expect((await read(download)).equals(bytes)).toBe(true);
  });

  it('this machine, however it is written › fetched › is refused for good, without a connection', async () => {
    const walls = client({ allowedPrivateNetworks: [] });
    const before = files.asked.length;
    const port = new URL(files.url).port;
    for (const host of SPELLINGS) {
      const download = await walls.fetch(`http://${host}:${port}/`, never);
      expect([host, download.ok, !download.ok && download.isFinal]).toEqual([host, false, true]);
    }
    expect(files.asked.length).toBe(before);
  });

  it.each([
    ['http://169.254.169.254/latest/meta-data/'],
    ['http://10.0.0.1/'],
    ['http://[::ffff:10.0.0.1]/'],
    ['http://0x0a000001/'],
    ['file:///etc/passwd'],
    ['gopher://127.0.0.1/'],
    ['http://user:secret@127.0.0.1/'],
  ])('a redirect to %s › followed › is refused like the first address', async (to) => {
    const download = await client().fetch(files.redirect('/away', to), never);
    expect(download).toMatchObject({
      ok: false,
      isFinal: true,
      detail: expect.stringMatching(/^The URL is refused/),
    });
  });

  it('a redirect to a name with a private address › followed › is blocked when it resolves', async () => {
    const lookup = async () => ['10.0.0.7'];
    const download = await client({ lookup }).fetch(
      files.redirect('/named', 'http://innocent.example/'),
      never,
    );
    expect(download).toMatchObject({
      ok: false,
      isFinal: true,
      detail: 'The host has an address that is not public',
    });
  });

  it('a name whose second answer is private › fetched twice › reaches it neither time', async () => {
    let asked = 0;
    const lookup = async () => ((asked += 1) === 1 ? ['203.0.113.9', '127.0.0.1'] : ['127.0.0.1']);
    const walls = client({ allowedPrivateNetworks: [], lookup });
    const before = files.asked.length;
    for (let i = 0; i < 2; i += 1) {
      const port = new URL(files.url).port;
      expect(await walls.fetch(`http://flip.example:${port}/`, never)).toMatchObject({
        ok: false,
        isFinal: true,
      });
    }
    expect(files.asked.length).toBe(before);
  });

  it('redirects › three in a row are followed, relative ones too, a fourth is not', async () => {
    files.serve('/end', Buffer.from('there'));
    files.redirect('/r3', '/end', 307);
    files.redirect('/r2', 'r3', 303);
    const third = files.redirect('/r1', `${files.url}/r2#part`, 301);
    expect((await read(await client().fetch(third, never))).toString()).toBe('there');
    expect(await client().fetch(files.redirect('/r0', '/r1'), never)).toMatchObject({
      ok: false,
      isFinal: true,
      detail: 'The link redirects more than 3 times',
    });
  });

  it.each([
    [404, true],
    [403, true],
    [410, true],
    [206, true],
    [408, false],
    [429, false],
    [500, false],
    [503, false],
  ])('an answer of %i › is final: %s', async (status, isFinal) => {
    const link = files.at(`/${status}`, (_req, res) => void res.writeHead(status).end('x'));
    expect(await client().fetch(link, never)).toEqual({
      ok: false,
      isFinal,
      detail: `The link answers ${status}`,
    });
  });

  it('compressed bytes that nobody asked for › are refused unopened', async () => {
    const link = files.at('/bomb', (_req, res) => {
      res.writeHead(200, { 'content-encoding': 'gzip' });
      res.end(Buffer.alloc(1000));
    });
    expect(await client().fetch(link, never)).toMatchObject({ ok: false, isFinal: true });
  });

  it('a server that says nothing › is left', async () => {
    const link = files.at('/mute', () => undefined);
    const started = Date.now();
    expect(await client().fetch(link, never)).toMatchObject({ ok: false, isFinal: false });
    expect(Date.now() - started).toBeLessThan(2900);
  });

  it('a body that stops coming › errors after the idle time, and its connection ends', async () => {
    const link = files.at('/stalled', (_req, res) => void res.writeHead(200).write('some'));
    const download = await client().fetch(link, never);
    await expect(read(download)).rejects.toThrow('Nothing came for 400 ms');
    await until('the connection is closed', () => files.closed.includes('/stalled'));
  });

  it('a body that drips without end › errors when its time is over', async () => {
    const link = files.at('/drip', (_req, res) => {
      const timer = setInterval(() => res.write('x'), 50);
      res.once('close', () => clearInterval(timer));
    });
    const started = Date.now();
    const download = await client({ timeoutMs: 900 }).fetch(link, never);
    await expect(read(download)).rejects.toThrow('It took more than 900 ms');
    expect(Date.now() - started).toBeLessThan(2500);
    await until('the connection is closed', () => files.closed.includes('/drip'));
  });

  it('a body that breaks off › errors, and is not taken for whole', async () => {
    const link = files.at('/torn', (_req, res) => {
      res.writeHead(200, { 'content-length': '1000' });
      res.write('part');
      setTimeout(() => res.destroy(), 20);
    });
    await expect(read(await client().fetch(link, never))).rejects.toThrow();
  });

  it('a download under way › told to stop › ends at once', async () => {
    const stop = new AbortController();
    const link = files.at('/long', (_req, res) => void res.writeHead(200).write('some'));
    const reading = read(await client({ idleMs: 60_000 }).fetch(link, stop.signal));
    stop.abort();
    await expect(reading).rejects.toThrow('The gateway stops');
    expect(await client().fetch(link, stop.signal)).toMatchObject({ ok: false, isFinal: false });
  });
});
