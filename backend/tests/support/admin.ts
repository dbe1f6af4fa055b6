import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { client, newUser, type TestUser } from './client.js';
import type { TestGateway } from './gateway.js';
import { until } from './until.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const run = promisify(execFile);

/** `npm run admin` on the gateway's database. */
export const runAdmin = (gateway: Pick<TestGateway, 'database'>, ...args: string[]) =>
  run(process.execPath, ['--import', 'tsx', 'backend/src/admin.ts', ...args], {
    cwd: root,
    env: { PATH: process.env['PATH'], NODE_ENV: 'test', ...gateway.database.env },
  });

/** A fresh user who is an admin, known as one by the gateway. */
export async function newAdmin(gateway: Pick<TestGateway, 'database' | 'url'>): Promise<TestUser> {
  const admin = await newUser(gateway.url);
  await gateway.database.queryAll(`update users set role = 'admin' where id = ${admin.id}`);
  const api = client(gateway.url, { token: admin.token });
  await until('the role is known', async () => (await api.get('/api/admin/nodes')).status === 200);
  return admin;
}
