import type { NextFunction, Request, RequestHandler, Response } from 'express';
import type { Fault } from '../faults/faults.js';
import { databaseError, NodeError, nodeError, type Answer } from './errors.js';
import { isDatabaseDown } from '../store/database.js';

/** Ends the process as a power cut would: nothing is saved, nobody is told. */
const die = (): void => {
  process.kill(process.pid, 'SIGKILL');
};

const BAD_GATEWAY =
  '<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad Gateway</h1></center>\r\n</body>\r\n</html>\r\n';

/** Spoils an exchange. @returns false when there is still something to answer. */
export const spoil = (fault: Fault, res: Response): boolean => {
  if (fault.die) die();
  if (fault.reset) res.req.socket.resetAndDestroy();
  if (fault.hang || fault.reset || fault.die) return true;
  if (!fault.status) return false;
  if (fault.status === 502) res.status(502).type('html').send(BAD_GATEWAY);
  else res.status(fault.status).json(nodeError(500, ['Error: Timed Out']).body);
  return true;
};

/** Writes an answer, unless a fault was laid on this call's answer (see `middleware.ts`). */
const write = (res: Response, [status, body]: Answer): void => {
  const fault = res.locals['fault'] as Fault | undefined;
  const now = (): void => {
    if (fault && spoil(fault, res)) return;
    if (typeof body === 'string') res.status(status).send(body);
    else res.status(status).json(body);
  };
  if (fault?.delayMs) setTimeout(now, fault.delayMs);
  else now();
};

/** A call as a function from the request to its answer. */
export const handle =
  (work: (req: Request) => Promise<Answer> | Answer): RequestHandler =>
  async (req, res) =>
    write(res, await work(req));

const toAnswer = (error: unknown): Answer => {
  if (error instanceof NodeError) return [error.status, error.body as never];
  const { type, status, message } = error as { type?: string; status?: number; message?: string };
  if (isDatabaseDown(error)) {
    const { body } = databaseError('this.prismaRepository.instance.findMany()');
    return [500, body as never];
  }
  // A body that is no JSON: the status says 400, the words say otherwise; real nodes do so.
  const text = message ?? 'Internal Server Error';
  const code = type?.startsWith('entity.') ? (status ?? 400) : 500;
  return [code, { status: code, error: 'Internal Server Error', response: { message: text } }];
};

export const onError = (error: unknown, _req: Request, res: Response, _next: NextFunction): void => {
  if (!res.headersSent) write(res, toAnswer(error));
};

export const onUnknown: RequestHandler = (req, res) =>
  write(res, [404, nodeError(404, [`Cannot ${req.method} ${req.originalUrl.split('?')[0]}`]).body as never]);
