import type { MediaKind } from './media-type.js';

/** A file that is in our storage already, and in no row yet: what was found in it, and what it is to be called. */
export interface Upload {
  kind: MediaKind;
  mimetype: string;
  fileName: string;
  size: number;
  /** Hex. */
  sha256: string;
}
interface Whereabouts {
  storageKey: string;
  isAnimated: boolean;
  /** It has a row now, and stays. */
  isKept: boolean;
}

/** Beside the upload, not in it: where it is stays out of request hashes, logs and answers. */
const known = new WeakMap<object, Whereabouts>();

export function registerUpload(upload: Upload, at: Omit<Whereabouts, 'isKept'>): Upload {
  known.set(upload, { ...at, isKept: false });
  return upload;
}

/** Whether it is one, and not an object that a caller made look like one. */
export const isUpload = (value: unknown): value is Upload =>
  typeof value === 'object' && value !== null && known.has(value);

/** Throws for anything else. */
export function whereaboutsOf(upload: Upload): Whereabouts {
  const found = known.get(upload);
  if (!found) throw new Error('This is no upload');
  return found;
}
