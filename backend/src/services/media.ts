import { Readable } from 'node:stream';
import { StorageMiss, type Range, type Storage } from '../clients/storage.js';
import type { Wake } from '../clients/wake.js';
import type { Models, Tenancy } from '../models/index.js';
import type { Media } from '../models/media.js';
import type { CarriedMedia } from '../models/message.js';
import type { MediaKind } from '../utils/media-type.js';
import { safeFileName } from '../utils/file-name.js';
import { plainType } from '../utils/media-type.js';
import { Problem, type ProblemCode } from '../utils/problem.js';
import { whereaboutsOf, type Upload } from '../utils/upload.js';
import { once } from './idempotency.js';
import { BrokenOff, type Intake } from './media-intake.js';
import { mediaView, type MediaLinks, type MediaView } from './media-view.js';

/** Where the file of a message, or of an upload, comes from: one of these. */
export interface MediaRequest {
  file?: Upload;
  mediaId?: number;
  mediaUrl?: string;
  /** Base64. */
  media?: string;
  mimetype?: string;
  fileName?: string;
}

export interface OpenMedia {
  media: Media & { mimetype: string; fileName: string; size: number; sha256: string };
  read(range?: Range): Promise<Readable>;
}

/** A media for a draft. `isNew`: made for it alone, and of no use without it. */
export interface Resolved {
  media: CarriedMedia;
  isNew: boolean;
}

export interface MediaSettings {
  /** Bytes a user's files may take; 0: no end. */
  quota: number;
  /** 0: for ever. */
  keptDays: number;
  /** Seconds. */
  idempotencyTtl: number;
}

export type MediaService = ReturnType<typeof createMedia>;

/** Seconds; a node comes at once, or it tries again. */
const NODE_LINK = 3600;

const wrong = (code: ProblemCode, pointer: string, detail: string) =>
  new Problem(code, detail, { errors: [{ pointer, code, detail }] });

const carried = ({ id, status, kind, mimetype, fileName, size, reason }: Media): CarriedMedia => ({
  id,
  status,
  kind,
  mimetype,
  fileName,
  size,
  reason: status === 'failed' ? reason : null,
});

/** No room for so many bytes more: `quota` is the gateway's, where the user has none of their own. In the transaction that stores them, which holds the user's count. */
export async function checkQuota(
  models: Models,
  userId: number,
  about: { size: number; quota: number },
): Promise<void> {
  const quota = (await models.quotas.find(userId)).quotas.mediaBytes ?? about.quota;
  if (quota === 0) return;
  const used = await models.media.usage(userId);
  if (used + about.size <= quota) return;
  const detail = `${used} of ${quota} bytes are taken, and this file has ${about.size}`;
  throw new Problem('quota_exceeded', detail, {
    errors: [{ pointer: '', code: 'quota_exceeded', params: { used, size: about.size, quota }, detail }],
  });
}

/** The files of users: taken, found, handed out, removed. */
export function createMedia(deps: {
  tenancy: Pick<Tenancy, 'inTenant'>;
  storage: Storage;
  intake: Intake;
  links: MediaLinks;
  wake: Pick<Wake, 'hint'>;
  /** Why a URL may not be called, or null. */
  refuseUrl(url: string): string | null;
  settings: MediaSettings;
}) {
  const { tenancy, storage, intake, links, wake, settings } = deps;
  const keptDays = settings.keptDays === 0 ? null : settings.keptDays;

  /** Gives an upload its row. */
  async function keep(
    models: Models,
    userId: number,
    upload: Upload,
    source: 'upload' | 'base64',
  ): Promise<Media> {
    await checkQuota(models, userId, { size: upload.size, quota: settings.quota });
    const { storageKey } = whereaboutsOf(upload);
    const { sha256, ...file } = upload;
    return models.media.create({
      ...file,
      userId,
      status: 'stored',
      source,
      storageKey,
      sha256: Buffer.from(sha256, 'hex'),
      keptDays,
    });
  }

  /** Puts a link up for fetching; one that is up already is fetched once for all that want it. */
  async function order(
    models: Models,
    userId: number,
    link: MediaRequest & { kind: MediaKind | null },
  ): Promise<Media> {
    const wanted = {
      userId,
      url: link.mediaUrl!,
      kind: link.kind ?? ('document' as const),
      mimetype: plainType(link.mimetype),
    };
    const same = await models.media.findPending(wanted);
    if (same) return same;
    const media = await models.media.create({
      ...wanted,
      status: 'pending',
      source: 'link',
      fileName: safeFileName(link.fileName),
      keptDays,
    });
    await models.media.queue(media);
    return media;
  }

  function checkUrl(url: string): void {
    const reason = deps.refuseUrl(url);
    if (reason) throw wrong('invalid_url', '/mediaUrl', `The URL is refused: ${reason}`);
  }

  /** Takes base64 into the storage. Problems as of intake. */
  const decode = (userId: number, request: MediaRequest, kind: MediaKind | null): Promise<Upload> =>
    intake
      .take({
        userId,
        stream: Readable.from([Buffer.from(request.media!, 'base64')]),
        kind,
        mimetype: request.mimetype ?? null,
        fileName: request.fileName ?? null,
        isBinding: true,
        pointer: '/media',
      })
      .catch((error: unknown) => {
        throw error instanceof BrokenOff ? new Problem('internal', undefined, { cause: error }) : error;
      });

  /** What a request brings, as a file that is stored, or null when it links to one. */
  async function uploadOf(
    userId: number,
    request: MediaRequest,
    kind: MediaKind | null,
  ): Promise<Upload | null> {
    if (request.mediaUrl !== undefined) checkUrl(request.mediaUrl);
    if (request.media !== undefined) return decode(userId, request, kind);
    if (request.file && kind && kind !== request.file.kind) {
      intake.checkAs(request.file, kind, '/file');
      request.file.kind = kind;
    }
    return request.file ?? null;
  }

  /** A media of the user's that a message of this kind can carry. Problems: not_found, and those of intake. */
  async function reuse(userId: number, id: number, kind: MediaKind): Promise<Resolved> {
    const media = await tenancy.inTenant(userId, (models) => models.media.find(id));
    if (!media) throw wrong('not_found', '/mediaId', `There is no media ${id}`);
    if (media.status === 'failed') {
      throw wrong('unprocessable', '/mediaId', `Media ${id} could not be stored: ${media.reason ?? ''}`);
    }
    if (media.status === 'stored') {
      intake.checkStored({ mimetype: media.mimetype!, size: media.size! }, kind, '/mediaId');
    }
    return { media: carried(media), isNew: false };
  }

  /** Stores the row of a request's file, or of its link; what is not kept is discarded. */
  async function make(
    userId: number,
    made: { request: MediaRequest; kind: MediaKind | null; upload: Upload | null; models: Models },
  ): Promise<Media> {
    const { request, kind, upload, models } = made;
    if (!upload) return order(models, userId, { ...request, kind });
    return keep(models, userId, upload, request.media === undefined ? 'upload' : 'base64');
  }

  async function drop(upload: Upload): Promise<void> {
    whereaboutsOf(upload).isKept = false;
    await intake.discard(upload);
  }

  /**
   * Runs what gives an upload its row, and discards the upload when there is none. A commit of which nobody knows whether
   * it took place keeps the file: without a row, a sweep finds it.
   */
  async function keeping<T>(upload: Upload | null, work: () => Promise<T>): Promise<T> {
    if (upload) whereaboutsOf(upload).isKept = true;
    try {
      return await work();
    } catch (error) {
      const isUnknown = error instanceof Problem && error.code === 'unavailable';
      if (upload && !isUnknown) await drop(upload);
      throw error;
    }
  }

  async function find(userId: number, id: number): Promise<Media> {
    const media = await tenancy.inTenant(userId, (models) => models.media.find(id));
    if (!media) throw new Problem('not_found', `There is no media ${id}`);
    return media;
  }

  return {
    /**
     * Takes a file, base64 or a link as a media of its own. Problems: those of intake, invalid_url, quota_exceeded,
     * idempotency_mismatch.
     */
    async create(
      userId: number,
      request: MediaRequest & { kind: MediaKind | null },
      key: string | null,
    ): Promise<{ media: MediaView; replayed: boolean }> {
      const { kind } = request;
      const upload = await uploadOf(userId, request, kind);
      const asked = { userId, key, request: ['POST /api/media', request], ttl: settings.idempotencyTtl };
      const { value, replayed } = await keeping(upload, () =>
        tenancy.inTenant(userId, (models) =>
          once(models, asked, async () => {
            const view = mediaView(await make(userId, { request, kind, upload, models }), links);
            return { first: view, again: view };
          }),
        ),
      );
      if (upload && replayed) await drop(upload);
      if (!upload) wake.hint('media');
      return { media: value, replayed };
    },

    /** The media a draft carries. Problems: those of `create`, not_found, unprocessable; each names its field. */
    async resolve(userId: number, request: MediaRequest, kind: MediaKind): Promise<Resolved> {
      if (request.mediaId !== undefined) return reuse(userId, request.mediaId, kind);
      const upload = await uploadOf(userId, request, kind);
      const media = await keeping(upload, () =>
        tenancy.inTenant(userId, (models) => make(userId, { request, kind, upload, models })),
      );
      if (!upload) wake.hint('media');
      // What is fetched may be wanted by others too.
      return { media: carried(media), isNew: upload !== null };
    },

    /** Problems: not_found. */
    find: async (userId: number, id: number): Promise<MediaView> => mediaView(await find(userId, id), links),

    /** Newest first; one more than the limit tells that there are more. */
    async list(
      userId: number,
      page: { before: number | undefined; limit: number; offset: number },
    ): Promise<{ data: MediaView[]; hasMore: boolean }> {
      const rows = await tenancy.inTenant(userId, (models) =>
        models.media.list({ ...page, userId, limit: page.limit + 1 }),
      );
      return {
        data: rows.slice(0, page.limit).map((media) => mediaView(media, links)),
        hasMore: rows.length > page.limit,
      };
    },

    /** Problems: not_found; conflict while a message that has not gone out needs it. */
    async remove(userId: number, id: number): Promise<void> {
      const key = await tenancy.inTenant(userId, async (models) => {
        const media = await models.media.findForUpdate(id);
        if (!media) throw new Problem('not_found', `There is no media ${id}`);
        if (await models.media.isAwaited(userId, id))
          throw new Problem('conflict', 'A message that has not gone out yet needs this media');
        await models.media.remove(id);
        return media.storageKey;
      });
      // Gone from the database, it is nobody's: what cannot be removed now, a sweep removes.
      if (key) await storage.remove(key).catch(() => undefined);
    },

    /** A stored file, for its owner. Problems: not_found, media_not_stored. */
    async open(userId: number, id: number): Promise<OpenMedia> {
      const media = await find(userId, id);
      if (media.status !== 'stored') {
        throw new Problem(
          'media_not_stored',
          `Media ${id} is ${media.status}${media.reason ? `: ${media.reason}` : ''}`,
          {
            ...(media.status === 'pending' ? { retryAfter: 2 } : {}),
          },
        );
      }
      const read = (range?: Range) =>
        storage.get(media.storageKey!, range).catch((cause: unknown) => {
          if (cause instanceof StorageMiss)
            throw new Problem('not_found', `Media ${id} has no file any more`, { cause });
          throw new Problem('unavailable', 'The storage of media does not answer', { retryAfter: 5, cause });
        });
      return { media: media as OpenMedia['media'], read };
    },

    /**
     * Whose media a link opens; null when it is not whole, or has expired, or its user was disabled: but a node still gets what
     * it is just sending.
     */
    async ownerByLink(...link: Parameters<typeof links.verify>): Promise<number | null> {
      const [, audience] = link;
      const owner = links.verify(...link);
      if (owner === null || audience === 'node') return owner;
      const user = await tenancy.inTenant(owner, (models) => models.users.find(owner));
      return user?.isActive ? owner : null;
    },

    /** What a repeated request's message carries. */
    async carriedBy(userId: number, id: number): Promise<CarriedMedia | null> {
      const media = await tenancy.inTenant(userId, (models) => models.media.find(id));
      return media && carried(media);
    },

    /** Where a node finds the file of a message, and what it is; null when there is none (any more). */
    async forNode(
      userId: number,
      id: number,
    ): Promise<{ url: string; mimetype: string; fileName: string } | null> {
      const media = await tenancy.inTenant(userId, (models) => models.media.find(id));
      if (media?.status !== 'stored') return null;
      return { url: links.forNode(media, NODE_LINK), mimetype: media.mimetype!, fileName: media.fileName! };
    },

    /** Removes a media that was made for a draft which was not accepted. */
    async undo(userId: number, id: number): Promise<void> {
      const key = await tenancy.inTenant(userId, async (models) => {
        const media = await models.media.findForUpdate(id);
        if (!media || (await models.media.isAwaited(userId, id))) return null;
        await models.media.remove(id);
        return media.storageKey;
      });
      if (key) await storage.remove(key).catch(() => undefined);
    },
  };
}
