import fc from 'fast-check';
import { newAdmin } from './admin.js';
import { newNumber } from './client.js';
import { requestOf, wild, type Wild } from './fuzz.js';
import type { TestGateway } from './gateway.js';

const AT_ONCE = 20;

/** What would end the caller's own session, or is not JSON to begin with. */
const LEFT_OUT = new Set(['/api/auth/logout', '/api/auth/logout-all', '/api/auth/password']);

/**
 * So many requests, as an admin of phone 1 and message 1. Answers that no caller should ever get are `found`, with what led
 * to them; `answered` counts the others by their status.
 */
export async function fuzz(gateway: TestGateway, runs: number) {
  const admin = await newAdmin(gateway);
  const { body: phone } = await admin.api.post('/api/phones', { phoneNumber: newNumber() });
  await admin.api.post('/api/messages/send', { phoneId: phone.id, to: '+628987654321', message: 'hello' });
  const rows = gateway.gateway.endpoints.filter(({ path }) => !LEFT_OUT.has(path));
  const found: string[] = [];
  const answered = new Map<number, number>();
  async function ask(one: Wild): Promise<void> {
    const { path, init } = requestOf(one);
    const answer = await fetch(`${gateway.url}${path}`, {
      ...init,
      headers: { ...init.headers, authorization: `Bearer ${admin.token}` },
    });
    const text = await answer.text();
    answered.set(answer.status, (answered.get(answer.status) ?? 0) + 1);
    const isExpected = answer.status < 500 || (answer.status === 503 && text.includes('"unavailable"'));
    if (!isExpected || /\bat .*\.(ts|js):\d+/.test(text))
      found.push(
        `${String(init.method)} ${path} ${String(init.body).slice(0, 400)} → ${answer.status} ${text.slice(0, 300)}`,
      );
  }
  await fc.assert(
    fc.asyncProperty(fc.array(wild(rows), { minLength: AT_ONCE, maxLength: AT_ONCE }), async (batch) => {
      await Promise.all(batch.map(ask));
    }),
    { numRuns: Math.ceil(runs / AT_ONCE), endOnFailure: true },
  );
  return { found, answered };
}
