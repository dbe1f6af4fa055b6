import { createSocket } from 'node:dgram';
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
 * Holds `port` for this process: whoever asks here, in any process, passes over a port whose UDP twin is bound. Nothing
 * of ours speaks UDP, a listen on TCP is not hindered, and the system lets go when the process ends, however it ends.
 */
function hold(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createSocket('udp4').unref();
    socket.once('error', () => {
      socket.close();
      resolve(false);
    });
    socket.bind({ port, address: '127.0.0.1', exclusive: true }, () => resolve(true));
  });
}

/**
 * The first of `inARow` TCP ports that nothing listens on. They are this process's own until it ends: no other call of
 * this function gives them, here or in another process, even before anything listens there.
 */
export async function freePort(inARow = 1): Promise<number> {
  for (let tries = 0; tries < 200; tries += 1) {
    const first = LOWEST + Math.floor(Math.random() * (HIGHEST - LOWEST - inARow));
    const row = Array.from({ length: inARow }, (_, offset) => first + offset);
    const free = await Promise.all(
      row.map(async (port) => (await canListen(port, '0.0.0.0')) && (await canListen(port)) && hold(port)),
    );
    if (free.every(Boolean)) return first;
  }
  throw new Error(`no ${inARow} free TCP port(s) in a row between ${LOWEST} and ${HIGHEST}`);
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
