import { randomBytes, randomInt } from 'node:crypto';
import { noteSecrets } from './secrets.js';
import { until } from './until.js';

export interface Answer {
  status: number;
  headers: Headers;
  body: any;
}

/** Calls the gateway as its users do. */
export function client(base: string, credentials: { token?: string; apiKey?: string } = {}) {
  const call = async (
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer> => {
    const answer = await fetch(`${base}${path}`, {
      method,
      headers: {
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(credentials.token ? { authorization: `Bearer ${credentials.token}` } : {}),
        ...(credentials.apiKey ? { 'x-api-key': credentials.apiKey } : {}),
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await answer.text();
    return { status: answer.status, headers: answer.headers, body: text ? JSON.parse(text) : null };
  };
  return {
    get: (path: string, headers?: Record<string, string>) => call('GET', path, undefined, headers),
    post: (path: string, body?: unknown, headers?: Record<string, string>) =>
      call('POST', path, body, headers),
    call,
  };
}
export type Client = ReturnType<typeof client>;

/** A fresh user; nobody else's names collide with its. */
export async function newUser(base: string) {
  const tag = randomBytes(5).toString('hex');
  const account = { username: `user_${tag}`, email: `${tag}@example.com`, password: `Secure-${tag}` };
  noteSecrets([account.password]);
  const { status, body } = await client(base).post('/api/auth/register', account);
  if (status !== 201) throw new Error(`register: ${status} ${JSON.stringify(body)}`);
  return {
    ...account,
    id: body.user.id as number,
    token: body.token as string,
    apiKey: body.apiKey as string,
    api: client(base, { token: body.token }),
  };
}
export type TestUser = Awaited<ReturnType<typeof newUser>>;

const given = new Set<string>();

/** A number nobody else has; its last four digits are of a contact that behaves plainly. */
export function newNumber(): string {
  const number = `+62812${String(randomInt(10 ** 6)).padStart(6, '0')}${randomInt(1, 9)}5`;
  if (given.has(number)) return newNumber();
  given.add(number);
  return number;
}

/** Adds a phone and waits until its simulated owner has scanned the code. */
export async function newPhone(user: TestUser, more: { webhookUrl?: string; phoneNumber?: string } = {}) {
  const { status, body } = await user.api.post('/api/phones', {
    phoneNumber: newNumber(),
    deviceName: 'Test',
    ...more,
  });
  if (status !== 201) throw new Error(`add phone: ${status} ${JSON.stringify(body)}`);
  await until(
    'the phone is connected',
    async () => {
      const { body: now } = await user.api.get(`/api/phones/${body.id}`);
      if (now.status !== 'connected') throw new Error(`status ${now.status} (${now.reason})`);
      return true;
    },
    150_000,
  );
  return body as { id: number; phoneNumber: string; token: string; webhookSecret: string | null };
}

/** Waits until a message has one of these statuses, and returns it. */
export const settled = (user: TestUser, id: number, statuses: string[], patience = 150_000): Promise<any> =>
  until(
    `message ${id} is ${statuses.join(' or ')}`,
    async () => {
      const { body } = await user.api.get(`/api/messages/${id}`);
      if (!statuses.includes(body.status)) throw new Error(`status ${body.status} (${body.reason})`);
      return body;
    },
    patience,
  );
