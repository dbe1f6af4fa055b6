import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { linkSigner } from '../../src/utils/link.js';
import { newUser, type TestUser } from '../support/client.js';
import { filesIn, form, hashOf, pdf, png, postForm } from '../support/files.js';
import { startGateway, TEST_ENV, type TestGateway } from '../support/gateway.js';

describe('downloads', () => {
  let gateway: TestGateway;
  let user: TestUser;
  let stranger: TestUser;
  const bytes = png(5000);
  let media: { id: number; url: string };
  beforeAll(async () => {
    gateway = await startGateway({ workers: [] });
    [user, stranger] = [await newUser(gateway.url), await newUser(gateway.url)];
    media = await stored(bytes, 'a "b" ü.png', 'image/png');
  });
  afterAll(async () => gateway?.stop());

  const stored = async (file: Buffer, name: string, type: string) =>
    (
      await postForm(
        `${gateway.url}/api/media`,
        user,
        form({}, { bytes: file, name: name.replaceAll('"', '%22'), type }),
      )
    ).body;
  const open = (url: string, headers: Record<string, string> = {}, method = 'GET') =>
    fetch(url, { headers, method });
  const own = (headers: Record<string, string> = {}) => ({
    authorization: `Bearer ${user.token}`,
    ...headers,
  });
  /** SERVER_URL is what the world calls us; here we listen elsewhere. */
  const here = (url: string) => url.replace('http://localhost:8080', gateway.url);
  const bodyOf = async (answer: Response) => Buffer.from(await answer.arrayBuffer());

  it('its owner › with credentials › gets every byte, as an attachment that runs nowhere', async () => {
    const answer = await open(`${gateway.url}/api/media/${media.id}`, own());
    expect(answer.status).toBe(200);
    expect(hashOf(await bodyOf(answer))).toBe(hashOf(bytes));
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      'content-type': 'image/png',
      'content-length': String(bytes.length),
      'content-disposition': `attachment; filename="a b _.png"; filename*=UTF-8''a%20b%20%C3%BC.png`,
      'content-security-policy': "sandbox; default-src 'none'",
      'x-content-type-options': 'nosniff',
      'accept-ranges': 'bytes',
      'cache-control': 'no-store',
      etag: `"${hashOf(bytes)}"`,
    });
  });

  it.each([
    ['bytes=0-9', 206, 0, 10],
    ['bytes=100-', 206, 100, Infinity],
    ['bytes=-5', 206, -5, Infinity],
    ['bytes=10-999999', 206, 10, Infinity],
    ['bytes=0-1,5-6', 200, 0, Infinity],
    ['bytes=9-3', 200, 0, Infinity],
    ['lines=1-2', 200, 0, Infinity],
  ])('the range %s › asked for › is %i', async (range, status, from, to) => {
    const answer = await open(`${gateway.url}/api/media/${media.id}`, own({ range }));
    expect(answer.status).toBe(status);
    expect(hashOf(await bodyOf(answer))).toBe(hashOf(bytes.subarray(from, to)));
    if (status === 206)
      expect(answer.headers.get('content-range')).toMatch(new RegExp(`^bytes \\d+-\\d+/${bytes.length}$`));
  });

  it('a range behind the end › asked for › is 416 with the size', async () => {
    const answer = await open(`${gateway.url}/api/media/${media.id}`, own({ range: 'bytes=99999-' }));
    expect([answer.status, answer.headers.get('content-range')]).toEqual([416, `bytes */${bytes.length}`]);
    expect(((await answer.json()) as { code: string }).code).toBe('range_not_satisfiable');
  });

  it('If-Range › with another ETag › gives the whole', async () => {
    const path = `${gateway.url}/api/media/${media.id}`;
    const ask = (etag: string) => open(path, own({ range: 'bytes=0-1', 'if-range': etag }));
    expect([(await ask('"old"')).status, (await ask(`"${hashOf(bytes)}"`)).status]).toEqual([200, 206]);
  });

  it('HEAD › tells size and type without the bytes', async () => {
    const answer = await open(`${gateway.url}/api/media/${media.id}`, own(), 'HEAD');
    expect([answer.status, answer.headers.get('content-length'), (await bodyOf(answer)).length]).toEqual([
      200,
      String(bytes.length),
      0,
    ]);
  });

  it('a signed link › in nobody’s or anybody’s hands › opens it', async () => {
    expect(media.url).toMatch(/^http:\/\/localhost:8080\/api\/media\/\d+\?expires=\d+&signature=[\w-]+$/);
    const answers = await Promise.all([
      open(here(media.url)),
      open(here(media.url), { authorization: `Bearer ${stranger.token}` }),
      open(here(media.url), { authorization: 'Bearer nonsense' }),
    ]);
    for (const answer of answers) {
      expect(answer.status).toBe(200);
      expect(hashOf(await bodyOf(answer))).toBe(hashOf(bytes));
    }
  });

  it.each<[string, (url: URL) => void]>([
    [
      'of another media',
      (url) => (url.pathname = url.pathname.replace(/\d+$/, (id) => String(Number(id) + 1))),
    ],
    ['prolonged', (url) => url.searchParams.set('expires', '99999999999')],
    [
      'changed',
      (url) =>
        url.searchParams.set(
          'signature',
          url.searchParams.get('signature')!.replace(/^./, (c) => (c === 'A' ? 'B' : 'A')),
        ),
    ],
    ['cut', (url) => url.searchParams.set('signature', url.searchParams.get('signature')!.slice(0, -1))],
  ])('a link %s › opened › is 404', async (_name, change) => {
    const url = new URL(here(media.url));
    change(url);
    expect((await open(url.href)).status).toBe(404);
  });

  it.each([
    '?signature=x',
    '?expires=1',
    '?expires=a&signature=b',
    '?signature=',
    '?signature[]=a&expires=9',
  ])('half a link %s › opened by a stranger › opens nothing', async (query) => {
    const answer = await open(`${gateway.url}/api/media/${media.id}${query}`);
    expect([400, 401, 404]).toContain(answer.status);
  });

  it('a link › past its time, for nodes, or of another secret › opens nothing', async () => {
    const signer = linkSigner(TEST_ENV.JWT_SECRET);
    const of = (made: { expires: number; signature: string }) =>
      `${gateway.url}/api/media/${media.id}?expires=${made.expires}&signature=${made.signature}`;
    const about = { id: media.id, userId: user.id };
    const soon = new Date(Date.now() + 60_000);
    expect((await open(of(signer.sign(about, 'user', soon)))).status).toBe(200);
    expect((await open(of(signer.sign(about, 'user', new Date(Date.now() - 1000))))).status).toBe(404);
    expect((await open(of(signer.sign(about, 'node', soon)))).status).toBe(404);
    expect((await open(of(linkSigner('x'.repeat(40)).sign(about, 'user', soon)))).status).toBe(404);
    expect((await open(of(signer.sign({ ...about, userId: stranger.id }, 'user', soon)))).status).toBe(404);
    const former = linkSigner('y'.repeat(40), TEST_ENV.JWT_SECRET);
    expect(former.verify(media.id, 'user', signer.sign(about, 'user', soon))).toBe(user.id);
  });

  it('the internal listener › gives files to nodes, and to links for nodes only', async () => {
    const signer = linkSigner(TEST_ENV.JWT_SECRET);
    const of = (audience: 'user' | 'node') => {
      const made = signer.sign({ id: media.id, userId: user.id }, audience, new Date(Date.now() + 60_000));
      return `${gateway.inboundUrl}/media/${media.id}?expires=${made.expires}&signature=${made.signature}`;
    };
    const answer = await open(of('node'));
    expect([
      answer.status,
      answer.headers.get('content-type'),
      answer.headers.get('x-content-type-options'),
    ]).toEqual([200, 'image/png', 'nosniff']);
    expect(hashOf(await bodyOf(answer))).toBe(hashOf(bytes));
    expect((await open(of('user'))).status).toBe(404);
    expect((await open(`${gateway.inboundUrl}/media/${media.id}`)).status).toBe(404);
  });

  it('a page with a script › stored as a document › comes as an attachment in a sandbox', async () => {
    const page = await stored(Buffer.from('<html><script>alert(1)</script>'), 'x.html', 'text/html');
    const answer = await open(here(page.url));
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      'content-disposition': expect.stringMatching(/^attachment;/),
      'content-security-policy': "sandbox; default-src 'none'",
      'x-content-type-options': 'nosniff',
    });
  });

  it('the list › walked by cursor › has each media once, newest first', async () => {
    const one = await newUser(gateway.url);
    const ids: number[] = [];
    for (let i = 0; i < 5; i += 1) {
      ids.unshift((await postForm(`${gateway.url}/api/media`, one, form({}, { bytes: pdf() }))).body.id);
    }
    const seen: number[] = [];
    let cursor = '';
    do {
      const { body } = await one.api.get(`/api/media?limit=2${cursor && `&cursor=${cursor}`}`);
      seen.push(...body.data.map((item: { id: number }) => item.id));
      cursor = body.nextCursor;
    } while (cursor);
    expect(seen).toEqual(ids);
  });

  it('a media › removed › takes its file with it', async () => {
    const made = await stored(pdf(100), 'a.pdf', 'application/pdf');
    const before = filesIn(gateway.folder).length;
    expect((await user.api.call('DELETE', `/api/media/${made.id}`)).status).toBe(204);
    expect(filesIn(gateway.folder).length).toBe(before - 1);
    expect((await open(here(made.url))).status).toBe(404);
    expect((await user.api.get(`/api/media/${made.id}/info`)).status).toBe(404);
  });

  it('the quota › reached › refuses with what is taken, and what is removed makes room', async () => {
    const small = await startGateway({ workers: [], env: { MEDIA_QUOTA: '10000' } });
    const one = await newUser(small.url);
    const send = (size: number) => postForm(`${small.url}/api/media`, one, form({}, { bytes: pdf(size) }));
    const first = await send(6000);
    const second = await send(6000);
    expect([first.status, second.status, second.body.code]).toEqual([201, 409, 'quota_exceeded']);
    expect(filesIn(small.folder).length).toBe(1);
    await one.api.call('DELETE', `/api/media/${first.body.id}`);
    expect((await send(6000)).status).toBe(201);
    const both = await Promise.all([send(2500), send(2500)]);
    expect(both.map(({ status }) => status).sort()).toEqual([201, 409]);
    await small.stop();
  });
});
