import { lookup as askSystem, Resolver } from 'node:dns/promises';
import http from 'node:http';
import https from 'node:https';
import net, { type LookupFunction, type Socket } from 'node:net';
import tls from 'node:tls';
import { isPermitted, type Networks } from './address.js';
import { isInnerName, isLocalhost } from './webhook.url.js';

/** From a name to all its addresses; rejects when it has none. */
export type Lookup = (hostname: string) => Promise<string[]>;

export interface ConnectOptions {
  allowed: Networks;
  /** Milliseconds for name, connection and handshake together. */
  timeoutMs: number;
  lookup?: Lookup | undefined;
  /** PEM of an authority to trust instead of the usual ones. */
  ca?: string | undefined;
}

type ConnectClass = 'blocked' | 'dns' | 'connect' | 'tls' | 'timeout';

/** Why there is no connection; no byte of a request has left. `message` may be shown to the tenant. */
export class ConnectFailure extends Error {
  constructor(
    readonly errorClass: ConnectClass,
    message: string,
  ) {
    super(message);
  }
}

const MAX_PER_ORIGIN = 64;
const MAX_FREE_PER_ORIGIN = 4;
/** Below the five seconds after which Node.js receivers hang up, so that a request rarely meets a closing connection. */
const IDLE_MS = 4000;
/** Node's own 250 ms gives up on a good address that is an ocean away. */
const PER_ADDRESS_MS = 1000;
const MAX_ADDRESSES = 8;

const codeOf = (error: unknown): string => {
  const { code, message, errors } = error as { code?: string; message?: string; errors?: unknown[] };
  return errors?.[0] ? codeOf(errors[0]) : (code ?? message ?? 'unknown');
};

/**
 * Asks DNS over its own sockets: getaddrinfo takes one of the process's four threads for as long as a dead name server
 * likes, and bcrypt needs them too. Names that only the machine's own resolver may know (/etc/hosts, mDNS) go there.
 */
const resolve: Lookup = async (hostname) => {
  if (isInnerName(hostname)) return (await askSystem(hostname, { all: true })).map((found) => found.address);
  // A new one each time, as a resolver reads the machine's DNS settings once.
  const resolver = new Resolver({ timeout: 2000, tries: 2 });
  const answers = await Promise.allSettled([resolver.resolve4(hostname), resolver.resolve6(hostname)]);
  const addresses = answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
  if (addresses.length === 0) throw (answers[0] as PromiseRejectedResult).reason;
  return addresses;
};

/**
 * The addresses to try, all of them permitted; one that is not condemns the whole answer, as it shows what is intended.
 * Which address it was is not told: that would let tenants map the network around us.
 */
async function addressesOf(
  hostname: string,
  { allowed, lookup = resolve }: ConnectOptions,
): Promise<string[]> {
  if (isLocalhost(hostname)) {
    const own = ['127.0.0.1', '::1'].filter((address) => isPermitted(address, allowed));
    if (own.length === 0) throw new ConnectFailure('blocked', 'The host is this machine itself');
    return own;
  }
  const addresses = net.isIP(hostname)
    ? [hostname]
    : await lookup(hostname).catch((error: unknown) => {
        throw new ConnectFailure('dns', `The name does not resolve: ${codeOf(error)}`);
      });
  if (addresses.length === 0) throw new ConnectFailure('dns', 'The name has no address');
  if (!addresses.every((address) => isPermitted(address, allowed))) {
    throw new ConnectFailure('blocked', 'The host has an address that is not public');
  }
  return addresses.slice(0, MAX_ADDRESSES);
}

/** Connects to these addresses and no others: nothing is resolved a second time, so a DNS answer cannot flip. */
const pinned =
  (addresses: string[]): LookupFunction =>
  (_hostname, _options, done) =>
    done(
      null,
      addresses.map((address) => ({ address, family: net.isIP(address) })),
    );

/** Settles with the first of `event` and failure; gives up, and destroys the socket, after `timeoutMs`. */
function ready<S extends Socket>(
  socket: S,
  event: 'connect' | 'secureConnect',
  { errorClass, timeoutMs }: { errorClass: ConnectClass; timeoutMs: number },
): Promise<S> {
  return new Promise((resolve, reject) => {
    const fail = (why: ConnectClass, message: string) => {
      clearTimeout(timer);
      reject(new ConnectFailure(why, message));
      socket.destroy();
    };
    const timer = setTimeout(() => fail('timeout', 'No connection in time'), timeoutMs);
    // Stays on the socket: an error without a listener would end the process.
    socket.on('error', (error) => fail(errorClass, codeOf(error)));
    socket.once('close', () => fail(errorClass, 'The connection was closed'));
    socket.once(event, () => {
      clearTimeout(timer);
      resolve(socket);
    });
  });
}

/**
 * A TCP connection to one of `addresses`, and the third wall: what the socket is really connected to is checked before
 * anybody gets hold of it, so that not a byte reaches a place that is not permitted.
 */
export async function dial(
  target: { hostname: string; port: number; addresses: string[] },
  { allowed, timeoutMs }: Pick<ConnectOptions, 'allowed' | 'timeoutMs'>,
): Promise<Socket> {
  const socket = net.connect({
    host: target.hostname,
    port: target.port,
    lookup: pinned(target.addresses),
    autoSelectFamily: true,
    autoSelectFamilyAttemptTimeout: PER_ADDRESS_MS,
    noDelay: true,
  });
  let peer: string | undefined;
  socket.once('connect', () => (peer = socket.remoteAddress));
  await ready(socket, 'connect', { errorClass: 'connect', timeoutMs });
  if (!peer || !isPermitted(peer, allowed)) {
    socket.destroy();
    throw new ConnectFailure('blocked', 'The connection led to an address that is not public');
  }
  return socket;
}

async function open(
  target: { hostname: string; port: number; secure: boolean },
  o: ConnectOptions,
): Promise<Socket> {
  const deadline = performance.now() + o.timeoutMs;
  const left = () => Math.max(1, deadline - performance.now());
  const addresses = await addressesOf(target.hostname, o);
  const raw = await dial({ ...target, addresses }, { allowed: o.allowed, timeoutMs: left() });
  if (!target.secure) return raw;
  const { hostname } = target;
  const socket = tls.connect({
    socket: raw,
    host: hostname,
    ...(net.isIP(hostname) ? {} : { servername: hostname }),
    ...(o.ca ? { ca: o.ca } : {}),
    ALPNProtocols: ['http/1.1'],
    // Said here, it is not undone by NODE_TLS_REJECT_UNAUTHORIZED=0.
    rejectUnauthorized: true,
  });
  return ready(socket, 'secureConnect', { errorClass: 'tls', timeoutMs: left() });
}

/** Keep-alive agents whose every connection went through the walls. Request errors have a ConnectFailure as their cause. */
export function guardedAgents(o: ConnectOptions) {
  const limits = {
    keepAlive: true,
    maxSockets: MAX_PER_ORIGIN,
    maxFreeSockets: MAX_FREE_PER_ORIGIN,
    timeout: IDLE_MS,
  };
  const guard = <A extends http.Agent>(agent: A, secure: boolean): A =>
    Object.assign(agent, {
      // Node waits for `done` when nothing is returned, and gives the request no socket before.
      createConnection(
        { host, port }: { host: string; port: number | string },
        done: (error: Error | null, socket?: Socket) => void,
      ): void {
        const hostname = host.replace(/\.$/, '');
        open({ hostname, port: Number(port), secure }, o).then((socket) => done(null, socket), done);
      },
    });
  const httpAgent = guard(new http.Agent(limits), false);
  const httpsAgent = guard(new https.Agent(limits), true);
  return {
    httpAgent,
    httpsAgent,
    close(): void {
      httpAgent.destroy();
      httpsAgent.destroy();
    },
  };
}
