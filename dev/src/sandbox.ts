import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { readSettings, root, UserError, type Given } from './settings.js';

/** What one node of the sandbox runs with, on the servers that `.env` names for the gateway. @throws UserError */
export function sandboxEnvironment(given: Given): Record<string, string> {
  const needed = (name: string): string => {
    const value = given[name];
    if (value === undefined)
      throw new UserError(`${name} is needed: in backend/.env, .env or the environment`);
    return value;
  };
  const server = (scheme: string, user: string, password: string, at: { host: string; port: string }) => {
    const login = password === '' ? '' : `${encodeURIComponent(user)}:${encodeURIComponent(password)}@`;
    return `${scheme}://${login}${at.host}:${at.port}`;
  };
  const { DB_HOST = 'localhost', DB_PORT = '5432', DB_USER = 'evolution_user' } = given;
  const { REDIS_HOST = 'localhost', REDIS_PORT = '6379', REDIS_PASSWORD = '' } = given;
  const database = () => server('postgres', DB_USER, needed('DB_PASSWORD'), { host: DB_HOST, port: DB_PORT });
  const redis = () => server('redis', '', REDIS_PASSWORD, { host: REDIS_HOST, port: REDIS_PORT });
  return {
    // Nodes keep their rows and keys apart from the gateway's.
    SANDBOX_DATABASE_URL: given['EVOLUTION_DATABASE_URL'] ?? `${database()}/evolution_nodes`,
    SANDBOX_REDIS_URL: given['EVOLUTION_REDIS_URL'] ?? `${redis()}/1`,
    SANDBOX_API_KEY: needed('EVOLUTION_API_KEY'),
    ...(Object.fromEntries(Object.entries(given).filter(([name]) => name.startsWith('SANDBOX_'))) as Record<
      string,
      string
    >),
  };
}

/** `npm run sandbox`. Resolves with the exit code of the node. */
export async function main(): Promise<number> {
  try {
    const env = sandboxEnvironment(readSettings().given);
    const { SANDBOX_NAME: name = 'node-1', SANDBOX_PORT: port = '8081' } = env;
    console.log(
      `a simulated node; the gateway reaches it with EVOLUTION_NODES=${name}=http://localhost:${port}`,
    );
    const node = spawn(process.execPath, ['--import', 'tsx', join(root, 'sandbox/src/server.ts')], {
      cwd: root,
      stdio: 'inherit',
      env: { ...process.env, ...env },
    });
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => node.kill(signal));
    return await new Promise((resolve) => node.once('exit', (code) => resolve(code ?? 1)));
  } catch (error) {
    console.error((error as Error).message);
    return 1;
  }
}
