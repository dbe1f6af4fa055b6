import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import { failure } from '../src/cause.js';
import { sweepTemporary, temporaryFolder } from '../src/folders.js';
import { ready, run } from '../src/process.js';

afterEach(sweepTemporary);

const LOGGED = JSON.stringify({ level: 'error', message: 'not started', error: { message: 'no such host' } });

describe('a start that fails', () => {
  it('regression › a log with lines of an earlier run › says why first and last, by lines of this run only', async () => {
    const logFile = join(temporaryFolder('cause'), 'it.log');
    appendFileSync(logFile, 'error: of last week\n');
    const script = `console.log('one'); console.log('two'); console.log('${LOGGED}'); console.log('three'); process.exit(3)`;
    const how = { name: 'it', file: process.execPath, args: ['-e', script], logFile };
    const failing = ready(how, await run(how), async () => false);
    const { message } = (await failing.catch((error: Error) => error)) as Error;
    expect(message.split('\n')).toEqual([
      'it did not start: exit 3: not started: no such host',
      'one',
      'two',
      LOGGED,
      'three',
      `it did not start: exit 3: not started: no such host (${logFile})`,
    ]);
  });

  it('one line of output, and none › told › in one line', () => {
    expect(failure('it failed', [LOGGED])).toBe('it failed: not started: no such host');
    expect(failure('it failed', [])).toBe('it failed');
  });

  it('a stack, and a last line that says nothing › told › the error is the cause', () => {
    const stack = ['Error: listen EADDRINUSE', '    at Server.failed (node:net:1)', 'Node.js v20'];
    expect(failure('it failed', stack).split('\n')[0]).toBe('it failed: Error: listen EADDRINUSE');
  });
});
