import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { until } from './until.js';

export interface Received {
  readonly at: number;
  readonly path: string;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: any;
}

/** Answers a webhook: a status, or what to do with the request. */
export type Rule = (received: Received, earlier: number) => number | 'hang';

/** A webhook receiver that remembers everything, and by a rule answers something else than 200. */
export const startReceiver = async () => {
  const all: Received[] = [];
  let rule: Rule = () => 200;
  const server = http.createServer((req, res) => {
    const chunks: Buffer[] = [];
    req.on('data', (chunk: Buffer) => chunks.push(chunk));
    req.on('end', () => {
      const body = JSON.parse(Buffer.concat(chunks).toString() || 'null');
      const received = { at: Date.now(), path: req.url ?? '', headers: req.headers, body };
      const status = rule(received, all.filter(({ path }) => path === received.path).length);
      all.push(received);
      if (status !== 'hang') res.writeHead(status).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const match = (event: string, fits: (body: any) => boolean) =>
    all.filter(({ body }) => body?.event === event && fits(body));
  return {
    url: `http://127.0.0.1:${port}`,
    all,
    answer: (next: Rule): void => void (rule = next),
    /** Those of one event that fit, so far. */
    of: (event: string, fits: (body: any) => boolean = () => true): any[] =>
      match(event, fits).map(({ body }) => body),
    /** The first webhook of an event that fits; waits for it. */
    next: (event: string, fits: (body: any) => boolean = () => true, ms = 60_000): Promise<Received> =>
      until(`a webhook ${event}`, () => match(event, fits)[0], ms),
    stop: (): Promise<void> => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
};

export type Receiver = Awaited<ReturnType<typeof startReceiver>>;
