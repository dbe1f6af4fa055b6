import { createConnection, createServer } from 'node:net';

/** Below the ephemeral ranges of Linux (32768) and macOS (49152): no outgoing connection takes such a port away. */
const LOWEST = 15_000;
const HIGHEST = 32_000;

/** Does a listen on `host:port` succeed at this moment? Anything but "yes" counts as taken (EACCES included). */
export function canListen(port: number, host = '127.0.0.1'): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/**
 * A TCP port nothing listens on, chosen at random so that test workers asking at the same time rarely meet.
 * It is not reserved: take it soon.
 */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < 200; tries += 1) {
    const port = LOWEST + Math.floor(Math.random() * (HIGHEST - LOWEST));
    if ((await canListen(port, '0.0.0.0')) && (await canListen(port))) return port;
  }
  throw new Error(`no free TCP port between ${LOWEST} and ${HIGHEST}`);
}

/** Does anything accept connections on `host:port` (within one second)? */
export function answers(port: number, host = '127.0.0.1'): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ port, host, timeout: 1000 });
    const end = (answer: boolean) => () => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('connect', end(true));
    socket.once('timeout', end(false));
    socket.once('error', end(false));
  });
}
