import type { Media } from '../models/media.js';
import type { CarriedMedia } from '../models/message.js';
import type { Audience, LinkSigner } from '../utils/link.js';

/** A media as its user sees it. */
export interface MediaView {
  id: number;
  kind: string;
  status: string;
  source: string;
  mimetype: string | null;
  fileName: string | null;
  size: number | null;
  sha256: string | null;
  /** Opens without credentials until `urlExpiresAt`; works once it is stored. */
  url: string;
  urlExpiresAt: string;
  reason: string | null;
  createdAt: string;
  expiresAt: string | null;
}

/** Links of one hour are the same link, so that a file that was fetched by one need not be fetched by the next. */
const HOUR = 3_600_000;

export type MediaLinks = ReturnType<typeof createMediaLinks>;

/** Links that open one media for whoever has them, until they expire: for users, and for nodes. */
export function createMediaLinks(deps: {
  signer: LinkSigner;
  /** `linkTtl` in seconds; of the public listener, and of the one that nodes reach. */
  settings: { serverUrl: string; inboundUrl: string; linkTtl: number };
}) {
  const { signer, settings } = deps;
  const link = (
    base: string,
    media: Pick<Media, 'id' | 'userId'>,
    to: { audience: Audience; expires: Date },
  ) => {
    const { expires, signature } = signer.sign(media, to.audience, to.expires);
    return `${base}/media/${media.id}?expires=${expires}&signature=${signature}`;
  };
  const forUser = (media: Pick<Media, 'id' | 'userId'>, from = new Date()) => {
    const expires = new Date(Math.ceil(from.getTime() / HOUR) * HOUR + settings.linkTtl * 1000);
    return {
      url: link(`${settings.serverUrl.replace(/\/$/, '')}/api`, media, { audience: 'user', expires }),
      expires,
    };
  };
  return {
    forUser,
    /** `seconds`: how long the node may take to come for it. */
    forNode: (media: Pick<Media, 'id' | 'userId'>, seconds: number): string =>
      link(settings.inboundUrl.replace(/\/$/, ''), media, {
        audience: 'node',
        expires: new Date(Date.now() + seconds * 1000),
      }),
    verify: signer.verify,
  };
}

/** The file of a message, as the message shows it: what its sender says, as far as nothing better is known. */
export const carriedView = (
  message: { userId: number; media: CarriedMedia },
  links: Pick<MediaLinks, 'forUser'>,
) => {
  const { reason, ...media } = message.media;
  return {
    ...media,
    url: links.forUser({ id: media.id, userId: message.userId }).url,
    ...(reason === null ? {} : { reason }),
  };
};

export const mediaView = (media: Media, links: Pick<MediaLinks, 'forUser'>): MediaView => {
  const { url, expires } = links.forUser(media);
  return {
    id: media.id,
    kind: media.kind,
    status: media.status,
    source: media.source,
    mimetype: media.mimetype,
    fileName: media.fileName,
    size: media.size,
    sha256: media.sha256,
    url,
    urlExpiresAt: expires.toISOString(),
    reason: media.reason,
    createdAt: media.createdAt.toISOString(),
    expiresAt: media.expiresAt?.toISOString() ?? null,
  };
};
