import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { temporaryFolder } from '../src/folders.js';
import { root } from '../src/settings.js';

let folder: string;

beforeEach(() => {
  folder = temporaryFolder('tally');
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Runs real jest with our reporter over these suites, each in a project of its own. */
function tally(suites: Record<string, string>): { last: string; code: number | null } {
  for (const [name, text] of Object.entries(suites)) {
    mkdirSync(join(folder, name));
    writeFileSync(join(folder, name, 'a.test.js'), text);
  }
  const config = {
    rootDir: folder,
    projects: Object.keys(suites).map((name) => ({ displayName: name, rootDir: join(folder, name) })),
    reporters: ['default', join(root, 'dev', 'jest-tally.mjs')],
  };
  // A file: handed over as an argument, a configuration replaces that of every project.
  writeFileSync(join(folder, 'jest.config.json'), JSON.stringify(config));
  const { TALLY_FILE: _ours, ...env } = process.env;
  const jest = join(root, 'node_modules', 'jest', 'bin', 'jest.js');
  const run = spawnSync(process.execPath, [jest, '--ci', '--config', join(folder, 'jest.config.json')], {
    cwd: root,
    env,
    encoding: 'utf8',
  });
  return { last: run.stdout.trimEnd().split('\n').at(-1) ?? '', code: run.status };
}

describe('the tally', () => {
  it('passing and failing tests in two projects › are added up', () => {
    const suites = {
      one: `test('a', () => {}); test('b', () => { throw new Error('no'); }); test.skip('c', () => {});`,
      two: `test('a', () => {}); test('b', () => {});`,
    };
    expect(tally(suites)).toEqual({ last: '3 passed, 1 failed', code: 1 });
  });

  it('a suite that does not load › counts as one failure', () => {
    const suites = { one: `test('a', () => {});`, two: `require('./nowhere');` };
    expect(tally(suites)).toEqual({ last: '1 passed, 1 failed', code: 1 });
  });

  it('nothing failing › is 0 failed, and the exit code is 0', () => {
    expect(tally({ one: `test('a', () => {});` })).toEqual({ last: '1 passed, 0 failed', code: 0 });
  });
});
