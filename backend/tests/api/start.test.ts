import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startGatewayProcess, type GatewayProcess } from '../support/process.js';

const OTHER = 'another-jwt-secret-0123456789abcdef012345';

describe('the start of the gateway', () => {
  let gateway: GatewayProcess;
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
    gateway = await startGatewayProcess();
    expect(await call('/api/auth/register')).toBe(201);
    await gateway.end('SIGTERM');
  }, 60_000);
  afterAll(async () => gateway?.stop());

  it('regression › with another JWT_SECRET › is refused in one line, before anyone is told 500', async () => {
    await expect(gateway.start({ JWT_SECRET: OTHER })).rejects.toThrow('ended');
    const [line] = gateway.output().trim().split('\n').slice(-1);
    expect(JSON.parse(line!)).toMatchObject({
      level: 'error',
      message: expect.stringContaining('"JWT_SECRET" is not the one'),
    });
  });

  it('with another JWT_SECRET, and the former as JWT_SECRET_PREVIOUS › works on what was sealed before', async () => {
    await gateway.start({
      JWT_SECRET: OTHER,
      JWT_SECRET_PREVIOUS: 'test-jwt-secret-0123456789abcdef0123456789',
    });
    expect(await call('/api/auth/login', { email: account.email, password: account.password })).toBe(200);
    await gateway.end('SIGTERM');
  });
});
