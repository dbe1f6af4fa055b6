import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export type Page = (req: IncomingMessage, res: ServerResponse, count: number) => void;

/** A real web server whose paths a test makes up; it remembers what was asked, and when each answer's connection ended. */
export async function startFileServer() {
  const pages = new Map<string, Page>();
  const asked: string[] = [];
  const closed: string[] = [];
  const server = createServer((req, res) => {
    const path = req.url!.split('?')[0]!;
    asked.push(path);
    res.once('close', () => closed.push(path));
    const page = pages.get(path);
    if (page) page(req, res, asked.filter((one) => one === path).length);
    else res.writeHead(404).end('nothing here');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const at = (path: string, page: Page): string => {
    pages.set(path, page);
    return `${url}${path}`;
  };
  return {
    url,
    asked,
    closed,
    at,
    serve: (path: string, bytes: Buffer, type?: string) =>
      at(path, (_req, res) => void res.writeHead(200, type ? { 'content-type': type } : {}).end(bytes)),
    redirect: (path: string, to: string, status = 302) =>
      at(path, (_req, res) => void res.writeHead(status, { location: to }).end()),
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
export type FileServer = Awaited<ReturnType<typeof startFileServer>>;
