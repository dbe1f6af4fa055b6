import { closeSync, openSync, readSync, statSync } from 'node:fs';

const SHOWN = 12;

/** Bytes of a log so far; what a process writes to it begins there. */
export const sizeOf = (file: string | undefined): number =>
  (file !== undefined && statSync(file, { throwIfNoEntry: false })?.size) || 0;

/** The lines of a log from byte `from` on. */
export function linesFrom(file: string | undefined, from: number): string[] {
  if (file === undefined || sizeOf(file) <= from) return [];
  const bytes = Buffer.alloc(sizeOf(file) - from);
  const log = openSync(file, 'r');
  try {
    readSync(log, bytes, 0, bytes.length, from);
  } finally {
    closeSync(log);
  }
  return bytes.toString().split('\n').filter(Boolean);
}

/** A line of the gateway's or the sandbox's log as a person reads it; any other line as it is. */
export function plain(line: string): string {
  try {
    const { message, error } = JSON.parse(line) as { message?: unknown; error?: { message?: unknown } };
    const cause = typeof error?.message === 'string' ? `: ${error.message}` : '';
    return typeof message === 'string' ? message + cause : line;
  } catch {
    return line.trim();
  }
}

const isFault = (line: string): boolean =>
  line.startsWith('{')
    ? line.includes('"level":"error"')
    : /error|fatal|emerg|failed|cannot|in use/i.test(line) && !/^\s+at /.test(line);

/**
 * What a process that failed says of it: the cause first and, where lines of its output stand between, last as well.
 * @param head such as `backend did not start: exit 1`
 */
export function failure(head: string, output: readonly string[], file?: string): string {
  const worst = output.filter(isFault).at(-1) ?? output.at(-1);
  const first = worst === undefined ? head : `${head}: ${plain(worst)}`;
  const where = file === undefined ? '' : ` (${file})`;
  if (output.length <= 1) return first + where;
  return [first, ...output.slice(-SHOWN), first + where].join('\n');
}
