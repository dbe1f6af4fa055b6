import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { createConfig, lintFromString } from '@redocly/openapi-core';
import { documents } from '../../src/openapi.js';
import { announcements } from '../../src/routes/event-shapes.js';
import { catalogue, type ProblemCode } from '../../src/utils/problem.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const generated = documents();

describe('generated documents', () => {
  it.each(Object.keys(generated))(
    '%s › in the repository › is what the rows say now (`npm run openapi` renews it)',
    (path) => {
      expect(readFileSync(root + path, 'utf8')).toBe(generated[path]);
    },
  );

  it('docs/openapi.json › held against OpenAPI 3.1 › has no fault', async () => {
    expect(await faultsOf(generated['docs/openapi.json']!)).toEqual([]);
  });

  it('a document that is not OpenAPI 3.1 › is told from one that is', async () => {
    const broken = JSON.parse(generated['docs/openapi.json']!);
    const [path] = Object.keys(broken.paths);
    broken.paths[path!].post.responses['201'].content['application/json'].schema.$ref =
      '#/components/schemas/Nobody';
    broken.paths[path!].post.parameters = [{ name: 'x', in: 'nowhere' }];
    expect((await faultsOf(JSON.stringify(broken))).length).toBeGreaterThanOrEqual(2);
  });
});

describe('docs/webhooks.md', () => {
  it('regression › its table of events › has each that a webhook can hear, and no other', () => {
    const rows = readFileSync(`${root}docs/webhooks.md`, 'utf8').matchAll(/^\| (`[^|]+`) \|/gm);
    const named = [...rows].flatMap(([, cell]) => [...cell!.matchAll(/`([^`]+)`/g)].map(([, name]) => name));
    // Its shape is an event's, but nothing happened: the ledger has none.
    const known = [...announcements.map(({ name }) => name), 'webhook.test'];
    expect(named.sort()).toEqual(known.sort());
  });
});

/** By the linter's recommended rules; what they say of style is its business, what they call an error is ours. */
async function faultsOf(source: string): Promise<string[]> {
  const config = await createConfig({ extends: ['recommended'] });
  const found = await lintFromString({ source, absoluteRef: 'openapi.json', config });
  return found
    .filter(({ severity }) => severity === 'error')
    .map(({ ruleId, message, location }) => `${ruleId}: ${message} at ${location[0]?.pointer}`);
}

describe('what nginx answers itself', () => {
  const answers = [
    ...readFileSync(`${root}nginx/problems.conf`, 'utf8').matchAll(/return (\d{3}) '(\{.*\})';/g),
  ];

  it('every code › is in the catalogue, with that status', () => {
    expect(answers.length).toBeGreaterThan(5);
    for (const [, status, text] of answers) {
      const body = JSON.parse(text!) as { code: ProblemCode; status: number };
      expect([body.code, catalogue[body.code]?.status, body.status]).toEqual([
        body.code,
        Number(status),
        Number(status),
      ]);
    }
  });
});
