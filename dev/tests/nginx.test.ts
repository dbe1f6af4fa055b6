import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import { describe, expect, it } from '@jest/globals';
import { until } from '../src/wait.js';
import { ask, closeDoors, door, expectProblem, raw, upstream } from './support/door.js';

closeDoors();

describe('the front door', () => {
  it('paths of the gateway › reach it unchanged, and nothing else does', async () => {
    const gateway = await upstream();
    const { front } = await door({ gateway: [gateway.address] });
    const ours = [
      '/api',
      '/api/phones?limit=2&x=%2F',
      '/api-docs',
      '/api-docs/openapi.json',
      '/health',
      '/health/ready',
    ];
    for (const path of ours) expect((await ask(front, path)).status).toBe(200);
    expect(gateway.seen.map(({ url }) => url)).toEqual(ours);
    for (const path of [
      '/',
      '/apis',
      '/inbound/plc_1',
      '/healthy',
      '/metrics',
      '/instance/create',
      '/problem/502',
    ])
      expectProblem(await ask(front, path), 404, 'not_found');
    expect(gateway.seen).toHaveLength(ours.length);
  });

  it('a request id of the caller › is passed on when well-formed, replaced otherwise, and logged', async () => {
    const gateway = await upstream();
    const { front, logFile } = await door({ gateway: [gateway.address] });
    await ask(front, '/api/a?token=secret', { headers: { 'x-request-id': 'mine-1' } });
    await ask(front, '/api/b', { headers: { 'x-request-id': 'no"good' } });
    await ask(front, '/api/c');
    const [kept, replaced, made] = gateway.seen.map(({ headers }) => headers['x-request-id']);
    expect(kept).toBe('mine-1');
    expect(replaced).toMatch(/^[0-9a-f]{32}$/);
    expect(made).toMatch(/^[0-9a-f]{32}$/);
    const log = await until('three lines of log', () => {
      const lines = readFileSync(logFile, 'utf8')
        .split('\n')
        .filter((text) => text.startsWith('{'));
      return lines.length >= 4 ? lines : null;
    });
    const [line] = log.filter((text) => text.includes('/api/a')).map((text) => JSON.parse(text));
    expect(line).toMatchObject({ requestId: 'mine-1', method: 'GET', path: '/api/a', status: '200' });
    expect(log.join('')).not.toContain('secret');
  });

  it('a spoofed X-Forwarded-For › is replaced by the address that connected', async () => {
    const gateway = await upstream();
    const { front } = await door({ gateway: [gateway.address] });
    await ask(front, '/api/x', {
      headers: { 'x-forwarded-for': '8.8.8.8, 9.9.9.9', 'x-real-ip': '8.8.8.8', forwarded: 'for=8.8.8.8' },
    });
    expect(gateway.seen[0]?.headers).toMatchObject({
      'x-forwarded-for': '127.0.0.1',
      'x-real-ip': '127.0.0.1',
      'x-forwarded-proto': 'http',
      host: front,
    });
    expect(gateway.seen[0]?.headers).not.toHaveProperty('forwarded');
  });

  it('a WebSocket › is upgraded and carries bytes both ways', async () => {
    const gateway = await upstream();
    const { front } = await door({ gateway: [gateway.address] });
    const echoed = await new Promise<string>((resolve, reject) => {
      const headers = { Connection: 'Upgrade', Upgrade: 'websocket' };
      const asked = request(`http://${front}/socket.io/?EIO=4&transport=websocket`, {
        headers,
        agent: false,
      });
      asked.once('error', reject);
      asked.once('response', (answer) => reject(new Error(`answered ${answer.statusCode}`)));
      asked.once('upgrade', (_answer, socket) => {
        socket.once('data', (data) => {
          socket.destroy();
          resolve(data.toString());
        });
        socket.write('hello');
      });
      asked.end();
    });
    expect(echoed).toBe('echo hello');
    expect(gateway.seen[0]).toMatchObject({
      method: 'UPGRADE',
      url: '/socket.io/?EIO=4&transport=websocket',
    });
  });

  it('regression › an upgrade asked for below /api › reaches the gateway as a plain request', async () => {
    const gateway = await upstream();
    const { front } = await door({ gateway: [gateway.address] });
    const headers = { connection: 'upgrade', upgrade: 'websocket' };
    expect((await ask(front, '/api/events', { headers })).status).toBe(200);
    expect(gateway.seen[0]).toMatchObject({ method: 'GET' });
    expect(gateway.seen[0]?.headers).not.toHaveProperty('connection');
    expect(gateway.seen[0]?.headers).not.toHaveProperty('upgrade');
  });

  it('polls of one socket client › all meet the same of two gateways', async () => {
    const two = [await upstream(), await upstream()];
    const { front } = await door({ gateway: two.map(({ address }) => address) });
    const answers = new Set<string>();
    for (let n = 0; n < 10; n += 1)
      answers.add((await ask(front, '/socket.io/?EIO=4&transport=polling')).text);
    expect(answers.size).toBe(1);
  });

  it('its answers › name neither version nor upstream', async () => {
    const { front } = await door({});
    const { headers } = await ask(front, '/api/x');
    expect(headers['server']).toBe('nginx');
    expect(headers).not.toHaveProperty('x-powered-by');
  });
});

describe('what nginx answers itself', () => {
  it('a body over 110 MB below /api › is 413, and the gateway sees nothing of it', async () => {
    const gateway = await upstream();
    const { front } = await door({ gateway: [gateway.address] });
    const answer = await raw(
      front,
      `POST /api/media HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: ${110 * 1024 * 1024 + 1}\r\n\r\n`,
    );
    expect(answer).toMatch(/^HTTP\/1\.1 413 /);
    expect(answer).toContain('application/problem+json');
    expect(answer).toContain('"code":"payload_too_large"');
    expect(gateway.seen).toEqual([]);
  });

  it('two megabytes › pass below /api and to /inbound, and are 413 elsewhere', async () => {
    const [gateway, inbound] = [await upstream(), await upstream()];
    const { front, internal } = await door({ gateway: [gateway.address], inbound: [inbound.address] });
    const body = Buffer.alloc(2 * 1024 * 1024, 'a');
    expect((await ask(front, '/api/messages/send', { method: 'POST', body })).status).toBe(200);
    expect((await ask(internal, '/inbound/plc_1', { method: 'POST', body })).status).toBe(200);
    expect([gateway.seen[0]?.bytes, inbound.seen[0]?.bytes]).toEqual([body.length, body.length]);
    expectProblem(await ask(front, '/health', { method: 'POST', body }), 413, 'payload_too_large');
    expect(gateway.seen).toHaveLength(1);
  });

  it('a body over 64 MB to /inbound › is 413', async () => {
    const inbound = await upstream();
    const { internal } = await door({ inbound: [inbound.address] });
    const head = `POST /inbound/p HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: ${64 * 1024 * 1024 + 1}\r\n\r\n`;
    expect(await raw(internal, head)).toMatch(/^HTTP\/1\.1 413 /);
    expect(inbound.seen).toEqual([]);
  });

  it('no gateway at all › is 502', async () => {
    const { front } = await door({});
    expectProblem(await ask(front, '/api/phones'), 502, 'bad_gateway');
    expectProblem(await ask(front, '/health'), 502, 'bad_gateway');
  });

  it('a gateway that does not answer in time › is 504', async () => {
    const gateway = await upstream(() => undefined);
    const { front } = await door({ gateway: [gateway.address], local: { proxy_read_timeout: '300ms' } });
    expectProblem(await ask(front, '/api/phones', { method: 'POST', body: '{}' }), 504, 'gateway_timeout');
    expect(gateway.seen).toHaveLength(1);
  });

  it('broken HTTP, a long address, large headers › are 400, 414 and 431', async () => {
    const { front } = await door({});
    const head = (line: string, header = '') =>
      `${line} HTTP/1.1\r\nHost: x\r\n${header}Connection: close\r\n\r\n`;
    const answers = [
      await raw(front, 'GET / HTTP/1.1\r\nHost: x\r\nContent-Length: many\r\n\r\n'),
      await raw(front, head(`GET /api/${'a'.repeat(40_000)}`)),
      await raw(front, head('GET /api/x', `X-Large: ${'a'.repeat(40_000)}\r\n`)),
    ];
    const codes = ['400 invalid_request', '414 uri_too_long', '431 headers_too_large'];
    for (const [n, answer] of answers.entries()) {
      const [status, code] = (codes[n] ?? '').split(' ');
      expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
      expect(answer).toContain('application/problem+json');
      expect(answer).toContain(`"code":"${code}"`);
    }
  });

  it('regression › methods that nobody takes › are 405, and the gateway sees nothing of them', async () => {
    const gateway = await upstream();
    const { front } = await door({ gateway: [gateway.address] });
    for (const method of ['TRACE', 'FOO', 'CONNECT']) {
      const answer = await raw(
        front,
        `${method} /api/phones HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`,
      );
      expect(answer).toMatch(/^HTTP\/1\.1 405 /);
      expect(answer).toContain('application/problem+json');
      expect(answer).toContain('"code":"method_not_allowed"');
      expect(answer).toMatch(/^Allow: GET, /m);
    }
    expect(gateway.seen).toEqual([]);
  });

  it("the gateway's own errors › pass untouched", async () => {
    const gateway = await upstream((_req, res) => {
      res.writeHead(404, { 'content-type': 'application/problem+json' }).end('{"code":"ours"}');
    });
    const { front } = await door({ gateway: [gateway.address] });
    expect(await ask(front, '/api/phones/9')).toMatchObject({ status: 404, text: '{"code":"ours"}' });
  });
});
