import { describe, expect, it } from '@jest/globals';
import Joi from 'joi';
import { describedEndpoints } from '../../src/openapi.js';
import { problemsOf, type Endpoint } from '../../src/utils/endpoint.js';
import { operationIdOf } from '../../src/utils/openapi.js';
import { catalogue } from '../../src/utils/problem.js';

const { public: open, inbound } = describedEndpoints();
const rows = [...open, ...inbound];
const nameOf = ({ method, path }: Endpoint) => `${method.toUpperCase()} ${path}`;
const named = (all: Endpoint[]) => all.map((row) => [nameOf(row), row] as const);

describe('the API table', () => {
  it.each(named(rows))('%s › read as a row › is whole', (_name, row) => {
    expect(row.handler).toEqual(expect.any(Function));
    expect(row.tag).toMatch(/^[A-Z]\w+$/);
    expect(row.summary).toMatch(/^[A-Z].{5,90}[^.]$/);
    const statuses = Object.entries(row.output);
    expect(statuses.length).toBeGreaterThan(0);
    for (const [, schema] of statuses) expect(schema === null || Joi.isSchema(schema)).toBe(true);
    for (const code of problemsOf(row)) expect(catalogue).toHaveProperty(code);
  });

  it.each(named(rows))('%s › its path parameters › are the ones it parses', (_name, row) => {
    const inPath = [...row.path.matchAll(/:(\w+)/g)].map(([, name]) => name);
    const { keys = {} } = (row.input.params?.describe() ?? {}) as {
      keys?: Record<string, { flags?: { presence?: string } }>;
    };
    expect(Object.keys(keys).sort()).toEqual(inPath.sort());
    for (const key of Object.values(keys)) expect(key.flags?.presence).toBe('required');
  });

  it('no two rows › share method and path, or an operation id', () => {
    expect(new Set(rows.map(nameOf)).size).toBe(rows.length);
    expect(new Set(rows.map(operationIdOf)).size).toBe(rows.length);
  });

  it('the listeners › have what is theirs', () => {
    for (const row of open) expect([nameOf(row), row.access === 'node']).toEqual([nameOf(row), false]);
    for (const row of inbound) expect([nameOf(row), row.access]).toEqual([nameOf(row), 'node']);
  });

  it.each(named(open))(
    '%s › a path › of ours, and of the kind that is versioned or service',
    (_name, row) => {
      expect(row.path).toMatch(/^\/(api\/[a-z]|health|metrics)/);
    },
  );

  it('what is named in a Problem list › is an own one, not repeated', () => {
    for (const row of rows)
      expect([nameOf(row), new Set(row.problems).size]).toEqual([nameOf(row), row.problems.length]);
  });
});
