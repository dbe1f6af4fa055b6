import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { behaviours } from '../src/network/behaviours.js';
import { CONTROL, FAULTS } from '../src/routes/manual.js';
import { calls, hooks } from './conformance/recordings.js';

const read = (path: string): string => readFileSync(new URL(path, import.meta.url), 'utf8');
const readme = read('../README.md');

describe('README.md › against the code › names all there is', () => {
  it('recipients', () => {
    const missing = behaviours
      .map(({ digits }) => digits)
      .filter((digits) => digits !== '*' && !readme.includes(`\`${digits}\``));
    expect(missing).toEqual([]);
  });
  it('controls', () => {
    const paths = Object.keys(CONTROL).map((call) => call.split(' ')[1]!.replace(/\[.*/, ''));
    expect(paths.filter((path) => !readme.includes(path))).toEqual([]);
  });
  it('faults and scopes', () => {
    expect(Object.keys(FAULTS).filter((name) => !new RegExp(`\`${name}\\b`).test(readme))).toEqual([]);
  });
  it('settings', () => {
    const used = [...read('../src/config/env.ts').matchAll(/'(SANDBOX_[A-Z_]+)'/g)].map(([, name]) => name!);
    const short = (name: string): string => name.replace(/^SANDBOX_WEBHOOK_RETRY_(?!MAX_ATTEMPTS)/, '…_');
    expect(used.length).toBeGreaterThan(30);
    expect(used.filter((name) => !readme.includes(`\`${short(name)}\``))).toEqual([]);
  });
  it('the number of recordings', () => {
    expect(readme).toContain(`${calls.size} calls and ${hooks.length} webhooks`);
  });
});
