import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { beside } from './lock.js';
import { isBrought } from './plan.js';
import { readSettings, root, UserError, type Settings } from './settings.js';

/** What to do where there is nothing to work on. */
function nothingThere({ dataDir, given }: Settings): UserError {
  const none = `no \`npm start\` runs with DATA_DIR=${dataDir}`;
  const { DB_HOST: host, DB_PORT: port = '5432' } = given;
  return new UserError(
    host === undefined
      ? `${none}: start it first, or name a database of yours (DB_HOST, DB_PASSWORD)`
      : `nothing answers at ${host}:${port}, which .env names, and ${none}: start one of them first`,
  );
}

/**
 * What a command that works on the gateway's data gets beyond the environment and `.env`: nothing where these name a
 * database, else what the gateway of the `npm start` with this DATA_DIR runs with.
 * @throws UserError when there is neither
 */
export async function environmentBeside(settings: Settings): Promise<Record<string, string>> {
  const { dataDir, given } = settings;
  if (await isBrought(settings, 'DB')) return {};
  const running = beside(dataDir);
  // One with a password and no host means the server at the default one.
  const namesOne = given['DB_HOST'] === undefined && given['DB_PASSWORD'] !== undefined;
  if (running === null && namesOne) return {};
  if (running === null) throw nothingThere(settings);
  if (running['DB_HOST'] === undefined)
    throw new UserError('`npm start` has not come far enough: try again when it says `ready`');
  return running;
}

/** `npm run admin`, `npm run reseal`: an entry of the backend, with its arguments. Resolves with its exit code. */
export async function main([entry = '', ...args]: string[]): Promise<number> {
  try {
    const env = await environmentBeside(readSettings());
    const file = join(root, 'backend', 'src', `${entry}.ts`);
    const command = spawn(process.execPath, ['--import', 'tsx', file, ...args], {
      cwd: root,
      stdio: 'inherit',
      env: { ...process.env, ...env },
    });
    return await new Promise((resolve) => command.once('exit', (code) => resolve(code ?? 1)));
  } catch (error) {
    console.error((error as Error).message);
    return 1;
  }
}
