import { randomBytes } from 'node:crypto';
import type { Readable } from 'node:stream';

export interface Range {
  /** First and last byte, both included. */
  start: number;
  end: number;
}

/** Where the bytes of media are: a folder, or an S3-compatible store. Keys are made by `storageKey`. */
export interface Storage {
  /** Takes the whole stream, and only then is it there; when it fails, nothing is. Never holds a file in memory. */
  put(key: string, stream: Readable): Promise<void>;
  /** Rejects with StorageMiss when there is no such key. */
  get(key: string, range?: Range): Promise<Readable>;
  /** No key, no harm. */
  remove(key: string): Promise<void>;
  /** Keys that were stored before a moment, in pages; clears away what broken uploads left behind. */
  list(before: Date): AsyncIterable<string[]>;
  close(): void;
}

export class StorageMiss extends Error {}

/**
 * A random name in two levels of folders, with the id of its user at the end: without a row that names it, a file still
 * tells in whose context to look for one. Nothing of it comes from a request.
 */
export function storageKey(userId: number): string {
  const name = randomBytes(20).toString('hex');
  return `${name.slice(0, 2)}/${name.slice(2, 4)}/${name}.${userId}`;
}

const KEY = /^[0-9a-f]{2}\/[0-9a-f]{2}\/[0-9a-f]{40}\.(\d{1,15})$/;

/** Whose file it is; null for what is no key of ours. */
export const ownerOfKey = (key: string): number | null => {
  const owner = KEY.exec(key)?.[1];
  return owner === undefined ? null : Number(owner);
};
