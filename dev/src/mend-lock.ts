import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { root } from './settings.js';

interface Entry {
  version?: string;
  dev?: boolean;
  optional?: boolean;
  os?: string[];
  cpu?: string[];
  optionalDependencies?: Record<string, string>;
}

/** The part of package-lock.json (version 3) that matters here: entries by their path in the tree. */
export interface PackageLock {
  packages: Record<string, Entry>;
}

interface Missing {
  path: string;
  name: string;
  version: string;
  dev: boolean;
}

const SYSTEMS = 'darwin linux win32 android freebsd openbsd netbsd sunos aix openharmony'.split(' ');
const PROCESSORS = 'arm64 x64 ia32 arm ppc64 riscv64 s390x loong64 mips64el'.split(' ');

/** Would Node find `name` from the package at `path`? */
function isLocked(packages: PackageLock['packages'], path: string, name: string): boolean {
  for (let at = path; at !== ''; at = at.slice(0, Math.max(0, at.lastIndexOf('/node_modules/'))))
    if (packages[`${at}/node_modules/${name}`]) return true;
  return packages[`node_modules/${name}`] !== undefined;
}

/** Every optional dependency that no entry of the lock satisfies; `npm ci` refuses a lock that has one. */
export const missingPlatforms = ({ packages }: PackageLock): Missing[] =>
  Object.entries(packages).flatMap(([path, { optionalDependencies = {}, dev = false }]) =>
    Object.entries(optionalDependencies)
      .filter(([name]) => !isLocked(packages, path, name))
      .map(([name, version]) => ({ path, name, version, dev })),
  );

/** An entry by which npm passes a package over on this platform; null when the name says no other platform. */
function stub({ name, version, dev }: Missing): Entry | null {
  const words = name.split(/[/-]/);
  const os = SYSTEMS.find((one) => words.includes(one));
  const cpu = PROCESSORS.find((one) => words.includes(one));
  if (!os || !/^\d/.test(version)) return null;
  return { version, ...(cpu ? { cpu: [cpu] } : {}), ...(dev ? { dev } : {}), optional: true, os: [os] };
}

/**
 * The lock with an entry for each missing platform. A registry that lacks some foreign platforms' packages makes
 * `npm install` leave them out of the lock, which `npm ci` then refuses.
 */
export function mend<Lock extends PackageLock>(lock: Lock): Lock {
  const packages = { ...lock.packages };
  for (const missing of missingPlatforms(lock)) {
    const entry = stub(missing);
    if (entry) packages[`node_modules/${missing.name}`] = entry;
  }
  const sorted = Object.entries(packages).sort(([a], [b]) => a.localeCompare(b, 'en'));
  return { ...lock, packages: Object.fromEntries(sorted) };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const file = join(root, 'package-lock.json');
  const lock = JSON.parse(readFileSync(file, 'utf8')) as PackageLock;
  const mended = mend(lock);
  writeFileSync(file, `${JSON.stringify(mended, null, 2)}\n`);
  console.log(`${missingPlatforms(lock).length - missingPlatforms(mended).length} entries added`);
  for (const { name, path } of missingPlatforms(mended))
    console.log(`cannot mend ${name}, wanted by ${path}`);
}
