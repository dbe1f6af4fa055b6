/** What has to work before any package is there: Node's version, the packages themselves, then TypeScript through tsx. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > 20 || (major === 20 && minor >= 6)) return;
  console.error(`Node.js 20.6 or later is needed; this is ${process.version}. See https://nodejs.org/`);
  process.exit(1);
}

const readJson = (file) => JSON.parse(readFileSync(file, 'utf8'));

/** Is every package of the lock that is not for another platform in node_modules, in the lock's version? */
function packagesAreThere() {
  const installed = join(root, 'node_modules', '.package-lock.json');
  if (!existsSync(installed)) return false;
  const have = readJson(installed).packages;
  const want = Object.entries(readJson(join(root, 'package-lock.json')).packages);
  return want.every(
    ([path, entry]) =>
      !path.startsWith('node_modules/') ||
      entry.optional ||
      entry.link ||
      have[path]?.version === entry.version,
  );
}

/** `npm ci` only where nothing is there yet: it would delete what other runs in this checkout are using. */
function installPackages() {
  const quiet = ['--no-audit', '--no-fund', '--loglevel=error'];
  const tries = existsSync(join(root, 'node_modules')) ? ['install'] : ['ci', 'install'];
  for (const command of tries) {
    console.log(`installing packages (npm ${command}) …`);
    const { status } = spawnSync('npm', [command, ...quiet], {
      cwd: root,
      stdio: ['ignore', 'inherit', 'inherit'],
      shell: process.platform === 'win32',
    });
    if (status === 0) return;
  }
  console.error('the packages could not be installed: is the npm registry reachable?');
  process.exit(1);
}

/**
 * Runs a TypeScript entry of dev/src in this very process, so that there is one process to signal and to watch.
 * Its exported `main(args)` gives the exit code.
 */
export async function launch(entry, args) {
  checkNode();
  if (!packagesAreThere()) installPackages();
  const { register } = await import('tsx/esm/api');
  register();
  const { main } = await import(pathToFileURL(join(root, 'dev', 'src', entry)).href);
  process.exit(await main(args));
}
