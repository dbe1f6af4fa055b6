import { describe, expect, it } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const src = fileURLToPath(new URL('../../src/', import.meta.url));
const files = (readdirSync(src, { recursive: true }) as string[]).filter((file) => file.endsWith('.ts'));

/** Every line of the source that a pattern is found in, without comments and their words. */
function linesWith(pattern: RegExp, except: (file: string) => boolean = () => false): string[] {
  return files
    .filter((file) => !except(file))
    .flatMap((file) => matches(file, readFileSync(src + file, 'utf8'), pattern));
}

const matches = (file: string, text: string, pattern: RegExp): string[] =>
  withoutComments(text)
    .split('\n')
    .flatMap((line, i) => (pattern.test(line) ? [`${file}:${i + 1}: ${line.trim()}`] : []));

const withoutComments = (text: string): string =>
  text
    .replace(/\/\*[\s\S]*?\*\//g, (comment) => comment.replace(/[^\n]/g, ''))
    .replace(/(^|\s)\/\/.*$/gm, '$1');

const NODE_WORDS = /instance(?!of)|remoteJid|pushName|apikey/;
const ENVIRONMENT = /process\s*\.\s*env|process\s*\[\s*['"]env|import\.meta\.env/;
const ANY =
  /[:<,|&(]\s*any\b(?!\s*\()|\bas any\b|\bany\[\]|@ts-(?:ignore|nocheck|expect-error)|no-explicit-any/;

describe('the source', () => {
  it('a node’s own words › outside clients/ › are not used', () => {
    expect(linesWith(NODE_WORDS, (file) => file.startsWith('clients/'))).toEqual([]);
  });

  it('the environment › outside config/env.ts › is not read', () => {
    expect(linesWith(ENVIRONMENT, (file) => file === 'config/env.ts')).toEqual([]);
  });

  it('any › in the whole source › is not used, nor the compiler silenced', () => {
    expect(linesWith(ANY)).toEqual([]);
  });

  it('default exports and the console › in the whole source › are not used', () => {
    expect(linesWith(/^export default|\bconsole\./)).toEqual([]);
  });

  it('axios › outside clients/ › is not imported', () => {
    expect(linesWith(/from 'axios'/, (file) => file.startsWith('clients/'))).toEqual([]);
  });
});

describe('these checks', () => {
  it.each([
    [NODE_WORDS, 'const { remoteJid } = key;'],
    [NODE_WORDS, "headers['apikey']"],
    [NODE_WORDS, 'instanceName: name'],
    [ENVIRONMENT, 'const port = process.env.PORT;'],
    [ENVIRONMENT, "process['env']"],
    [ANY, 'const x: any = 1;'],
    [ANY, 'Record<string, any>'],
    [ANY, '(x as any).y'],
    [ANY, '// eslint-disable-next-line no-explicit-any'.slice(3)],
  ])('%s › on %s › finds it', (pattern, line) => {
    expect(matches('x.ts', line, pattern)).toHaveLength(1);
  });

  it.each([
    [NODE_WORDS, 'error instanceof Problem'],
    [NODE_WORDS, '/** Evolution calls it an instance. */'],
    [ANY, '.any({ a: 1 })'],
    [ANY, "'x' // of any kind"],
  ])('%s › on %s › leaves it', (pattern, line) => {
    expect(matches('x.ts', line, pattern)).toEqual([]);
  });

  it('the files › looked at › are the whole source', () => {
    expect(files).toEqual(expect.arrayContaining(['app.ts', 'utils/problem.ts', 'routes/index.ts']));
  });
});
