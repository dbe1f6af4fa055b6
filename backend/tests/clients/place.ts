import http from 'node:http';
import https from 'node:https';
import net, { type AddressInfo, type Server, type Socket } from 'node:net';

/** A real server on loopback that counts who came and what they sent. */
export interface Place {
  port: number;
  connections: number;
  /** Bytes received, as they came over the wire. */
  received(): number;
  /** Bytes that went out. */
  sent(): number;
  /** Connections that are still open. */
  open(): number;
  stop(): Promise<void>;
}

async function place<S extends Server>(server: S, host: string): Promise<Place> {
  const sockets: Socket[] = [];
  const state = { connections: 0 };
  server.on('connection', (socket: Socket) => {
    state.connections += 1;
    sockets.push(socket);
    socket.on('error', () => undefined);
  });
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, host, resolve));
  return {
    port: (server.address() as AddressInfo).port,
    get connections() {
      return state.connections;
    },
    received: () => sockets.reduce((sum, socket) => sum + socket.bytesRead, 0),
    sent: () => sockets.reduce((sum, socket) => sum + socket.bytesWritten, 0),
    open: () => sockets.filter((socket) => !socket.closed).length,
    async stop() {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

/** Speaks raw TCP; whatever `greet` does not read stays unread. */
export const tcpPlace = (greet: (socket: Socket) => void, host = '127.0.0.1'): Promise<Place> =>
  place(net.createServer({ pauseOnConnect: false }, greet), host);

export interface Request {
  method: string;
  url: string;
  headers: http.IncomingHttpHeaders;
  body: string;
}
type Answer = (res: http.ServerResponse, request: Request) => void;

const listener =
  (requests: Request[], answer: Answer): http.RequestListener =>
  (req, res) => {
    const chunks: Buffer[] = [];
    req.on('data', (chunk: Buffer) => chunks.push(chunk));
    req.on('end', () => {
      const { method = '', url = '', headers } = req;
      const request = { method, url, headers, body: Buffer.concat(chunks).toString() };
      requests.push(request);
      answer(res, request);
    });
  };

export async function httpPlace(
  answer: Answer,
  host = '127.0.0.1',
): Promise<Place & { requests: Request[] }> {
  const requests: Request[] = [];
  return Object.assign(await place(http.createServer(listener(requests, answer)), host), { requests });
}

export async function httpsPlace(
  pair: { key: string; cert: string },
  answer: Answer,
): Promise<Place & { requests: Request[] }> {
  const requests: Request[] = [];
  const server = https.createServer(pair, listener(requests, answer)).on('tlsClientError', () => undefined);
  return Object.assign(await place(server, '127.0.0.1'), { requests });
}
