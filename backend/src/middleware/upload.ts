import { PassThrough, type Readable } from 'node:stream';
import type { Request, RequestHandler } from 'express';
import multer, { MulterError, type StorageEngine } from 'multer';
import type { Req } from '../utils/endpoint.js';
import { findHostile, isDeeperThan } from '../utils/json.js';
import { MEDIA_KINDS, type MediaKind } from '../utils/media-type.js';
import { Problem, type ProblemCode } from '../utils/problem.js';
import type { Upload } from '../utils/upload.js';

/** What takes files: services/media-intake.ts. */
export interface UploadTaker {
  take(offered: {
    userId: number;
    stream: Readable;
    kind: MediaKind | null;
    mimetype: string | null;
    fileName: string | null;
    isBinding: boolean;
    pointer: string;
  }): Promise<Upload>;
  discard(upload: Upload): Promise<void>;
}

export interface UploadLimits {
  /** Bytes of a file, of whatever kind. */
  file: number;
  /** Bytes of one other field. */
  field: number;
}

const FILE = 'file';
const MAX_FIELDS = 30;
/** As of a JSON body. */
const MAX_DEPTH = 32;
/** Boundaries, names and headers of a few fields. */
const FRAMING = 256 * 1024;

const CODES: Partial<Record<string, ProblemCode>> = { LIMIT_FIELD_VALUE: 'payload_too_large' };

/** What went wrong while a form came in; the reader's own words name no value. */
function asProblem(error: unknown): unknown {
  if (error instanceof Problem) return error;
  if (error instanceof MulterError) {
    const pointer = `/${error.field ?? ''}`;
    const detail = `The form is not taken: ${error.message}`;
    return new Problem(CODES[error.code] ?? 'invalid_request', detail, {
      errors: [{ pointer, code: error.code.toLowerCase(), detail: error.message }],
      cause: error,
    });
  }
  return new Problem('invalid_request', 'The form is broken off, or is no multipart/form-data', {
    cause: error,
  });
}

/** The file of a form goes to the storage as it comes; it is never held in memory, nor on disk beside the storage. */
const engine = (taker: UploadTaker): StorageEngine => ({
  _handleFile(request, file, done) {
    const req = request as Req;
    const { type } = req.body as { type?: unknown };
    const kind = MEDIA_KINDS.find((one) => one === type) ?? null;
    // The form's own stream is never destroyed: its reader would take that for a fault of the form.
    const stream = new PassThrough();
    file.stream.pipe(stream);
    file.stream.once('error', (error) => stream.destroy(error));
    stream.once('close', () => file.stream.resume());
    taker
      .take({
        userId: req.caller.userId,
        stream,
        kind,
        mimetype: file.mimetype,
        fileName: file.originalname,
        isBinding: true,
        pointer: `/${FILE}`,
      })
      .then((upload) => done(null, { upload } as Partial<Express.Multer.File>), done);
  },
  _removeFile(_request, file, done) {
    const { upload } = file as { upload?: Upload };
    (upload ? taker.discard(upload) : Promise.resolve()).then(() => done(null), done);
  },
});

/** Field values of a form are text: what is JSON in a JSON body is JSON text here, all else is taken as it stands. */
function valueOf(name: string, text: string): unknown {
  if (isDeeperThan(MAX_DEPTH, Buffer.from(text))) {
    const detail = `The field is nested more than ${MAX_DEPTH} levels deep`;
    throw new Problem('invalid_request', detail, {
      errors: [{ pointer: `/${name}`, code: 'depth', detail }],
    });
  }
  if (!/^\s*[[{"]|^\s*(-?\d|true\s*$|false\s*$|null\s*$)/.test(text) || TEXTS.has(name)) return text;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}
/** Fields that are text whatever is in them: `+62…`, a caption of digits. */
const TEXTS = new Set([
  'to',
  'message',
  'fileName',
  'mimetype',
  'type',
  'mediaUrl',
  'media',
  'sendAt',
  'expiresAt',
]);

function bodyOf(req: Request): Record<string, unknown> {
  const fields = Object.entries((req.body ?? {}) as Record<string, unknown>);
  const body = Object.fromEntries(
    fields.map(([name, value]) => [name, typeof value === 'string' ? valueOf(name, value) : value]),
  );
  const hostile = findHostile(body);
  if (hostile) throw new Problem('invalid_request', hostile.detail, { errors: [hostile] });
  const { upload } = (req.file ?? {}) as { upload?: Upload };
  if (FILE in body)
    throw new Problem('invalid_request', undefined, {
      errors: [
        { pointer: `/${FILE}`, code: 'upload.text', detail: 'file must be a file, not a field of text' },
      ],
    });
  return upload ? { ...body, [FILE]: upload } : body;
}

const isForm = (req: Request): boolean =>
  req.is('multipart/form-data') !== false && req.is('multipart/form-data') !== null;

/**
 * Reads a multipart form with at most one file, in the field `file`, onto `req.body`; passes other bodies on. What no
 * handler kept is gone when the answer is.
 */
export function uploads(taker: UploadTaker, limits: UploadLimits): RequestHandler {
  const read = multer({
    storage: engine(taker),
    defParamCharset: 'utf8',
    limits: {
      files: 1,
      fields: MAX_FIELDS,
      parts: MAX_FIELDS + 1,
      fieldSize: limits.field,
      fieldNameSize: 100,
      headerPairs: 20,
    },
  }).single(FILE);

  return (req, res, next) => {
    if (!isForm(req)) return next();
    if (Number(req.headers['content-length'] ?? 0) > limits.file + limits.field + FRAMING) {
      throw new Problem('payload_too_large', `A file may have at most ${limits.file} bytes`, {
        errors: [
          {
            pointer: `/${FILE}`,
            code: 'media.size',
            detail: 'The form is too large',
            params: { limit: limits.file },
          },
        ],
      });
    }
    read(req, res, (error: unknown) => {
      if (error) return next(asProblem(error));
      const { upload } = (req.file ?? {}) as { upload?: Upload };
      if (upload) res.once('close', () => void taker.discard(upload));
      try {
        req.body = bodyOf(req);
      } catch (fault) {
        return next(fault);
      }
      next();
    });
  };
}
