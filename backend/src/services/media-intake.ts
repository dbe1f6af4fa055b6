import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { storageKey, type Storage } from '../clients/storage.js';
import { defaultFileName, safeFileName } from '../utils/file-name.js';
import { createGauge, TooLong } from '../utils/gauge.js';
import {
  HEAD_BYTES,
  isAnimatedWebp,
  isOfKind,
  judgeType,
  kindOfType,
  typeOfName,
  typesOfKind,
  type MediaKind,
} from '../utils/media-type.js';
import { Problem, type ProblemCode } from '../utils/problem.js';
import { registerUpload, whereaboutsOf, type Upload } from '../utils/upload.js';

/** Bytes, for each kind; a sticker that moves may be larger. */
export type MediaLimits = Record<MediaKind | 'animatedSticker', number>;

export interface Offered {
  userId: number;
  stream: Readable;
  /** What it is to be shown as; null: whatever it is most naturally. */
  kind: MediaKind | null;
  /** As its sender says. */
  mimetype: string | null;
  fileName: string | null;
  /** Whether a file that is something else than its sender says is refused, or taken for what it is. */
  isBinding: boolean;
  /** The field of the request that it came in. */
  pointer: string;
}

export type Intake = ReturnType<typeof createIntake>;

/** The source broke off: not the storage's fault, and nothing is wrong with what came. */
export class BrokenOff extends Error {}

const refused = (
  code: ProblemCode,
  pointer: string,
  about: { code: string; detail: string; params?: object },
) =>
  new Problem(code, about.detail, {
    errors: [
      {
        pointer,
        code: about.code,
        detail: about.detail,
        ...(about.params ? { params: { ...about.params } } : {}),
      },
    ],
  });

/** Takes files into the storage as they stream in, and finds out what they are on the way. */
export function createIntake({ storage, limits }: { storage: Storage; limits: MediaLimits }) {
  const limitOf = (kind: MediaKind, isAnimated: boolean): number =>
    kind === 'sticker' && isAnimated ? limits.animatedSticker : limits[kind];

  const tooLarge = (pointer: string, limit: number, kind: MediaKind | null) =>
    refused('payload_too_large', pointer, {
      code: 'media.size',
      params: { limit, ...(kind ? { kind } : {}) },
      detail: `The file is larger than the ${limit} bytes that ${kind ?? 'any kind of media'} may have`,
    });

  function checkKind(file: { kind: MediaKind; mimetype: string }, pointer: string): void {
    if (isOfKind(file.kind, file.mimetype)) return;
    throw refused('unsupported_media_type', pointer, {
      code: 'media.type',
      params: { kind: file.kind, found: file.mimetype, allowed: typesOfKind(file.kind) },
      detail: `The file is ${file.mimetype}, which cannot be sent as ${file.kind}; as a document it can`,
    });
  }

  /** What the beginning shows; a Problem when that is not what is said, or not what the kind takes. */
  async function judge(head: Buffer, offered: Offered) {
    const { kind, pointer } = offered;
    if (head.length === 0)
      throw refused('unprocessable', pointer, { code: 'media.empty', detail: 'The file is empty' });
    const named = offered.isBinding ? typeOfName(offered.fileName) : null;
    const judged = await judgeType(head, offered.mimetype, named);
    if ('found' in judged && offered.isBinding) {
      throw refused('unsupported_media_type', pointer, {
        code: 'media.mismatch',
        params: { ...judged },
        detail: `The file is said to be ${judged.declared}, but is ${judged.found}`,
      });
    }
    const mimetype = 'found' in judged ? judged.found : judged.mimetype;
    if (kind) checkKind({ kind, mimetype }, pointer);
    const isAnimated = isAnimatedWebp(head);
    return { mimetype, isAnimated, limit: kind ? limitOf(kind, isAnimated) : limits.document };
  }

  /** The kind of a file for which none was asked: its own if it is small enough for that, else a document. */
  const naturalKind = (mimetype: string, size: number): MediaKind => {
    const kind = kindOfType(mimetype);
    return size <= limits[kind] ? kind : 'document';
  };

  async function flow(offered: Offered, key: string) {
    let judged: Awaited<ReturnType<typeof judge>> | null = null;
    const gauge = createGauge({
      headBytes: HEAD_BYTES,
      limit: offered.kind === 'sticker' ? limits.animatedSticker : limits[offered.kind ?? 'document'],
      look: async (head) => (judged = await judge(head, offered)).limit,
    });
    let broken: unknown = null;
    offered.stream.once('error', (error) => (broken = error));
    const ends = await Promise.allSettled([pipeline(offered.stream, gauge), storage.put(key, gauge)]);
    const failures = ends.flatMap((end) => (end.status === 'rejected' ? [end.reason as unknown] : []));
    if (failures.length > 0) {
      await storage.remove(key).catch(() => undefined);
      throw reasonOf(failures, broken, offered);
    }
    return { ...judged!, ...gauge.measured() };
  }

  function reasonOf(failures: unknown[], broken: unknown, { pointer, kind }: Offered): unknown {
    const refusal = failures.find((failure) => failure instanceof Problem);
    if (refusal) return refusal;
    const long = failures.find((failure) => failure instanceof TooLong);
    if (long) return tooLarge(pointer, long.limit, kind);
    if (broken) return new BrokenOff(String((broken as Error).message), { cause: broken });
    return new Problem('unavailable', 'The storage of media cannot take files at the moment', {
      retryAfter: 5,
      cause: failures.at(-1),
    });
  }

  return {
    /**
     * Resolves when the file is stored, whole. Problems, naming the field: payload_too_large, unsupported_media_type (it
     * is not what it says, or not what its kind takes), unprocessable (empty), unavailable. Rejects with BrokenOff when
     * the stream does. Nothing stays behind when it rejects.
     */
    async take(offered: Offered): Promise<Upload> {
      const key = storageKey(offered.userId);
      const { mimetype, isAnimated, size, sha256 } = await flow(offered, key);
      const upload = {
        kind: offered.kind ?? naturalKind(mimetype, size),
        mimetype,
        fileName: safeFileName(offered.fileName) ?? defaultFileName(mimetype),
        size,
        sha256: sha256.toString('hex'),
      };
      return registerUpload(upload, { storageKey: key, isAnimated });
    },

    /** That an upload may be used as a kind which was named after it came. Problems as of `take`. */
    checkAs(upload: Upload, kind: MediaKind, pointer: string): void {
      checkKind({ kind, mimetype: upload.mimetype }, pointer);
      const limit = limitOf(kind, whereaboutsOf(upload).isAnimated);
      if (upload.size > limit) throw tooLarge(pointer, limit, kind);
    },

    /** The same of a stored media, of which no more is known than its row has. */
    checkStored(media: { mimetype: string; size: number }, kind: MediaKind, pointer: string): void {
      checkKind({ kind, mimetype: media.mimetype }, pointer);
      if (media.size > limitOf(kind, true)) throw tooLarge(pointer, limitOf(kind, true), kind);
    },

    /** Removes an upload that nobody kept; never rejects, as a sweep finds what is left. */
    async discard(upload: Upload): Promise<void> {
      const at = whereaboutsOf(upload);
      if (!at.isKept) await storage.remove(at.storageKey).catch(() => undefined);
    },
  };
}
