import { describe, it, expect } from '@jest/globals';
import { Webhook } from 'standardwebhooks';
import { webhookClient } from '../../src/clients/webhook.client.js';
import { signWebhook, webhookSecret } from '../../src/utils/crypto.js';
import { until } from '../support/until.js';
import { calling, SLACK_MS, TIMEOUT_MS } from './calling.js';
import { certificate } from './certificate.js';
import { httpPlace, httpsPlace, tcpPlace } from './place.js';

describe('webhookClient', () => {
  describe('a receiver that answers 2xx', () => {
    it('is delivered: POST, path, headers and bytes as they were given', () =>
      calling(
        httpPlace((res) => res.writeHead(201, { 'content-type': 'text/plain' }).end('thanks, é')),
        async (post, place, url) => {
          const body = '{ "é":\t"\\u0000 \u{1f600}" }';
          const headers = {
            'content-type': 'application/json',
            'webhook-id': 'evt_1',
            'user-agent': 'Evolution-Gateway',
          };
          const answer = await post(`${url}?a=1&b=%20`, body, headers);
          expect(answer).toEqual({
            ok: true,
            status: 201,
            body: 'thanks, é',
            errorClass: null,
            retryAfterMs: null,
            durationMs: expect.any(Number),
          });
          expect(place.requests).toHaveLength(1);
          expect(place.requests[0]).toMatchObject({ method: 'POST', url: '/hook?a=1&b=%20', body, headers });
          expect(place.requests[0]!.headers['content-length']).toBe(String(Buffer.byteLength(body)));
        },
      ));

    it('verifies the signature with the standardwebhooks package', () =>
      calling(
        httpPlace((res) => res.writeHead(204).end()),
        async (post, place, url) => {
          const [secret, time] = [webhookSecret(), Math.floor(Date.now() / 1000)];
          const body = JSON.stringify({ id: 'evt_1', data: { message: 'Halo 👋' } });
          await post(url, body, {
            'content-type': 'application/json',
            'webhook-id': 'evt_1',
            'webhook-timestamp': String(time),
            'webhook-signature': signWebhook([webhookSecret(), secret], 'evt_1', time, body),
          });
          const { body: received, headers } = place.requests[0]!;
          expect(new Webhook(secret).verify(received, headers as Record<string, string>)).toEqual(
            JSON.parse(body),
          );
        },
      ));

    it('cannot be told another host or length by a header', () =>
      calling(
        httpPlace((res) => res.end()),
        async (post, place, url) => {
          const headers = {
            Host: 'evil.test',
            'Content-Length': '1',
            'transfer-encoding': 'chunked',
            Connection: 'close',
          };
          expect((await post(url, '{"whole":true}', { ...headers, 'x-own': 'kept' })).ok).toBe(true);
          const { headers: received, body } = place.requests[0]!;
          expect(received).toMatchObject({
            host: `127.0.0.1:${place.port}`,
            'content-length': '14',
            'x-own': 'kept',
          });
          expect(received['transfer-encoding']).toBeUndefined();
          expect(body).toBe('{"whole":true}');
        },
      ));

    it('keeps its connection for the next Attempt', () =>
      calling(
        httpPlace((res) => res.end('whole')),
        async (post, place, url) => {
          for (let i = 0; i < 5; i++) expect((await post(url, '{}', {})).ok).toBe(true);
          expect(place.connections).toBe(1);
        },
      ));

    it('is called directly, whatever proxy the environment names', () =>
      calling(
        httpPlace((res) => res.end('direct')),
        async (post, _place, url) => {
          const proxy = await httpPlace((res) => res.end('proxied'));
          const names = ['HTTP_PROXY', 'http_proxy', 'ALL_PROXY', 'all_proxy'];
          for (const name of names) process.env[name] = `http://127.0.0.1:${proxy.port}`;
          try {
            expect((await post(url, '{}', {})).body).toBe('direct');
            expect(proxy.connections).toBe(0);
          } finally {
            for (const name of names) delete process.env[name];
            await proxy.stop();
          }
        },
      ));
  });

  describe('a receiver that answers something else', () => {
    it.each([400, 401, 404, 408, 410, 418, 429, 500, 502, 503])('%d › is http, with the status', (status) =>
      calling(
        httpPlace((res) => res.writeHead(status).end('no')),
        async (post, _place, url) => {
          expect(await post(url, '{}', {})).toMatchObject({
            ok: false,
            status,
            body: 'no',
            errorClass: 'http',
          });
        },
      ),
    );

    it.each([300, 301, 302, 303, 304, 307, 308])('%d › is redirect, and is not followed', (status) =>
      calling(
        httpPlace((res) => res.end('reached')),
        async (post, next) => {
          const location = `http://127.0.0.1:${next.port}/next`;
          const first = await httpPlace((res) => res.writeHead(status, { location }).end());
          const answer = await post(`http://127.0.0.1:${first.port}/`, '{}', {});
          await first.stop();
          expect(answer).toMatchObject({ ok: false, status, errorClass: 'redirect' });
          expect(answer.detail).toContain(location);
          expect(next.connections).toBe(0);
        },
      ),
    );

    it.each([
      ['seconds', '120', 120_000],
      ['no seconds', '0', 0],
      ['more than a day', '999999', 24 * 3600 * 1000],
      ['more than a number holds', '999999999999', 24 * 3600 * 1000],
      ['a date long past', 'Sun, 06 Nov 1994 08:49:37 GMT', 0],
      ['a date far off', 'Fri, 31 Dec 2999 23:59:59 GMT', 24 * 3600 * 1000],
      ['a negative number', '-5', null],
      ['words', 'soon', null],
      ['a year', '2999-01-01', null],
      ['a date that is none', 'Foo, 99 Bar 2999 99:99:99 GMT', null],
    ])('Retry-After with %s › is understood', (_what, header, expected) =>
      calling(
        httpPlace((res) => res.writeHead(429, { 'retry-after': header }).end()),
        async (post, _place, url) => {
          expect(await post(url, '{}', {})).toMatchObject({
            status: 429,
            errorClass: 'http',
            retryAfterMs: expected,
          });
        },
      ),
    );

    it('Retry-After with a date › is the time until then', () =>
      calling(
        httpPlace((res) =>
          res.writeHead(503, { 'retry-after': new Date(Date.now() + 90_000).toUTCString() }).end(),
        ),
        async (post, _place, url) => {
          const { retryAfterMs } = await post(url, '{}', {});
          expect(retryAfterMs).toBeGreaterThan(80_000);
          expect(retryAfterMs).toBeLessThanOrEqual(90_000);
        },
      ));
  });

  describe('a receiver with TLS', () => {
    const lookup = async () => ['127.0.0.1'];
    const secure = () => httpsPlace(certificate, (res) => res.end('secured'));

    it('and a trusted certificate of its name › is delivered, on one connection', () =>
      calling(
        secure(),
        async (post, place) => {
          const url = `https://receiver.test:${place.port}/hook`;
          expect(await post(url, '{}', {})).toMatchObject({ ok: true, body: 'secured' });
          expect(await post(url, '{}', {})).toMatchObject({ ok: true, body: 'secured' });
          expect(place.connections).toBe(1);
        },
        { lookup, ca: certificate.cert },
      ));

    it.each([
      ['that nobody trusts', 'https://receiver.test', undefined],
      ['of another name', 'https://other.test', certificate.cert],
      ['that does not name its address', 'https://127.0.0.1', certificate.cert],
    ])('and a certificate %s › is tls, and nothing is sent', (_what, origin, ca) =>
      calling(
        secure(),
        async (post, place) => {
          const answer = await post(`${origin}:${place.port}/hook`, '{}', {});
          expect(answer).toMatchObject({ ok: false, status: null, errorClass: 'tls' });
          expect(answer.detail).toMatch(/CERT|ALTNAME/);
          expect(place.connections).toBe(1);
          expect(place.requests).toHaveLength(0);
        },
        { lookup, ...(ca ? { ca } : {}) },
      ),
    );

    it('that is none › is tls', () =>
      calling(
        httpPlace((res) => res.end()),
        async (post, place) => {
          expect(await post(`https://127.0.0.1:${place.port}/`, '{}', {})).toMatchObject({
            errorClass: 'tls',
          });
          expect(place.requests).toHaveLength(0);
        },
      ));

    it('that never shakes hands › is timeout', () =>
      calling(
        tcpPlace((socket) => socket.resume()),
        async (post, place) => {
          const answer = await post(`https://127.0.0.1:${place.port}/`, '{}', {});
          expect(answer).toMatchObject({ ok: false, errorClass: 'timeout' });
          expect(answer.durationMs).toBeLessThan(TIMEOUT_MS + SLACK_MS);
          await until('the connection is gone', () => place.open() === 0);
        },
      ));
  });

  describe('close', () => {
    it('ends what is in flight, and what is idle', () =>
      calling(
        httpPlace((res, request) => request.url === '/quick' && res.end()),
        async (_post, place) => {
          const client = webhookClient({
            allowedPrivateNetworks: ['127.0.0.0/8'],
            timeoutMs: 30_000,
            maxAnswerBytes: 10,
          });
          const origin = `http://127.0.0.1:${place.port}`;
          await client.post(`${origin}/quick`, '{}', {});
          expect(place.open()).toBe(1);
          const pending = client.post(`${origin}/hangs`, '{}', {});
          await until('the request is there', () => place.requests.length === 2);
          client.close();
          expect(await pending).toMatchObject({ ok: false, errorClass: 'reset' });
          await until('no connection is left', () => place.open() === 0);
        },
      ));
  });
});
