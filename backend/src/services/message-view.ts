import type { Contents } from '../clients/evolution.content.js';
import type { Acceptance, Message } from '../models/message.js';
import type { TimelineEntry } from '../models/progress.js';
import { carriedView, type MediaLinks } from './media-view.js';
import { remedyOf } from './reason.js';

/** What a message says beside its text; a field that it does not have is absent. */
export interface ContentsView extends Omit<Contents, 'reaction' | 'fileName' | 'mimetype'> {
  reaction?: { messageId: number | null; emoji: string; whatsappId?: string };
  /**
   * The file it carries; before it is stored, as its sender describes it. `size` in bytes. `url` opens it for a while,
   * once it is stored; without `id` the file is gone.
   */
  media?: {
    id?: number;
    status?: string;
    kind: string;
    mimetype: string | null;
    fileName: string | null;
    size: number | null;
    url?: string;
    /** Why it failed. */
    reason?: string;
  };
  /** What somebody chose from a list or from buttons. */
  choice?: { id?: string; text?: string; description?: string };
  /** A vote in a poll: WhatsApp's id of the poll, and what was chosen; null: the node could not decipher it. */
  vote?: { messageId: number | null; whatsappId: string | null; options: string[] | null };
  live?: boolean;
  quotedWhatsappId?: string;
  lid?: string;
  /** As it came, of a type that is not known here. */
  raw?: Record<string, unknown>;
  editedAt?: string;
  deletedAt?: string;
}

/** A message as its user sees it. `messageId` elsewhere in JSON is this `id`; WhatsApp's own is `whatsappId`. */
export interface MessageView extends Partial<ContentsView> {
  id: number;
  phoneId: number;
  direction: 'in' | 'out';
  source: string;
  chat: string;
  from: string;
  to: string;
  type: string;
  message: string | null;
  status: string;
  reason: string | null;
  remedy: string | null;
  /** What is known of the reason beyond its name. */
  detail?: string;
  whatsappId: string | null;
  createdAt: string;
  updatedAt: string;
  /** As asked for; null: at once. */
  sendAt: string | null;
  expiresAt: string | null;
  priority: Priority;
  bulkId: number | null;
}
export interface MessageDetail extends MessageView {
  attempts: number;
  timeline: { status: string; reason: string | null; at: string }[];
}

const SHOWN = [
  'linkPreview',
  'mentions',
  'mentionAll',
  'quotedMessageId',
  'quotedWhatsappId',
  'location',
  'live',
  'contacts',
  'poll',
  'vote',
  'list',
  'buttons',
  'choice',
  'media',
  'reaction',
  'statusPost',
  'presence',
  'raw',
] as const;

/** The name a send gives a file goes before the file's own; what a contact says stands in for what is not known yet. */
function described(payload: Record<string, unknown> | null, media: NonNullable<ContentsView['media']>) {
  const said = (payload?.['media'] ?? {}) as Partial<typeof media>;
  const named = typeof payload?.['fileName'] === 'string' ? payload['fileName'] : null;
  return {
    ...media,
    kind: said.kind ?? media.kind,
    mimetype: media.mimetype ?? said.mimetype ?? null,
    fileName: named ?? media.fileName ?? said.fileName ?? null,
    size: media.size ?? said.size ?? null,
  };
}

const shown = (payload: Record<string, unknown> | null): Partial<ContentsView> =>
  payload === null
    ? {}
    : Object.fromEntries(
        SHOWN.flatMap((name) => (payload[name] === undefined ? [] : [[name, payload[name]]])),
      );

/** What it refers to, which may have come after it. What a request named by our id stands. */
function referring({ payload, refersTo }: Pick<Message, 'payload' | 'refersTo'>): Partial<ContentsView> {
  const { reaction, vote } = (payload ?? {}) as Partial<ContentsView>;
  const messageId = refersTo ?? null;
  if (payload?.['quotedWhatsappId'] !== undefined && messageId !== null)
    return { quotedMessageId: messageId };
  if (reaction) return { reaction: { ...reaction, messageId: reaction.messageId ?? messageId } };
  return vote ? { vote: { ...vote, messageId } } : {};
}

export type Links = Pick<MediaLinks, 'forUser'>;

/** The fields of a type, under the names that requests give them. */
export const contentsView = (
  message: Pick<Message, 'userId' | 'payload' | 'lid' | 'editedAt' | 'deletedAt' | 'media' | 'refersTo'>,
  links: Links,
): Partial<ContentsView> => ({
  ...shown(message.payload),
  ...referring(message),
  ...(message.media
    ? { media: described(message.payload, carriedView({ ...message, media: message.media }, links)) }
    : {}),
  ...(message.lid ? { lid: message.lid } : {}),
  ...(message.editedAt ? { editedAt: message.editedAt.toISOString() } : {}),
  ...(message.deletedAt ? { deletedAt: message.deletedAt.toISOString() } : {}),
});
export const PRIORITIES = ['high', 'normal', 'bulk'] as const;
export type Priority = (typeof PRIORITIES)[number];

/** What is scheduled waits like anything else once its time has come, by the clock alone. */
const statusNow = ({ status, sendAt }: Pick<Message, 'status' | 'sendAt'>): string =>
  status === 'scheduled' && sendAt && sendAt <= new Date() ? 'queued' : status;

/** What is known of the reason of a status beyond its name. */
export const detailOf = ({ reason, media }: Pick<Message, 'reason' | 'media'>): { detail?: string } =>
  reason === 'media_refused' && media?.reason ? { detail: media.reason } : {};

export const messageView = (message: Message, links: Links): MessageView => ({
  id: message.id,
  phoneId: message.phoneId,
  direction: message.direction,
  source: message.source,
  chat: message.chat,
  from: message.from,
  to: message.to,
  type: message.type,
  message: message.content,
  ...contentsView(message, links),
  status: statusNow(message),
  reason: message.reason,
  remedy: remedyOf(message.reason),
  ...detailOf(message),
  whatsappId: message.whatsappId,
  createdAt: message.createdAt.toISOString(),
  updatedAt: message.updatedAt.toISOString(),
  sendAt: message.sendAt?.toISOString() ?? null,
  expiresAt: message.expiresAt?.toISOString() ?? null,
  priority: PRIORITIES[message.priority] ?? 'normal',
  bulkId: message.bulkId,
});

export const isScheduled = ({ sendAt, createdAt }: { sendAt: Date | null; createdAt: Date }): boolean =>
  sendAt !== null && sendAt > createdAt;

/** The first answer, which a replay repeats whatever became of the message since. */
export const acceptedView = (
  accepted: Acceptance,
  { userId, payload, media }: Pick<Message, 'userId' | 'payload' | 'media'>,
  links: Links,
): MessageView => ({
  id: accepted.id,
  phoneId: accepted.phoneId,
  direction: 'out',
  source: 'api',
  chat: accepted.chat,
  from: accepted.from,
  to: accepted.to,
  type: accepted.type,
  message: accepted.content,
  ...contentsView(
    { userId, payload, media, lid: null, editedAt: null, deletedAt: null, refersTo: null },
    links,
  ),
  status: isScheduled(accepted) ? 'scheduled' : 'queued',
  reason: null,
  remedy: null,
  whatsappId: null,
  createdAt: accepted.createdAt.toISOString(),
  updatedAt: accepted.createdAt.toISOString(),
  sendAt: accepted.sendAt?.toISOString() ?? null,
  expiresAt: accepted.expiresAt?.toISOString() ?? null,
  priority: PRIORITIES[accepted.priority] ?? 'normal',
  bulkId: null,
});

/** The order in which a message can reach its statuses; facts are learned in any order. */
const COURSE = [
  'received',
  'scheduled',
  'queued',
  'unknown',
  'cancelled',
  'expired',
  'sent',
  'failed',
  'delivered',
  'read',
  'played',
];

/** Each status a message reached, in the course of a message: it reached each no later than those after it. */
export const timelineOf = (message: Message, entries: TimelineEntry[]) => {
  const first = {
    status: message.direction === 'in' ? 'received' : isScheduled(message) ? 'scheduled' : 'queued',
    reason: null,
    at: message.createdAt,
  };
  const all = message.source === 'api' || entries.length === 0 ? [first, ...entries] : entries;
  const ordered = all.sort((a, b) => COURSE.indexOf(a.status) - COURSE.indexOf(b.status));
  return ordered.map(({ status, reason }, i) => {
    const at = new Date(Math.min(...ordered.slice(i).map((entry) => entry.at.getTime())));
    return { status, reason, at: at.toISOString() };
  });
};
