import { createHash } from 'node:crypto';
import { Transform, type TransformCallback } from 'node:stream';

export interface Measured {
  size: number;
  sha256: Buffer;
}

/** The stream is longer than it may be. */
export class TooLong extends Error {
  constructor(readonly limit: number) {
    super(`More than ${limit} bytes`);
  }
}

/**
 * Passes bytes on, counting and hashing them; errors with TooLong at the first byte over the limit. The first
 * `headBytes` (all, if there are fewer) are held back until `look` has seen them; it tells the limit, or throws to
 * refuse.
 */
export function createGauge(options: {
  headBytes: number;
  limit: number;
  look(head: Buffer): Promise<number>;
}): Transform & { measured(): Measured } {
  const hash = createHash('sha256');
  let head: Buffer[] | null = [];
  let { limit } = options;
  let size = 0;
  let digest: Buffer | null = null;

  async function release(): Promise<Buffer> {
    const held = Buffer.concat(head ?? []);
    head = null;
    limit = Math.min(limit, await options.look(held.subarray(0, options.headBytes)));
    if (size > limit) throw new TooLong(limit);
    return held;
  }
  const transform = (chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void => {
    size += chunk.length;
    hash.update(chunk);
    if (size > limit) return done(new TooLong(limit));
    if (head === null) return done(null, chunk);
    head.push(chunk);
    if (size < options.headBytes) return done();
    release().then((held) => done(null, held), done);
  };
  const flush = (done: TransformCallback): void => {
    if (head === null) return done();
    release().then((held) => done(null, held), done);
  };
  return Object.assign(new Transform({ transform, flush }), {
    measured: (): Measured => ({ size, sha256: (digest ??= hash.digest()) }),
  });
}
