import fc from 'fast-check';
import { newAdmin } from './admin.js';
import { newNumber } from './client.js';
import { requestOf, wild, type Wild, type WildCaller } from './fuzz.js';
import type { TestGateway } from './gateway.js';

const AT_ONCE = 20;

/** What would end the caller's own session. */
const LEFT_OUT = new Set(['/api/auth/logout', '/api/auth/logout-all', '/api/auth/password']);

/**
 * So many requests, most of them as an admin of phone 1 and message 1, some by that phone's token, by nobody, or by a
 * credential that is none. Answers that no caller should ever get are `found`, with what led to them; `answered` counts the
 * admin's by their status.
 */
export async function fuzz(gateway: TestGateway, runs: number) {
  const admin = await newAdmin(gateway);
  const { body: phone } = await admin.api.post('/api/phones', { phoneNumber: newNumber() });
  await admin.api.post('/api/messages/send', { phoneId: phone.id, to: '+628987654321', message: 'hello' });
  const rows = gateway.gateway.endpoints.filter(({ path }) => !LEFT_OUT.has(path));
  const credentials: Record<WildCaller, Record<string, string>> = {
    admin: { authorization: `Bearer ${admin.token}` },
    phone: { 'x-api-key': phone.token },
    nobody: {},
    nonsense: { authorization: 'Basic \u00e9=', 'x-api-key': 'ev_', 'x-forwarded-for': '::, 1.2.3.4' },
  };
  const found: string[] = [];
  const answered = new Map<number, number>();
  async function ask(one: Wild): Promise<void> {
    const { path, init } = requestOf(one);
    const send = () =>
      fetch(`${gateway.url}${path}`, {
        ...init,
        headers: { ...init.headers, ...credentials[one.caller] },
      });
    // A connection that idled while requests were thought of may just have been closed; one that this request resets is reset again.
    const answer = await send().catch((error: Error) => {
      if ((error.cause as { code?: unknown } | undefined)?.code !== 'ECONNRESET') throw error;
      return send();
    });
    const text = await answer.text();
    if (one.caller === 'admin') answered.set(answer.status, (answered.get(answer.status) ?? 0) + 1);
    const isLetIn = one.caller !== 'admin' && one.row.access === 'admin' && answer.status < 400;
    const isExpected = answer.status < 500 || (answer.status === 503 && text.includes('"unavailable"'));
    if (!isExpected || isLetIn || /\bat .*\.(ts|js):\d+/.test(text))
      found.push(
        `${one.caller}: ${String(init.method)} ${path} ${String(init.body).slice(0, 400)} → ${answer.status} ${text.slice(0, 300)}`,
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
