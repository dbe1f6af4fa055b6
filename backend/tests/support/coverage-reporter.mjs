import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Methods of models that a run may miss, and tells: workers call some of them, or not, as their time comes. */
const BY_LUCK = 3;

/**
 * Fails a run of all backend tests in which an endpoint was never answered as its row says, or departed from it; or in which a
 * method of a model never had an effect for its user after a stranger had none by it, or a stranger had one.
 * Test processes note what they see in API_CALLS_DIR; which endpoints exist, they and docs/openapi.json tell. Fails, too,
 * when a secret that was made or given in the run is in anything that a gateway logged.
 */
export default class EndpointCoverage {
  constructor(globalConfig) {
    this.config = globalConfig;
    this.folder = mkdtempSync(join(tmpdir(), 'api-calls-'));
    process.env.API_CALLS_DIR = this.folder;
  }

  onRunComplete(contexts, results, say = console.error) {
    const notes = readNotes(this.folder);
    const leaks = leaksIn(this.folder);
    rmSync(this.folder, { recursive: true, force: true });
    const faults = [...notes.fault, ...leaks];
    if (isWhole(this.config, contexts, results)) {
      const rows = new Set([...notes.row, ...publishedRows(this.config.rootDir)]);
      const missing = [...rows]
        .filter((row) => !notes.done.has(row))
        .map((row) => `${row} is called by no test`);
      const isModel = (row) => row.startsWith('model ');
      const models = missing.filter(isModel);
      faults.push(...missing.filter((row) => !isModel(row)));
      if (models.length > BY_LUCK) faults.push(...models);
      else if (models.length > 0) say(models.map((row) => `models › ${row} in this run`).join('\n'));
    }
    if (faults.length === 0) return;
    say(faults.map((fault) => `endpoints › ${fault}`).join('\n'));
    // Counted as failures, so that the tally that comes after this reporter tells them too.
    results.numFailedTests += faults.length;
    results.success = false;
    this.error = new Error(`${faults.length} endpoints are untested or depart from their rows`);
  }

  getLastError() {
    return this.error;
  }
}

/** Only when every backend test was asked for can a missing call be held against anyone. */
export function isWhole(config, contexts, results) {
  const names = [...contexts].map((context) => context.config.displayName?.name);
  const narrowed = [
    config.testPathPatterns?.patterns?.length,
    config.testNamePattern,
    config.onlyChanged,
    config.findRelatedTests,
    config.onlyFailures,
    config.shard,
    config.runTestsByPath,
    results.wasInterrupted,
  ];
  return names.includes('backend') && !narrowed.some(Boolean);
}

export function readNotes(folder) {
  const notes = { row: new Set(), done: new Set(), fault: new Set() };
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.calls'))) {
    for (const line of readFileSync(join(folder, file), 'utf8').split('\n').filter(Boolean)) {
      const space = line.indexOf(' ');
      notes[line.slice(0, space)]?.add(line.slice(space + 1));
    }
  }
  return notes;
}

/** Each line of a log that has a secret of the run in it, with the secret taken out. */
export function leaksIn(folder) {
  const names = readdirSync(folder);
  const files = (ending) => names.filter((name) => name.endsWith(ending)).map((name) => join(folder, name));
  const secrets = files('.secrets').flatMap((file) => readFileSync(file, 'utf8').split('\n').filter(Boolean));
  const logs = files('.log').filter((file) => existsSync(file));
  if (secrets.length === 0 || logs.length === 0) return [];
  const list = join(folder, 'all');
  writeFileSync(list, [...new Set(secrets)].join('\n'));
  const found = spawnSync('grep', ['-h', '-F', '-f', list, ...logs], {
    encoding: 'utf8',
    env: { ...process.env, LC_ALL: 'C' },
    maxBuffer: 64 * 1024 * 1024,
  });
  const lines = [...new Set((found.stdout ?? '').split('\n').filter(Boolean))].slice(0, 20);
  return lines.map((line) => {
    const secret = secrets.find((one) => line.includes(one)) ?? '';
    const at = line.indexOf(secret);
    return `a secret is in the log: …${line.slice(Math.max(0, at - 200), at)}[secret]${line.slice(at + secret.length, at + secret.length + 60)}`;
  });
}

export function publishedRows(root) {
  const { paths } = JSON.parse(readFileSync(join(root, 'docs', 'openapi.json'), 'utf8'));
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path.replace(/\{(\w+)\}/g, ':$1')}`),
  );
}
