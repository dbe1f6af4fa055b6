import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const binary = join(root, 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs');
const rules = (
  createRequire(import.meta.url)(`${root}.dependency-cruiser.cjs`).forbidden as { name: string }[]
).map(({ name }) => name);

interface Violation {
  from: string;
  rule: { name: string; severity: string };
}

/** Runs the real rules in a folder, and tells what they refuse. */
const violations = (cwd: string, folders: string[]): Promise<Violation[]> =>
  new Promise((resolve, reject) => {
    const args = [binary, '--config', '.dependency-cruiser.cjs', '--output-type', 'json', ...folders];
    execFile(process.execPath, args, { cwd, maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) => {
      if (stdout === '') reject(new Error(`${String(error)} ${stderr}`));
      else resolve((JSON.parse(stdout) as { summary: { violations: Violation[] } }).summary.violations);
    });
  });

/** For each rule one arrow that breaks it: who imports what. */
const BROKEN: Record<string, [from: string, to: string]> = {
  'no-cycle': ['backend/src/services/a.ts', 'backend/src/services/b.ts'],
  'leaves-know-nothing-of-ours': ['backend/src/config/a.ts', 'backend/src/services/leaf.ts'],
  'utils-know-no-config': ['backend/src/utils/a.ts', 'backend/src/config/leaf.ts'],
  'doors-out-know-only-leaves': ['backend/src/clients/a.ts', 'backend/src/services/leaf.ts'],
  'models-and-clients-apart': ['backend/src/models/a.ts', 'backend/src/clients/leaf.ts'],
  'services-know-no-door-in': ['backend/src/services/c.ts', 'backend/src/middleware/leaf.ts'],
  'services-know-no-express-sql-axios': ['backend/src/services/d.ts', 'express'],
  'only-clients-use-axios': ['backend/src/workers/a.ts', 'axios'],
  'controllers-know-only-services': ['backend/src/controllers/a.ts', 'backend/src/models/leaf.ts'],
  'workers-are-loops': ['backend/src/workers/b.ts', 'backend/src/models/leaf.ts'],
  'only-entries-compose': ['backend/src/routes/a.ts', 'backend/src/compose.ts'],
  'the-gateway-knows-no-sandbox': ['backend/src/utils/b.ts', 'dev/src/leaf.ts'],
  'the-gateway-and-the-sandbox-apart': ['backend/src/utils/c.ts', 'sandbox/src/leaf.ts'],
  'the-sandbox-apart': ['sandbox/src/a.ts', 'backend/src/utils/leaf.ts'],
};

describe('arrows', () => {
  let folder: string;
  let refused: Violation[];

  const write = (file: string, text: string) => {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), text);
  };

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'arrows-'));
    cpSync(`${root}.dependency-cruiser.cjs`, join(folder, '.dependency-cruiser.cjs'));
    cpSync(`${root}tsconfig.base.json`, join(folder, 'tsconfig.base.json'));
    symlinkSync(`${root}node_modules`, join(folder, 'node_modules'));
    write('backend/tsconfig.json', '{ "extends": "../tsconfig.base.json", "include": ["src"] }');
    for (const [from, to] of Object.values(BROKEN)) {
      const depth = '../'.repeat(from.split('/').length - 1);
      write(
        from,
        `import * as it from '${to.includes('/') ? depth + to.replace('.ts', '.js') : to}';\nexport const mine = it;\n`,
      );
    }
    for (const [, to] of Object.values(BROKEN))
      if (to.includes('/') && !to.endsWith('b.ts')) write(to, 'export const leaf = 1;\n');
    write('backend/src/services/b.ts', "import { mine } from './a.js';\nexport const theirs = mine;\n");
    refused = await violations(folder, ['backend/src', 'sandbox/src', 'dev/src']);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('every rule › has a broken arrow here', () => {
    expect(Object.keys(BROKEN).sort()).toEqual([...rules].sort());
  });

  it.each(Object.entries(BROKEN))('%s › broken by %j › is refused as an error', (rule, [from]) => {
    expect(refused).toEqual(
      expect.arrayContaining([expect.objectContaining({ from, rule: { name: rule, severity: 'error' } })]),
    );
  });

  it('the source as it is › breaks none', async () => {
    const found = await violations(root, ['backend/src', 'sandbox/src', 'dev/src']);
    expect(found.map(({ from, rule }) => `${rule.name}: ${from}`)).toEqual([]);
  });
});
