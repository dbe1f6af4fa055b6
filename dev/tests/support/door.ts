import { createServer, request, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect } from '@jest/globals';
import { temporaryFolder } from '../../src/folders.js';
import { startNginx, type Nginx, type NginxOptions } from '../../src/nginx.js';
import { freePort } from '../../src/ports.js';

export interface Upstream {
  address: string;
  seen: { method: string; url: string; headers: IncomingMessage['headers']; bytes: number }[];
  close(): Promise<void>;
}

export interface Answer {
  status: number;
  headers: IncomingMessage['headers'];
  text: string;
}

let folder: string;
let nginx: Nginx | undefined;
let upstreams: Upstream[];

/** Every test of a file that calls this gets a folder of its own, and what it opened is closed after it. */
export function closeDoors(): void {
  beforeEach(() => {
    folder = temporaryFolder('nginx');
    nginx = undefined;
    upstreams = [];
  });
  afterEach(async () => {
    await nginx?.stop();
    await Promise.all(upstreams.map((one) => one.close()));
    rmSync(folder, { recursive: true, force: true });
  });
}

export interface Door {
  front: string;
  internal: string;
  nginx: Nginx;
  logFile: string;
}

const listen = (server: Server, port: number): Promise<number> =>
  new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  });

/** A real HTTP server that notes every request whose head arrived, and answers with `answer` when the body is there. */
export async function upstream(answer?: RequestListener, port = 0): Promise<Upstream> {
  const seen: Upstream['seen'] = [];
  const server = createServer((req, res) => {
    const noted = { method: req.method ?? '', url: req.url ?? '', headers: req.headers, bytes: 0 };
    seen.push(noted);
    req.on('data', (chunk: Buffer) => (noted.bytes += chunk.length));
    req.on('end', () =>
      answer ? answer(req, res) : res.end(String((server.address() as AddressInfo).port)),
    );
  });
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => sockets.add(socket));
  server.on('upgrade', (req, socket) => {
    seen.push({ method: 'UPGRADE', url: req.url ?? '', headers: req.headers, bytes: 0 });
    socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n');
    socket.on('data', (data) => socket.write(`echo ${data.toString()}`));
    socket.on('error', () => undefined);
  });
  const address = `127.0.0.1:${await listen(server, port)}`;
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      for (const socket of sockets) socket.destroy();
    });
  const made = { address, seen, close };
  upstreams.push(made);
  return made;
}

/** An address nothing listens on. */
export const nowhere = async (): Promise<string> => `127.0.0.1:${await freePort()}`;

/** Real nginx before these upstreams; where none is given, nothing listens. */
export async function door(options: Partial<NginxOptions>): Promise<Door> {
  const [front, internal, nobody] = [await nowhere(), await nowhere(), await nowhere()];
  const logFile = join(folder, 'nginx.log');
  nginx = await startNginx({
    dir: join(folder, 'nginx'),
    front: [front],
    internal: [internal],
    gateway: [nobody],
    inbound: [nobody],
    nodes: [nobody],
    logFile,
    ...options,
  });
  return { front, internal, nginx, logFile };
}

interface Ask {
  method?: string;
  headers?: Record<string, string>;
  body?: string | Buffer;
}

export const ask = (
  address: string,
  path: string,
  { method = 'GET', headers = {}, body }: Ask = {},
): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const asked = request(`http://${address}${path}`, { method, headers, agent: false }, (answer) => {
      let text = '';
      answer.on('data', (chunk: Buffer) => (text += chunk.toString()));
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, text }));
    });
    asked.once('error', reject);
    asked.end(body);
  });

/** Sends bytes that no HTTP client would; gives back the answer once its body, a Problem, is complete. */
export const raw = (address: string, text: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const socket = connect(Number(address.split(':')[1]), '127.0.0.1', () => socket.write(text));
    let answer = '';
    socket.on('data', (chunk) => {
      answer += chunk.toString();
      if (/"requestId":"[^"]*"\}$/.test(answer)) socket.destroy();
    });
    socket.on('close', () => resolve(answer));
    socket.on('error', reject);
  });

export const expectProblem = (answer: Answer, status: number, code: string): void => {
  expect(answer.status).toBe(status);
  expect(answer.headers['content-type']).toBe('application/problem+json');
  expect(JSON.parse(answer.text)).toEqual({
    type: `/api-docs/problems#${code}`,
    title: expect.any(String),
    status,
    code,
    detail: expect.any(String),
    requestId: answer.headers['x-request-id'],
  });
};
