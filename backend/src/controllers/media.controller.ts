import { pipeline } from 'node:stream/promises';
import type { Response } from 'express';
import type { MediaRequest, MediaService, OpenMedia } from '../services/media.js';
import type { Req } from '../utils/endpoint.js';
import { attachment } from '../utils/file-name.js';
import type { Audience, SignedQuery } from '../utils/link.js';
import type { MediaKind } from '../utils/media-type.js';
import { Problem } from '../utils/problem.js';
import { rangeOf } from '../utils/range.js';
import { idempotencyKey, readCursor, sendPage, type IdempotencyHeaders, type PageQuery } from './page.js';

export interface CreateMediaInput {
  headers: IdempotencyHeaders;
  body: MediaRequest & { type?: MediaKind };
}
export interface MediaInput {
  params: { id: number };
}
export interface OpenMediaInput extends MediaInput {
  query: Partial<SignedQuery>;
}
export interface ListMediaInput {
  query: PageQuery;
}

/** It is a file of somebody's, on our origin: nothing of it may run here, whatever browsers make of it. */
const HEADERS = {
  'Content-Security-Policy': "sandbox; default-src 'none'",
  'X-Content-Type-Options': 'nosniff',
  'Accept-Ranges': 'bytes',
};

async function send(req: Req, res: Response, { media, read }: OpenMedia): Promise<void> {
  const etag = `"${media.sha256}"`;
  res.set({
    ...HEADERS,
    'Content-Type': media.mimetype,
    'Content-Disposition': attachment(media.fileName),
    ETag: etag,
  });
  const isFresh = [undefined, etag].includes(req.get('if-range'));
  const range = isFresh ? rangeOf(req.get('range'), media.size) : null;
  if (range === 'none') {
    res.set('Content-Range', `bytes */${media.size}`);
    for (const name of ['Content-Type', 'Content-Disposition', 'ETag']) res.removeHeader(name);
    throw new Problem('range_not_satisfiable', `The file has ${media.size} bytes`);
  }
  if (range) res.status(206).set('Content-Range', `bytes ${range.start}-${range.end}/${media.size}`);
  res.set('Content-Length', String(range ? range.end - range.start + 1 : media.size));
  if (req.method === 'HEAD') return void res.end();
  const stream = await read(range ?? undefined);
  res.flushHeaders();
  // One who hangs up in the middle has what they wanted, or will ask again.
  await pipeline(stream, res).catch(() => res.destroy());
}

export const mediaController = ({ media }: { media: MediaService }) => {
  const ownerOf = async (req: Req<OpenMediaInput>, audience: Audience): Promise<number> => {
    const { expires, signature } = req.input.query;
    if (signature === undefined || expires === undefined) throw new Problem('not_found');
    const owner = await media.ownerByLink(req.input.params.id, audience, { expires, signature });
    if (owner === null) throw new Problem('not_found', 'This link is not whole, or has expired');
    return owner;
  };

  return {
    async create(req: Req<CreateMediaInput>, res: Response) {
      const { type, ...request } = req.input.body;
      const key = idempotencyKey(req);
      const made = await media.create(req.caller.userId, { ...request, kind: type ?? null }, key);
      if (made.replayed) res.setHeader('Idempotent-Replayed', 'true');
      res.status(201).location(`/api/media/${made.media.id}`).json(made.media);
    },

    async list(req: Req<ListMediaInput>, res: Response) {
      const { limit, offset } = req.input.query;
      const before = readCursor(req.input.query);
      sendPage(res, await media.list(req.caller.userId, { before, limit, offset }));
    },

    async find(req: Req<MediaInput>, res: Response) {
      res.json(await media.find(req.caller.userId, req.input.params.id));
    },

    /** By its owner, or by whoever has a link. */
    async open(req: Req<OpenMediaInput>, res: Response) {
      const caller = req.caller as Req['caller'] | undefined;
      const userId =
        req.input.query.signature === undefined && caller ? caller.userId : await ownerOf(req, 'user');
      await send(req, res, await media.open(userId, req.input.params.id));
    },

    /** By a node, with a link made for nodes. */
    async openForNode(req: Req<OpenMediaInput>, res: Response) {
      await send(req, res, await media.open(await ownerOf(req, 'node'), req.input.params.id));
    },

    async remove(req: Req<MediaInput>, res: Response) {
      await media.remove(req.caller.userId, req.input.params.id);
      res.status(204).end();
    },
  };
};
