import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * Fails a run of all backend tests in which an endpoint was never answered as its row says, or departed from it.
 * Test processes note what they see in API_CALLS_DIR; which endpoints exist, they and docs/openapi.json tell.
 */
export default class EndpointCoverage {
  constructor(globalConfig) {
    this.config = globalConfig;
    this.folder = mkdtempSync(join(tmpdir(), 'api-calls-'));
    process.env.API_CALLS_DIR = this.folder;
  }

  onRunComplete(contexts, results, say = console.error) {
    const notes = readNotes(this.folder);
    rmSync(this.folder, { recursive: true, force: true });
    const faults = [...notes.fault];
    if (isWhole(this.config, contexts, results)) {
      const rows = new Set([...notes.row, ...publishedRows(this.config.rootDir)]);
      faults.push(
        ...[...rows].filter((row) => !notes.done.has(row)).map((row) => `${row} is called by no test`),
      );
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
  for (const file of readdirSync(folder)) {
    for (const line of readFileSync(join(folder, file), 'utf8').split('\n').filter(Boolean)) {
      const space = line.indexOf(' ');
      notes[line.slice(0, space)]?.add(line.slice(space + 1));
    }
  }
  return notes;
}

export function publishedRows(root) {
  const { paths } = JSON.parse(readFileSync(join(root, 'docs', 'openapi.json'), 'utf8'));
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path.replace(/\{(\w+)\}/g, ':$1')}`),
  );
}
