import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { newUser, type TestUser } from '../support/client.js';
import {
  filesIn,
  form,
  hashOf,
  jpeg,
  mp4,
  pdf,
  png,
  postForm,
  webp,
  windowsProgram,
  type Part,
} from '../support/files.js';
import { startGateway, type TestGateway } from '../support/gateway.js';
import { until } from '../support/until.js';

describe('uploads', () => {
  let gateway: TestGateway;
  let user: TestUser;
  beforeAll(async () => {
    gateway = await startGateway({
      workers: [],
      env: { MEDIA_LIMITS: 'image=100K,document=1M,sticker=10K,animatedSticker=20K', JSON_LIMIT: '100000' },
    });
    user = await newUser(gateway.url);
  });
  afterAll(async () => gateway?.stop());

  const upload = (file: Part | undefined, fields: Record<string, string> = {}, as = user) =>
    postForm(`${gateway.url}/api/media`, as, form(fields, file));

  it('a file › as a form › is stored as it came, under a name of nobody’s choosing', async () => {
    const bytes = png(3000);
    const { status, body, headers } = await upload({ bytes, name: 'cat.png', type: 'image/png' });
    expect(body).toMatchObject({
      kind: 'image',
      status: 'stored',
      source: 'upload',
      mimetype: 'image/png',
      fileName: 'cat.png',
      size: bytes.length,
      sha256: hashOf(bytes),
      reason: null,
    });
    expect([status, headers.get('location')]).toEqual([201, `/api/media/${body.id}`]);
    const [stored] = filesIn(gateway.folder).filter((path) => hashOf(readFileSync(path)) === body.sha256);
    expect(stored).toMatch(/\/[0-9a-f]{2}\/[0-9a-f]{2}\/[0-9a-f]{40}\.\d+$/);
    expect((await user.api.get(`/api/media/${body.id}/info`)).body).toMatchObject({
      id: body.id,
      size: bytes.length,
    });
  });

  it('base64 › as JSON › is a media too', async () => {
    const bytes = pdf(1000);
    const { status, body } = await user.api.post('/api/media', {
      media: bytes.toString('base64'),
      fileName: 'a.pdf',
      type: 'document',
    });
    expect([status, body.source, body.mimetype, body.sha256]).toEqual([
      201,
      'base64',
      'application/pdf',
      hashOf(bytes),
    ]);
  });

  it.each([
    ['image/jpeg', jpeg(), 'image', 'image/jpeg'],
    ['nothing', mp4(), 'video', 'video/mp4'],
    ['text/csv', Buffer.from('a,b\n1,2\n'), 'document', 'text/csv'],
    ['nothing', Buffer.from('just words'), 'document', 'text/plain'],
    ['a larger image than images may be', jpeg(200_000), 'document', 'image/jpeg'],
  ])('said to be %s › its kind › follows from what it is', async (type, bytes, kind, mimetype) => {
    const said = type.includes('/') ? type : 'application/octet-stream';
    const { body } = await upload({ bytes, name: 'x', type: said });
    expect([body.kind, body.mimetype]).toEqual([kind, mimetype]);
  });

  it.each<[string, Part, Record<string, string>, number, string, string]>([
    [
      'a PNG that is a program',
      { bytes: windowsProgram(), type: 'image/png' },
      {},
      415,
      'unsupported_media_type',
      'media.mismatch',
    ],
    [
      'a .png that is a program',
      { bytes: windowsProgram(), name: 'a.png' },
      {},
      415,
      'unsupported_media_type',
      'media.mismatch',
    ],
    [
      'a JPEG that is a PDF',
      { bytes: pdf(), type: 'image/jpeg' },
      {},
      415,
      'unsupported_media_type',
      'media.mismatch',
    ],
    [
      'a JPEG that is words',
      { bytes: Buffer.from('words'), type: 'image/jpeg' },
      {},
      415,
      'unsupported_media_type',
      'media.mismatch',
    ],
    [
      'words that are bytes',
      { bytes: Buffer.alloc(50), type: 'text/plain' },
      {},
      415,
      'unsupported_media_type',
      'media.mismatch',
    ],
    [
      'a page as an image',
      { bytes: Buffer.from('<html><script>1</script>') },
      { type: 'image' },
      415,
      'unsupported_media_type',
      'media.type',
    ],
    [
      'an SVG as an image',
      { bytes: Buffer.from('<svg onload="x">'), type: 'image/svg+xml' },
      { type: 'image' },
      415,
      'unsupported_media_type',
      'media.type',
    ],
    ['a video as an image', { bytes: mp4() }, { type: 'image' }, 415, 'unsupported_media_type', 'media.type'],
    [
      'an image over its size',
      { bytes: png(101 * 1024), type: 'image/png' },
      { type: 'image' },
      413,
      'payload_too_large',
      'media.size',
    ],
    [
      'a sticker over its size',
      { bytes: webp(11 * 1024), type: 'image/webp' },
      { type: 'sticker' },
      413,
      'payload_too_large',
      'media.size',
    ],
    ['a file over every size', { bytes: pdf(1100 * 1024) }, {}, 413, 'payload_too_large', 'media.size'],
    ['an empty file', { bytes: Buffer.alloc(0) }, {}, 422, 'unprocessable', 'media.empty'],
  ])(
    '%s › uploaded › is refused, naming the field, and leaves nothing',
    async (_name, file, fields, status, code, error) => {
      const before = filesIn(gateway.folder);
      const { status: got, body } = await upload(file, fields);
      expect([got, body.code, body.errors?.[0]]).toEqual([
        status,
        code,
        expect.objectContaining({ pointer: '/file', code: error }),
      ]);
      await until('no file is left', async () => filesIn(gateway.folder).length === before.length);
    },
  );

  it('a sticker that moves › between the two sizes › is taken', async () => {
    const { status } = await upload(
      { bytes: webp(15 * 1024, true), type: 'image/webp' },
      { type: 'sticker' },
    );
    expect(status).toBe(201);
  });

  it('the type after the file › counts all the same', async () => {
    const boundary = 'frontier';
    const head = `--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="a"\r\nContent-Type: image/webp\r\n\r\n`;
    const tail = `\r\n--${boundary}\r\nContent-Disposition: form-data; name="type"\r\n\r\nsticker\r\n--${boundary}--\r\n`;
    const body = Buffer.concat([Buffer.from(head), webp(15 * 1024), Buffer.from(tail)]);
    const answer = await postForm(`${gateway.url}/api/media`, user, {
      body,
      type: `multipart/form-data; boundary=${boundary}`,
    });
    expect([answer.status, answer.body.errors[0].pointer]).toEqual([413, '/file']);
  });

  it.each([
    ['../../etc/passwd', 'passwd'],
    ['..\\..\\boot.ini', 'boot.ini'],
    ['a%0d%0aSet-Cookie: x=1.pdf', 'aSet-Cookie x=1.pdf'],
    ['\u202egpj.exe', 'gpj.exe'],
    ['...', 'file.pdf'],
    ['Rechnung für Jürgen.pdf', 'Rechnung für Jürgen.pdf'],
    ['con', '_con'],
  ])('a file named %j › stored › is called %j', async (name, expected) => {
    const { status, body } = await upload({ bytes: pdf(), name });
    expect([status, body.fileName]).toEqual([201, expected]);
    const answer = await fetch(`${gateway.url}/api/media/${body.id}`, {
      headers: { authorization: `Bearer ${user.token}` },
    });
    const disposition = answer.headers.get('content-disposition')!;
    expect(disposition).toMatch(/^attachment; filename="[^"\r\n]*"; filename\*=UTF-8''[\w.%!#$&+^`|~-]+$/);
    expect(decodeURIComponent(disposition.split("UTF-8''")[1]!)).toBe(expected);
  });

  it.each<[string, { body: Buffer; type: string }, number, string]>([
    [
      '1000 parts',
      form(Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`f${i}`, 'x'])), { bytes: png() }),
      400,
      'invalid_request',
    ],
    ['a file in another field', form({}, { bytes: png() }, 'picture'), 400, 'invalid_request'],
    [
      'a field too large',
      form({ fileName: 'x'.repeat(200_000) }, { bytes: png() }),
      413,
      'payload_too_large',
    ],
    ['an unknown field', form({ userId: '1' }, { bytes: png() }), 400, 'invalid_request'],
    ['a field __proto__', form({ __proto: '1', constructor: '1' }, { bytes: png() }), 400, 'invalid_request'],
    ['nesting of 10 000', form({ fileName: '['.repeat(10_000) }, { bytes: png() }), 400, 'invalid_request'],
    ['a NUL in the name', form({}, { bytes: png(), name: 'a\u0000.png' }), 400, 'invalid_request'],
    ['no file', form({}), 400, 'invalid_request'],
    [
      'a file and a link',
      form({ mediaUrl: 'https://example.com/x' }, { bytes: png() }),
      400,
      'invalid_request',
    ],
    ['a text called file', form({ file: 'x' }), 400, 'invalid_request'],
    ['no form at all', { body: Buffer.from('x'), type: 'multipart/form-data' }, 400, 'invalid_request'],
    ['another type', { body: Buffer.from('x'), type: 'text/plain' }, 415, 'unsupported_media_type'],
  ])('%s › posted › is refused, and nothing is left', async (_name, made, status, code) => {
    const before = filesIn(gateway.folder);
    const { status: got, body } = await postForm(`${gateway.url}/api/media`, user, made);
    expect([got, body.code]).toEqual([status, code]);
    await until('no file is left', async () => filesIn(gateway.folder).length === before.length);
  });

  it.each([
    ['hangs up in the middle', false],
    ['ends the form too early', true],
  ])('an upload that %s › leaves no file', async (_name, ends) => {
    const before = filesIn(gateway.folder);
    const { body, type } = form({}, { bytes: png(50_000), type: 'image/png' });
    const { port } = new URL(gateway.url);
    const half = body.subarray(0, body.length / 2);
    const socket = connect(Number(port), '127.0.0.1');
    const answered = new Promise<string>((resolve) =>
      socket.once('data', (data) => resolve(data.toString())),
    );
    socket.write(
      `POST /api/media HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${user.token}\r\nContent-Type: ${type}\r\n` +
        `Content-Length: ${ends ? half.length : body.length}\r\n\r\n`,
    );
    socket.write(half);
    if (ends) {
      expect(await answered).toMatch(/^HTTP\/1.1 400/);
      socket.destroy();
    } else {
      await until('its first bytes are there', async () => filesIn(gateway.folder).length > before.length);
      socket.destroy();
    }
    await until('no file is left', async () => filesIn(gateway.folder).length === before.length);
    expect(
      filesIn(gateway.folder).filter(
        (path) => path.includes('/tmp/') && path.startsWith(`${gateway.folder}/tmp`),
      ),
    ).toEqual([]);
  });

  it('an Idempotency-Key › used again › gives the first media, and stores nothing twice', async () => {
    const file = { bytes: png(), type: 'image/png' };
    const send = (part: Part) =>
      postForm(`${gateway.url}/api/media`, user, form({}, part), { 'idempotency-key': 'upload-1' });
    const first = await send(file);
    const before = filesIn(gateway.folder).length;
    const second = await send(file);
    expect([second.status, second.body.id, second.headers.get('idempotent-replayed')]).toEqual([
      201,
      first.body.id,
      'true',
    ]);
    const other = await send({ bytes: png(), type: 'image/png' });
    expect([other.status, other.body.code]).toEqual([422, 'idempotency_mismatch']);
    await until('no second file is left', async () => filesIn(gateway.folder).length === before);
  });

  it('a body of JSON › made to look like a file › is refused', async () => {
    const { status, body } = await user.api.post('/api/media', {
      file: {
        storageKey: '../../etc/passwd',
        size: 1,
        mimetype: 'text/plain',
        fileName: 'x',
        sha256: 'x',
        kind: 'document',
      },
    });
    expect([status, body.errors[0].pointer]).toEqual([400, '/file']);
  });

  it('without credentials › nothing is read or stored', async () => {
    const before = filesIn(gateway.folder);
    const { status } = await postForm(`${gateway.url}/api/media`, { token: 'x' }, form({}, { bytes: png() }));
    expect(status).toBe(401);
    expect(filesIn(gateway.folder)).toEqual(before);
  });
});
