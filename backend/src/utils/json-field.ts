import { Transform, type TransformCallback } from 'node:stream';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** The document ended, or went on for too long, without the field. */
export class FieldMissing extends Error {}

/**
 * Decodes one base64 field of a JSON object while it streams by, so that a file inside an answer is never held as text:
 * in go the bytes of the JSON, out come those of the field. `maxHead`: bytes before the field that are kept, which
 * `before` parses.
 */
export function base64Field(field: string, maxHead: number) {
  const scan = scanner(field);
  let head: Buffer[] = [];
  let kept = 0;
  let state: 'before' | 'inside' | 'after' = 'before';
  let rest = '';

  const decode = (piece: string): Buffer => {
    const text = rest + piece.replaceAll('\\', '');
    const whole = text.length - (text.length % 4);
    rest = text.slice(whole);
    return Buffer.from(text.slice(0, whole), 'base64');
  };
  function inside(stream: Transform, chunk: Buffer): void {
    const end = chunk.indexOf(QUOTE);
    const bytes = decode(chunk.toString('latin1', 0, end < 0 ? chunk.length : end));
    if (bytes.length > 0) stream.push(bytes);
    if (end < 0) return;
    state = 'after';
    if (rest !== '') stream.push(Buffer.from(rest, 'base64'));
    rest = '';
  }
  function transform(
    this: Transform,
    chunk: Buffer,
    _encoding: BufferEncoding,
    done: TransformCallback,
  ): void {
    if (state === 'before') {
      const start = scan(chunk);
      head.push(start < 0 ? chunk : chunk.subarray(0, start));
      kept += head.at(-1)!.length;
      if (kept > maxHead) return done(new FieldMissing(`No "${field}" in the first ${maxHead} bytes`));
      if (start < 0) return done();
      state = 'inside';
      inside(this, chunk.subarray(start));
    } else if (state === 'inside') inside(this, chunk);
    done();
  }
  const flush = (done: TransformCallback): void =>
    state === 'after' ? done() : done(new FieldMissing(`The document ends before or in "${field}"`));

  return Object.assign(new Transform({ transform, flush }), {
    /** The fields before this one, once bytes have come out; an empty object when they make no sense. */
    before(): Record<string, unknown> {
      try {
        return JSON.parse(`${Buffer.concat(head).toString()}"}`) as Record<string, unknown>;
      } catch {
        return {};
      } finally {
        head = [];
      }
    },
  });
}

/** Finds where the text of a field of the outermost object begins, over any number of chunks; -1: not in this one. */
function scanner(field: string): (chunk: Buffer) => number {
  let depth = 0;
  let text: number[] | null = null;
  let last = '';
  let escaped = false;
  let afterColon = false;

  function inText(byte: number): void {
    if (escaped) escaped = false;
    else if (byte === BACKSLASH) escaped = true;
    else if (byte === QUOTE) {
      last = depth === 1 && !afterColon ? Buffer.from(text!).toString() : '';
      text = null;
      return;
    }
    // Longer than the name that is looked for, it is another.
    if (text!.length <= field.length) text!.push(byte);
  }
  function outside(byte: number): boolean {
    const character = String.fromCharCode(byte);
    if (byte === QUOTE) {
      if (depth === 1 && afterColon && last === field) return true;
      text = [];
    } else if (character === '{' || character === '[') {
      depth += 1;
      afterColon = false;
    } else if (character === '}' || character === ']') depth -= 1;
    else if (character === ':') afterColon = true;
    else if (character === ',') afterColon = false;
    return false;
  }
  return (chunk) => {
    for (let i = 0; i < chunk.length; i += 1) {
      if (text) inText(chunk[i]!);
      else if (outside(chunk[i]!)) return i + 1;
    }
    return -1;
  };
}
