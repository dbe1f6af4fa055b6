import type { Contents, SendPayload, Target } from '../clients/evolution.content.js';
import type { Models, Tenancy } from '../models/index.js';
import type { CarriedMedia, Message } from '../models/message.js';
import { sha256 } from '../utils/crypto.js';
import { canonical } from '../utils/json.js';
import type { MediaKind } from '../utils/media-type.js';
import { Problem, type ProblemCode } from '../utils/problem.js';
import type { MediaRequest, MediaService, Resolved } from './media.js';

export type MessageType =
  | 'text'
  | 'image'
  | 'video'
  | 'audio'
  | 'voice'
  | 'document'
  | 'sticker'
  | 'location'
  | 'contact'
  | 'poll'
  | 'list'
  | 'buttons'
  | 'reaction'
  | 'status';

export interface DraftRequest extends Contents, MediaRequest {
  phoneId: number;
  to?: string;
  type: MessageType;
  message?: string;
}

export interface Drafted {
  chat: string;
  type: MessageType;
  content: string | null;
  payload: (SendPayload & Record<string, unknown>) | null;
  mediaId: number | null;
  /** What is known of it; null without one, and for a repeated request. */
  media: CarriedMedia | null;
  /** Its media was made for it, and is of no use without it. */
  isMediaNew: boolean;
}

export type Drafts = ReturnType<typeof createDrafts>;

/** Where statuses are posted; WhatsApp has one such chat for each phone. */
export const STATUS_CHAT = 'status';

const PAYLOAD_FIELDS = [
  'linkPreview',
  'mentions',
  'mentionAll',
  'quotedMessageId',
  'location',
  'contacts',
  'poll',
  'list',
  'buttons',
  'reaction',
  'statusPost',
  'presence',
  'fileName',
  'mimetype',
] as const satisfies (keyof Contents)[];

const wrong = (code: ProblemCode, pointer: string, detail: string) =>
  new Problem(code, detail, { errors: [{ pointer, code, detail }] });

const payloadOf = (request: DraftRequest, target: Target | null): Drafted['payload'] => {
  const fields = PAYLOAD_FIELDS.flatMap((name) =>
    request[name] === undefined ? [] : [[name, request[name]] as const],
  );
  if (target) return { ...Object.fromEntries(fields), target };
  return fields.length > 0 ? Object.fromEntries(fields) : null;
};

interface Found {
  target: Target | null;
  media: Resolved | null;
}
const NOTHING: Found = { target: null, media: null };

const FILES = ['image', 'video', 'audio', 'voice', 'document', 'sticker'] as const;

/** As what a draft shows its file; null when it has none. */
export const mediaKindOf = ({ type, statusPost }: DraftRequest): MediaKind | null => {
  const shown = type === 'status' ? statusPost?.type : type;
  return FILES.find((kind) => kind === shown) ?? null;
};

/** Whether drafting it reads or writes anything; if not, it can be done at once. */
export const needsLookup = (request: DraftRequest): boolean =>
  request.quotedMessageId !== undefined || request.reaction !== undefined || mediaKindOf(request) !== null;

/** Where it goes, as far as the request says so: a reaction goes where its message is, a status to its own chat. */
export const chatOf = (request: DraftRequest): string | null =>
  request.type === 'status' ? STATUS_CHAT : (request.to ?? null);

/** Makes requests into drafts: finds what they quote and react to, and takes their media. */
export function createDrafts(deps: {
  tenancy: Pick<Tenancy, 'inTenant'>;
  media: Pick<MediaService, 'resolve'>;
}) {
  const { tenancy, media } = deps;
  /**
   * A message of the same phone that WhatsApp knows. Problems: not_found for one that is not the user's,
   * unprocessable when it is of another phone or chat, or is not sent yet; both name the field.
   */
  async function targetOf(
    models: Models,
    request: DraftRequest,
    named: { id: number; pointer: string },
  ): Promise<Target> {
    const { id, pointer } = named;
    const message = await models.messages.find(id);
    if (!message) throw wrong('not_found', pointer, `There is no message ${id}`);
    const chat = chatOf(request);
    if (message.phoneId !== request.phoneId || (chat !== null && message.chat !== chat)) {
      throw wrong('unprocessable', pointer, `Message ${id} is of another chat`);
    }
    if (message.whatsappId === null) {
      throw wrong('unprocessable', pointer, `Message ${id} has no WhatsApp id yet; it is ${message.status}`);
    }
    return { ...nameOf(message), words: message.type === 'text' ? message.content : null };
  }

  async function lookUp(userId: number, request: DraftRequest): Promise<Target | null> {
    const { quotedMessageId, reaction } = request;
    if (quotedMessageId === undefined && !reaction) return null;
    const named = reaction
      ? { id: reaction.messageId, pointer: '/reaction/messageId' }
      : { id: quotedMessageId!, pointer: '/quotedMessageId' };
    return tenancy.inTenant(userId, (models) => targetOf(models, request, named));
  }

  /** Of a request that looks nothing up; or of a repeated one, whose answer is that of the first. */
  const plain = (request: DraftRequest, found: Found = NOTHING): Drafted => ({
    chat: chatOf(request) ?? found.target?.chat ?? '',
    type: request.type,
    content: request.message ?? null,
    payload: payloadOf(request, found.target),
    mediaId: found.media?.media.id ?? null,
    media: found.media?.media ?? null,
    isMediaNew: found.media?.isNew ?? false,
  });

  type Resolve = MediaService['resolve'];

  const draftWith =
    (resolve: Resolve) =>
    async (userId: number, request: DraftRequest): Promise<Drafted> => {
      const target = await lookUp(userId, request);
      const kind = mediaKindOf(request);
      return plain(request, { target, media: kind && (await resolve(userId, request, kind)) });
    };

  /** What several requests carry is taken once: a link that is stored by then would be fetched again for the next. */
  function resolveOnce(): Resolve {
    const taken = new Map<string, Promise<Resolved>>();
    return (userId, request, kind) => {
      const { mediaId, mediaUrl, media: bytes, mimetype, fileName } = request;
      const name = sha256(canonical([kind, mediaId, mediaUrl, bytes, mimetype, fileName])).toString('hex');
      const known = taken.get(name) ?? media.resolve(userId, request, kind);
      taken.set(name, known);
      return known;
    };
  }

  return {
    plain: (request: DraftRequest) => plain(request),

    /**
     * Problems: not_found and unprocessable (a quoted message, the message of a reaction, a media), each naming its
     * field; those of taking media.
     */
    draft: draftWith((...asked) => media.resolve(...asked)),

    /** As `draft`, for the requests of one call, one after the other. */
    together: () => draftWith(resolveOnce()),
  };
}

/** How WhatsApp knows a message that has its id. */
export const nameOf = (message: Message) => ({
  chat: message.chat,
  whatsappId: message.whatsappId!,
  fromMe: message.direction === 'out',
  key: message.key,
});
