import type { Ending } from './instance.js';

/** How the network ends a line, in the words of the recordings (`webhooks/STATUS_INSTANCE.json`). */

const stream = (code: number, message: string, content?: unknown[]): Ending => ({
  code,
  message: `Stream Errored (${message})`,
  data: { tag: 'stream:error', attrs: { code: String(code) }, ...(content ? { content } : {}) },
});

const ERRORS: Record<number, string> = {
  401: 'Unauthorized',
  402: 'Payment Required',
  403: 'Forbidden',
  406: 'Not Acceptable',
  408: 'Request Time-out',
  428: 'Precondition Required',
  440: 'Unknown',
  515: 'Unknown',
};

/** After these a real node does not connect again by itself. */
const FINAL = new Set([401, 402, 403, 406]);
export const isFinal = ({ code }: Ending): boolean => FINAL.has(code);

export const kicked = (code: number): Ending => {
  if (code === 401) return stream(401, 'conflict', [{ tag: 'conflict', attrs: { type: 'device_removed' } }]);
  if (code === 440) return stream(440, 'conflict', [{ tag: 'conflict', attrs: { type: 'replaced' } }]);
  return stream(code, 'unknown');
};
export const loggedOut = (name: string): Ending => ({
  code: 401,
  message: `Log out instance: ${name}`,
  data: null,
});
export const restarted: Ending = { code: 428, message: 'restart' };
export const restartRequired = stream(515, 'restart required');
export const unreachable: Ending = { code: 408, message: 'WebSocket Error ()' };

/** `lastDisconnect` as a real node stores and reports it: JSON text. */
export const describeEnding = ({ code, message, data }: Ending): string =>
  JSON.stringify({
    error: {
      data: data ?? null,
      isBoom: true,
      isServer: false,
      output: {
        statusCode: code,
        payload: { statusCode: code, error: ERRORS[code] ?? 'Unknown', message },
        headers: {},
      },
    },
    date: new Date(),
  });
