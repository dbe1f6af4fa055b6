import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { freePort } from '../../../dev/src/ports.js';
import { listening } from '../support/frame.js';
import { startGatewayProcess, type GatewayProcess } from '../support/process.js';

const OTHER = 'another-jwt-secret-0123456789abcdef012345';
const CHANGED = { JWT_SECRET: OTHER, JWT_SECRET_PREVIOUS: 'test-jwt-secret-0123456789abcdef0123456789' };

describe('the start of the gateway', () => {
  let gateway: GatewayProcess;
  let taken: Awaited<ReturnType<typeof listening>>;
  const account = { username: 'sealed', email: 'sealed@example.com', password: 'SecurePass123' };
  const call = async (path: string, body: object = account) => {
    const answer = await fetch(gateway.url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    return answer.status;
  };

  beforeAll(async () => {
    taken = await listening((_req, res) => res.writeHead(404).end());
    gateway = await startGatewayProcess();
    expect(await call('/api/auth/register')).toBe(201);
    await gateway.end('SIGTERM');
  });
  afterAll(async () => {
    await taken?.stop();
    await gateway?.stop();
  });

  it('regression › with another JWT_SECRET › is refused in one line, before anyone is told 500', async () => {
    await expect(gateway.start({ JWT_SECRET: OTHER })).rejects.toThrow('ended');
    const [line] = gateway.output().trim().split('\n').slice(-1);
    expect(JSON.parse(line!)).toMatchObject({
      level: 'error',
      message: expect.stringMatching(/"JWT_SECRET" is not the one.*DATA_DIR\/kept\.json/),
    });
  });

  it('with another JWT_SECRET, and the former as JWT_SECRET_PREVIOUS › works on what was sealed before', async () => {
    await gateway.start(CHANGED);
    expect(await call('/api/auth/login', { email: account.email, password: account.password })).toBe(200);
    await gateway.end('SIGTERM');
  });

  it.each([
    [
      'without its database',
      async () => ({ DB_PORT: String(await freePort()) }),
      /^Database \(.*\): .*ECONNREFUSED/,
    ],
    [
      'on a port that is taken',
      async () => ({ PORT: new URL(taken.url).port, HOST: '127.0.0.1' }),
      /^Ports: listen EADDRINUSE/,
    ],
  ])('regression › %s › ends with one line, without a stack', async (_how, changes, why) => {
    const before = gateway.output().length;
    await expect(gateway.start({ ...CHANGED, ...(await changes()) })).rejects.toThrow('ended');
    const said = gateway.output().slice(before).trim().split('\n');
    const faults = said.map((line) => JSON.parse(line)).filter(({ level }) => level === 'error');
    expect(faults).toEqual([
      { level: 'error', message: expect.stringMatching(why), timestamp: expect.any(String) },
    ]);
  });
});
