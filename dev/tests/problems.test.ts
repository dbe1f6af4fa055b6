import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { catalogue, problemType } from '../../backend/src/utils/problem.js';
import { root } from '../src/settings.js';

it("nginx's own errors › compared with the catalogue › use its codes with its statuses", () => {
  const text = readFileSync(join(root, 'nginx', 'problems.conf'), 'utf8');
  const bodies = [...text.matchAll(/return (\d+) '(\{.*\})'/g)].map(([, status, body = '']) => ({
    returned: Number(status),
    ...(JSON.parse(body) as { status: number; code: keyof typeof catalogue; title: string; type: string }),
  }));
  expect(bodies).toHaveLength(11);
  for (const { returned, status, code, title, type } of bodies) {
    expect([returned, title, type]).toEqual([status, catalogue[code].title, problemType(code)]);
    expect(catalogue[code].status).toBe(status);
  }
});
