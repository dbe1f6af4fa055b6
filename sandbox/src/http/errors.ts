import type { Json } from '../utils/json.js';

const NAMES: Record<number, string> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  500: 'Internal Server Error',
};

/** An answer that is an error, in the node's own form: `{status, error, response: {message}}`. */
export class NodeError extends Error {
  readonly status: number;
  /** The whole body. */
  readonly body: unknown;

  constructor(status: number, body: unknown) {
    super(JSON.stringify(body));
    this.status = status;
    this.body = body;
  }
}

/** @param message a string, a list of strings, a list of lists (schema), or objects: real nodes use them all. */
export const nodeError = (status: number, message: unknown): NodeError =>
  new NodeError(status, { status, error: NAMES[status], response: { message } });

export const badRequest = (...messages: unknown[]): NodeError => nodeError(400, messages);

/** What a JavaScript mistake inside a real node becomes: 500 with the bare text. */
export const crashed = (message: string): NodeError => nodeError(500, message);

/** What a real node says when its database cannot be reached, by the query that noticed. */
export const databaseError = (invocation: string, shape: 'text' | 'list' = 'text'): NodeError => {
  const text = `\nInvalid \`${invocation}\` invocation in\n/evolution/src/api\n\nCan't reach database server`;
  return nodeError(500, shape === 'list' ? [`PrismaClientKnownRequestError: ${text}`] : text);
};

/** What a real node says when a row it wants to write belongs to an instance that is gone. */
export const foreignKeyText = (invocation: string, constraint: string): string =>
  `\nInvalid \`${invocation}\` invocation in\n/evolution/src/api\n\nForeign key constraint violated on the constraint: \`${constraint}\``;

export type Answer = readonly [status: number, body: Json | readonly unknown[] | string | null];
