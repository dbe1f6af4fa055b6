/** An error as the caller sees it. The codes are a promise: clients switch on them, so they are added, never renamed. */
interface Entry {
  status: number;
  title: string;
  remedy: string;
}

const define = <Code extends string>(entries: Record<Code, Entry>): Readonly<Record<Code, Readonly<Entry>>> =>
  entries;

export const catalogue = define({
  invalid_request: {
    status: 400,
    title: 'The request is not valid',
    remedy:
      'Correct the fields that `errors` names by pointer; unknown fields and unknown filters are refused too.',
  },
  invalid_json: {
    status: 400,
    title: 'The body is not valid JSON',
    remedy: 'Send one JSON object in UTF-8, nested at most 32 levels deep.',
  },
  unauthenticated: {
    status: 401,
    title: 'Valid credentials are required',
    remedy:
      'Send `Authorization: Bearer <token or key>` or `X-API-Key: <key>`, never in the query string; sign in again.',
  },
  second_factor_required: {
    status: 401,
    title: 'A code of the second factor is required',
    remedy: 'Send `code`: six digits from the authenticator app, or a recovery code. Each works once.',
  },
  forbidden: {
    status: 403,
    title: 'The credentials do not allow this',
    remedy: 'Use a key that has the scope the endpoint names.',
  },
  not_found: {
    status: 404,
    title: 'There is no such thing',
    remedy: 'Check the path and the id. What belongs to another user does not exist for you.',
  },
  method_not_allowed: {
    status: 405,
    title: 'The path does not take this method',
    remedy: 'Use one of the methods in the `Allow` header.',
  },
  request_timeout: {
    status: 408,
    title: 'The request did not arrive in time',
    remedy: 'Send it again, with the same Idempotency-Key.',
  },
  conflict: {
    status: 409,
    title: 'The request does not fit the present state',
    remedy: 'Read the state again, then decide.',
  },
  already_registered: {
    status: 409,
    title: 'The name or address is taken',
    remedy: 'Sign in instead, or choose another value for the field that `errors` names.',
  },
  phone_exists: {
    status: 409,
    title: 'You have this number already',
    remedy: 'Use the phone that `detail` names.',
  },
  number_taken: {
    status: 409,
    title: 'The number is paired already',
    remedy: 'Unlink it from the gateway where it is paired, then add it again.',
  },
  phone_logged_out: {
    status: 409,
    title: 'The phone cannot send',
    remedy: 'Pair the phone again; its `status` says why it cannot send.',
  },
  phone_offline: {
    status: 409,
    title: 'The phone is not connected',
    remedy: 'Try again when its `status` is `connected`.',
  },
  not_cancellable: {
    status: 409,
    title: 'The message does not wait any more',
    remedy: 'Read the message: it is being sent, was sent, or has ended.',
  },
  not_resendable: {
    status: 409,
    title: 'The message cannot be tried again',
    remedy: 'Only a message that is unknown, failed or expired can be; send a new one otherwise.',
  },
  phone_connected: {
    status: 409,
    title: 'The phone is connected already',
    remedy: 'Nothing is to be done: a connected phone needs no QR code.',
  },
  qr_unavailable: {
    status: 409,
    title: 'There is no QR code at the moment',
    remedy: 'Ask again after `Retry-After` seconds.',
  },
  not_allowed_by_whatsapp: {
    status: 409,
    title: 'WhatsApp does not let this phone do that',
    remedy: 'In a group it may have to be an admin; ask one of them.',
  },
  media_not_stored: {
    status: 409,
    title: 'The media is not stored',
    remedy:
      'Ask again after `Retry-After` seconds; without that header it could not be stored, and will not be.',
  },
  quota_exceeded: {
    status: 409,
    title: 'There is no room for it',
    remedy:
      'Remove what is no longer needed, wait for the next day where it is a number a day, or ask for more.',
  },
  events_gone: {
    status: 410,
    title: 'The events asked for are no longer kept',
    remedy: 'Read the present state, then go on from `oldestSequence`.',
  },
  payload_too_large: {
    status: 413,
    title: 'The body is too large',
    remedy: 'Send a smaller body.',
  },
  uri_too_long: {
    status: 414,
    title: 'The address is too long',
    remedy: 'Shorten the query.',
  },
  unsupported_media_type: {
    status: 415,
    title: 'The body is of a kind that is not taken here',
    remedy:
      'Send `Content-Type: application/json` in UTF-8, without `Content-Encoding`; a file as what it is, and as a type that `errors` allows.',
  },
  range_not_satisfiable: {
    status: 416,
    title: 'The range lies outside of the file',
    remedy: 'Ask for a range within the size that `Content-Range` names.',
  },
  unprocessable: {
    status: 422,
    title: 'The request is well formed but cannot be done',
    remedy: 'Correct the fields that `errors` names.',
  },
  invalid_url: {
    status: 422,
    title: 'The URL may not be called',
    remedy: 'Use an http(s) URL without credentials that leads to a public address.',
  },
  idempotency_mismatch: {
    status: 422,
    title: 'The Idempotency-Key belongs to another request',
    remedy: 'Make a new key for a new request; repeat a request with the very same body.',
  },
  too_many_requests: {
    status: 429,
    title: 'Too many requests',
    remedy: 'Wait for `Retry-After` seconds; the `RateLimit` headers tell what is left.',
  },
  headers_too_large: {
    status: 431,
    title: 'The headers are too large',
    remedy: 'Send fewer or shorter headers.',
  },
  internal: {
    status: 500,
    title: 'Something went wrong on our side',
    remedy: 'Try again; when it stays, report the `requestId`.',
  },
  mail_off: {
    status: 501,
    title: 'This gateway sends no e-mail',
    remedy: 'Ask its operator, who has to set SMTP_URL; an admin can help with what the mail was for.',
  },
  bad_gateway: {
    status: 502,
    title: 'The gateway gave no usable answer',
    remedy: 'Try again in a moment, with the same Idempotency-Key.',
  },
  unavailable: {
    status: 503,
    title: 'The service cannot do this at the moment',
    remedy: 'Try again after `Retry-After` seconds, with the same Idempotency-Key.',
  },
  gateway_timeout: {
    status: 504,
    title: 'The gateway did not answer in time',
    remedy: 'Try again in a moment, with the same Idempotency-Key.',
  },
});

export type ProblemCode = keyof typeof catalogue;

/**
 * One field that is wrong. `pointer` is a JSON pointer (RFC 6901) into the request: a field of the body is `/phoneId`,
 * a query parameter `/query/limit`, a path parameter `/path/id`, a header `/headers/idempotency-key` (lower case).
 * `code` and `params` let a client translate; `detail` is English.
 */
export interface FieldError {
  pointer: string;
  code: string;
  params?: Record<string, unknown>;
  detail: string;
}

export interface ProblemMore {
  errors?: FieldError[];
  /** Seconds; becomes the Retry-After header. */
  retryAfter?: number;
  /** For the log only; never shown. */
  cause?: unknown;
}

/** Thrown by anyone; `middleware/error.ts` alone turns it into an answer. */
export class Problem extends Error {
  override readonly name = 'Problem';

  constructor(
    readonly code: ProblemCode,
    readonly detail?: string,
    readonly more: ProblemMore = {},
  ) {
    super(detail ? `${code}: ${detail}` : code, { cause: more.cause });
  }
}

/** Where a Problem is explained; relative, so that it is right behind every door and every host name. */
export const problemType = (code: ProblemCode): string => `/api-docs/problems#${code}`;

/** The members of an answer that depend on the code alone (RFC 9457, section 3.1). */
export const problemHead = (code: ProblemCode) => ({
  type: problemType(code),
  title: catalogue[code].title,
  status: catalogue[code].status,
  code,
});
