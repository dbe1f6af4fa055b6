import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { findProgram } from './programs.js';

const MARK = 'written for the time of one installation by evolution-gateway';
const POLICY = '/usr/sbin/policy-rc.d';
const CLUSTERS = '/etc/postgresql-common/createcluster.d';

/** Can packages be installed here: a Debian, and we are root? */
export const aptWorks = (): boolean =>
  process.platform === 'linux' && process.getuid?.() === 0 && findProgram('apt-get') !== null;

function apt(args: string[]): Promise<{ code: number; output: string }> {
  return new Promise((resolve) => {
    const child = spawn(
      'apt-get',
      ['-y', '-q', '-o', 'DPkg::Lock::Timeout=300', '-o', 'Dpkg::Options::=--force-confold', ...args],
      {
        stdio: ['ignore', 'pipe', 'pipe'],
        // RUNLEVEL=1 keeps invoke-rc.d from starting what it installs where no policy can be written.
        env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' },
      },
    );
    let output = '';
    const keep = (chunk: Buffer) => (output = (output + chunk.toString()).slice(-8000));
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    child.once('error', (error) => resolve({ code: 127, output: error.message }));
    child.once('close', (code) => resolve({ code: code ?? 1, output }));
  });
}

/**
 * Debian's packages start redis and nginx on their standard ports and make a PostgreSQL cluster as they are
 * installed. Two files forbid it; both are gone again when `work` ends.
 */
async function quietly<T>(work: () => Promise<T>): Promise<T> {
  const stale = existsSync(POLICY) && readFileSync(POLICY, 'utf8').includes(MARK);
  const ourPolicy = stale || !existsSync(POLICY);
  const madeFolders = ['/etc/postgresql-common', CLUSTERS].filter((folder) => !existsSync(folder));
  if (ourPolicy) writeFileSync(POLICY, `#!/bin/sh\n# ${MARK}\nexit 101\n`, { mode: 0o755 });
  mkdirSync(CLUSTERS, { recursive: true });
  writeFileSync(`${CLUSTERS}/evolution-gateway.conf`, `# ${MARK}\ncreate_main_cluster = false\n`);
  try {
    return await work();
  } finally {
    if (ourPolicy) rmSync(POLICY, { force: true });
    rmSync(`${CLUSTERS}/evolution-gateway.conf`, { force: true });
    for (const folder of madeFolders.reverse()) if (readdirSync(folder).length === 0) rmdirSync(folder);
  }
}

const hasLists = (): boolean => readdirSync('/var/lib/apt/lists').some((name) => name.includes('_Packages'));

/**
 * Installs Debian packages, without recommended ones and without starting a service. Package lists are fetched when
 * there are none, and once more when the installation fails, as old lists name versions that are gone.
 * @throws Error with the end of apt's output
 */
export async function aptInstall(packages: string[]): Promise<void> {
  if (!hasLists()) await apt(['update']);
  const install = () => quietly(() => apt(['install', '--no-install-recommends', ...packages]));
  if ((await install()).code === 0) return;
  await apt(['update']);
  const { code, output } = await install();
  if (code !== 0)
    throw new Error(
      `apt-get install ${packages.join(' ')} failed:\n${output.trim().split('\n').slice(-8).join('\n')}`,
    );
}
