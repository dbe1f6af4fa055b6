import { gzipSync } from 'node:zlib';
import { describe, it, expect } from '@jest/globals';
import { until } from '../support/until.js';
import { calling, dripping, MAX_ANSWER, raw, SLACK_MS, TIMEOUT_MS } from './calling.js';
import { httpPlace, tcpPlace, type Place } from './place.js';

describe('webhookClient', () => {
  describe('a receiver that takes its time', () => {
    const slow: [string, () => Promise<Place>][] = [
      ['never answers', () => tcpPlace((socket) => socket.resume())],
      ['never reads', () => tcpPlace((socket) => socket.pause())],
      ['drips its status line', () => raw('HTTP/1.1 200 ', dripping('O'))],
      ['drips headers', () => raw('HTTP/1.1 200 OK\r\n', dripping('x: y\r\n'))],
      ['drips interim answers', () => tcpPlace(dripping('HTTP/1.1 103 Early Hints\r\n\r\n'))],
    ];

    it.each(slow)('%s › is timeout, at the limit', (_what, start) =>
      calling(start(), async (post, place, url) => {
        const answer = await post(url, 'x'.repeat(8 * 1024 * 1024), {});
        expect(answer).toMatchObject({ ok: false, status: null, errorClass: 'timeout' });
        expect(answer.durationMs).toBeGreaterThanOrEqual(TIMEOUT_MS - 50);
        expect(answer.durationMs).toBeLessThan(TIMEOUT_MS + SLACK_MS);
        await until('the connection is gone', () => place.open() === 0 || place.received() < 8 * 1024 * 1024);
      }),
    );

    it('drips its body after 200 › counts by its status, and the slot is free at the limit', () =>
      calling(
        raw('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n', dripping('1\r\nx\r\n')),
        async (post, place, url) => {
          const answer = await post(url, '{}', {});
          expect(answer).toMatchObject({ ok: true, status: 200, errorClass: null });
          expect(answer.body).toMatch(/^x+$/);
          expect(answer.durationMs).toBeLessThan(TIMEOUT_MS + SLACK_MS);
          await until('the connection is gone', () => place.open() === 0);
        },
      ));

    it('drips its body for longer than the grace › frees the slot long before the limit', () =>
      calling(
        raw('HTTP/1.1 500 No\r\ntransfer-encoding: chunked\r\n\r\n', dripping('1\r\nx\r\n')),
        async (post, place, url) => {
          const answer = await post(url, '{}', {});
          expect(answer).toMatchObject({ ok: false, status: 500, errorClass: 'http' });
          expect(answer.durationMs).toBeLessThan(4000);
          await until('the connection is gone', () => place.open() === 0);
        },
        { timeoutMs: 15_000 },
      ));

    it('has a name server that never answers › is timeout', () =>
      calling(
        tcpPlace(() => undefined),
        async (post) => {
          const answer = await post('http://slow.example.com/', '{}', {});
          expect(answer).toMatchObject({ ok: false, status: null, errorClass: 'timeout' });
          expect(answer.durationMs).toBeLessThan(TIMEOUT_MS + SLACK_MS);
        },
        { lookup: () => new Promise(() => undefined) },
      ));

    it('longer than a connection may be idle › is delivered, also on a connection that was used before', () =>
      calling(
        httpPlace((res, { url }) => void setTimeout(() => res.end(), url === '/slow' ? 4500 : 0)),
        async (post, place, url) => {
          expect((await post(url, '{}', {})).ok).toBe(true);
          expect((await post(url.replace('/hook', '/slow'), '{}', {})).ok).toBe(true);
          expect(place.connections).toBe(1);
        },
        { timeoutMs: 10_000 },
      ));

    it('to close an idle connection › has it closed by us', () =>
      calling(raw('HTTP/1.1 204 No Content\r\n\r\n'), async (post, place, url) => {
        expect((await post(url, '{}', {})).ok).toBe(true);
        expect(place.open()).toBe(1);
        await until('the idle connection is gone', () => place.open() === 0);
      }));

    it('and its hundred slow Attempts › do not delay another receiver', () =>
      calling(
        tcpPlace((socket) => socket.resume()),
        async (post, _place, url) => {
          const good = await httpPlace((res) => res.end());
          const slowOnes = Array.from({ length: 100 }, () => post(url, '{}', {}));
          const answer = await post(`http://127.0.0.1:${good.port}/`, '{}', {});
          expect(answer.ok).toBe(true);
          expect(answer.durationMs).toBeLessThan(TIMEOUT_MS);
          const classes = (await Promise.all(slowOnes)).map((slowOne) => slowOne.errorClass);
          expect(new Set(classes)).toEqual(new Set(['timeout']));
          await good.stop();
        },
        { timeoutMs: 3000 },
      ));
  });

  describe('a receiver that says too much', () => {
    const flood = (status: number, size: number) =>
      httpPlace((res) => {
        res.writeHead(status, { 'content-length': size });
        const chunk = Buffer.alloc(64 * 1024, 'x');
        let left = size;
        const more = () => {
          while (left > 0 && res.write(chunk)) left -= chunk.length;
          if (left > 0) res.once('drain', more);
        };
        more();
      });

    it.each([
      [200, true, null],
      [500, false, 'http'],
    ] as const)(
      '50 MB after %d › is cut, counts by its status, and the rest is never fetched',
      (status, ok, errorClass) =>
        calling(flood(status, 50 * 1024 * 1024), async (post, place, url) => {
          const answer = await post(url, '{}', {});
          expect(answer).toMatchObject({ ok, status, errorClass });
          expect(answer.body).toBe('x'.repeat(MAX_ANSWER));
          await until('the connection is gone', () => place.open() === 0);
          expect(place.sent()).toBeLessThan(16 * 1024 * 1024);
        }),
    );

    it('one that is just as large as the limit › is whole', () =>
      calling(
        httpPlace((res) => res.end('y'.repeat(MAX_ANSWER))),
        async (post, _place, url) => {
          expect((await post(url, '{}', {})).body).toBe('y'.repeat(MAX_ANSWER));
        },
      ));

    it('letters of two bytes › are not cut in half', () =>
      calling(
        httpPlace((res) => res.end(`x${'é'.repeat(MAX_ANSWER)}`)),
        async (post, _place, url) => {
          expect((await post(url, '{}', {})).body).toBe(`x${'é'.repeat(MAX_ANSWER / 2 - 1)}`);
        },
      ));

    it('headers without end › are protocol', () =>
      calling(
        raw('HTTP/1.1 200 OK\r\n', (socket) => socket.write('x: '.padEnd(200_000, 'y'))),
        async (post, _place, url) => {
          expect(await post(url, '{}', {})).toMatchObject({
            ok: false,
            status: null,
            errorClass: 'protocol',
          });
        },
      ));

    it('compressed, though nobody asked › is not unpacked', () =>
      calling(
        httpPlace((res) =>
          res.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync('x'.repeat(10 * 1024 * 1024))),
        ),
        async (post, place, url) => {
          expect(await post(url, '{}', {})).toMatchObject({ ok: true, status: 200, body: '' });
          expect(place.requests[0]!.headers['accept-encoding']).toBe('identity');
        },
      ));
  });

  describe('a receiver that breaks off', () => {
    it('with a reset › is reset', () =>
      calling(
        raw('', (socket) => socket.resetAndDestroy()),
        async (post, _place, url) => {
          expect(await post(url, '{}', {})).toMatchObject({ ok: false, status: null, errorClass: 'reset' });
        },
      ));

    it('without an answer › is reset', () =>
      calling(
        raw('', (socket) => socket.end()),
        async (post, _place, url) => {
          expect(await post(url, '{}', {})).toMatchObject({ ok: false, status: null, errorClass: 'reset' });
        },
      ));

    it('in the middle of its body › counts by its status', () =>
      calling(
        raw('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf', (socket) =>
          setImmediate(() => socket.resetAndDestroy()),
        ),
        async (post, _place, url) => {
          expect(await post(url, '{}', {})).toMatchObject({ ok: true, status: 200, errorClass: null });
        },
      ));

    it('by speaking no HTTP › is protocol', () =>
      calling(raw('220 mail.example.com ESMTP\r\n'), async (post, _place, url) => {
        expect(await post(url, '{}', {})).toMatchObject({ ok: false, status: null, errorClass: 'protocol' });
      }));

    it('before there was a connection › is connect', async () => {
      const gone = await tcpPlace(() => undefined);
      await gone.stop();
      await calling(
        tcpPlace(() => undefined),
        async (post) => {
          const answer = await post(`http://127.0.0.1:${gone.port}/`, '{}', {});
          expect(answer).toMatchObject({
            ok: false,
            status: null,
            errorClass: 'connect',
            detail: 'ECONNREFUSED',
          });
        },
      );
    });

    it('or has a name that does not resolve › is dns', () =>
      calling(
        tcpPlace(() => undefined),
        async (post) => {
          const answer = await post('http://gone.example.com/', '{}', {});
          expect(answer).toMatchObject({ ok: false, status: null, errorClass: 'dns' });
          expect(answer.detail).toContain('ENOTFOUND');
        },
        {
          lookup: async () => {
            throw Object.assign(new Error('queryA ENOTFOUND gone.example.com'), { code: 'ENOTFOUND' });
          },
        },
      ));
  });
});
