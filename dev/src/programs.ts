import { accessSync, constants, existsSync, readdirSync } from 'node:fs';
import { delimiter, isAbsolute, join } from 'node:path';

/** Where servers live although a user's PATH does not say so: Debian's sbin, Homebrew on both kinds of Mac. */
const BEYOND_PATH = [
  '/usr/sbin',
  '/usr/local/sbin',
  '/usr/bin',
  '/usr/local/bin',
  '/opt/homebrew/bin',
  '/opt/homebrew/sbin',
];

const runs = (file: string): boolean => {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
};

/** The first of `names` that can be run here, as an absolute path; null when there is none. */
export function findProgram(...names: string[]): string | null {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter).filter(Boolean), ...BEYOND_PATH];
  for (const name of names) {
    if (isAbsolute(name)) return runs(name) ? name : null;
    const found = folders.map((folder) => join(folder, name)).find(runs);
    if (found) return found;
  }
  return null;
}

export const findRedis = (): string | null => findProgram('redis-server', 'valkey-server');

/** `NGINX=none` does without one that is here; `NGINX=/path/to/nginx` takes another. */
export function findNginx(): string | null {
  const chosen = process.env['NGINX'];
  if (chosen === 'none') return null;
  return findProgram(chosen || 'nginx');
}

/** The one command that brings what is missing, as far as this machine lets us guess it. */
export function installCommand(what: { debian: string; brew: string }): string {
  if (findProgram('apt-get')) return `sudo apt-get install -y ${what.debian}`;
  return process.platform === 'darwin' ? `brew install ${what.brew}` : `install ${what.debian}`;
}

const list = (folder: string): string[] => (existsSync(folder) ? readdirSync(folder) : []);

/** Folders that hold a PostgreSQL server, newest-first after the wanted major version; [] when there is none. */
export function findPostgres(): { major: number; bin: string }[] {
  const debian = list('/usr/lib/postgresql').map((name) => ({
    major: Number(name),
    bin: `/usr/lib/postgresql/${name}/bin`,
  }));
  const brew = ['/opt/homebrew/opt', '/usr/local/opt'].flatMap((opt) =>
    list(opt)
      .filter((name) => name.startsWith('postgresql@'))
      .map((name) => ({ major: Number(name.slice('postgresql@'.length)), bin: join(opt, name, 'bin') })),
  );
  return [...debian, ...brew]
    .filter(({ major, bin }) => major >= 15 && runs(join(bin, 'initdb')) && runs(join(bin, 'postgres')))
    .sort((a, b) => a.major - b.major);
}
