import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createApp, createInboundApp, type Frame } from '../../src/app.js';
import type { Caller, Endpoint } from '../../src/utils/endpoint.js';

export interface Line {
  level: 'info' | 'error';
  event: string;
  fields: Record<string, any>;
}

export const GENEROUS = {
  window: 900,
  ip: 10_000,
  user: 10_000,
  auth: 10_000,
  authIp: 10_000,
  account: 10_000,
  send: 10_000,
};
export const ANN: Caller = {
  userId: 1,
  scopes: 'all',
  isAdmin: false,
  via: 'jwt',
  credentialId: 'ses_1',
  allowedIps: null,
  phoneIds: null,
  messagesPerDay: undefined,
};

/** The frame around rows of a test's own, on a real listener; everything it logs is in `lines`. */
export async function startFrame(
  endpoints: Endpoint[],
  more: Partial<Frame['config']> & Partial<Pick<Frame, 'identify' | 'auditor'>> = {},
) {
  const { identify = async () => ANN, auditor, ...config } = more;
  const lines: Line[] = [];
  const app = createApp({
    endpoints,
    identify,
    logger: loggerInto(lines),
    ...(auditor ? { auditor } : {}),
    config: {
      version: '0.0.0',
      corsOrigins: [],
      trustProxy: 'loopback',
      jsonLimit: 1024 * 1024,
      serverUrl: 'http://localhost:8080',
      rateLimits: GENEROUS,
      ...config,
    },
  });
  return { lines, ...(await listening(app)) };
}

/** The internal listener's frame around rows of a test's own. */
export async function startInboundFrame(endpoints: Endpoint[]) {
  const lines: Line[] = [];
  return { lines, ...(await listening(createInboundApp({ endpoints, logger: loggerInto(lines) }))) };
}

const loggerInto = (lines: Line[]) => ({
  info: (event: string, fields: Record<string, unknown>) => void lines.push({ level: 'info', event, fields }),
  error: (event: string, fields: Record<string, unknown>) =>
    void lines.push({ level: 'error', event, fields }),
});

/** Serves on a free port. */
export async function listening(
  listener: RequestListener,
): Promise<{ url: string; port: number; stop(): Promise<void> }> {
  const server: Server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** One call, with everything a test may look at. A string or bytes are sent as they are, all else as JSON. */
export async function ask(
  url: string,
  {
    method = 'GET',
    body,
    headers = {},
  }: { method?: string; body?: unknown; headers?: Record<string, string> } = {},
): Promise<{ status: number; type: string; headers: Headers; text: string; body: any }> {
  const isRaw = typeof body === 'string' || body instanceof Uint8Array;
  const answer = await fetch(url, {
    method,
    headers: body === undefined ? headers : { 'content-type': 'application/json', ...headers },
    redirect: 'manual',
    ...(body === undefined ? {} : { body: (isRaw ? body : JSON.stringify(body)) as string }),
  });
  const text = await answer.text();
  const type = answer.headers.get('content-type') ?? '';
  return {
    status: answer.status,
    type,
    headers: answer.headers,
    text,
    body: text && /json/.test(type) ? JSON.parse(text) : undefined,
  };
}
