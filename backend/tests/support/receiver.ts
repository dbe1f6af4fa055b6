import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { notePost } from './signatures.js';

export interface Received {
  at: number;
  headers: Record<string, string>;
  text: string;
  body: any;
}
export type Behaviour = (req: IncomingMessage, res: ServerResponse, received: Received) => void;

/** A real HTTP receiver of webhooks that remembers everything; answers 204 unless a behaviour is given. */
export async function startReceiver(behaviour: Behaviour = (_req, res) => void res.writeHead(204).end()) {
  const all: Received[] = [];
  const state = { behaviour };
  const server = createServer((req, res) => {
    const chunks: Buffer[] = [];
    req.on('data', (chunk: Buffer) => chunks.push(chunk));
    req.on('end', () => {
      const text = Buffer.concat(chunks).toString();
      const received = {
        at: Date.now(),
        headers: req.headers as Record<string, string>,
        text,
        body: parse(text),
      };
      all.push(received);
      notePost({ url: `http://${req.headers.host}${req.url}`, headers: received.headers, text });
      state.behaviour(req, res, received);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/hook`,
    all,
    of: (event: string) => all.filter((received) => received.body?.event === event),
    behave(next: Behaviour) {
      state.behaviour = next;
    },
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
export type Receiver = Awaited<ReturnType<typeof startReceiver>>;

const parse = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
};
