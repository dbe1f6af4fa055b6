import type { Contents, SendPayload, Target } from '../clients/evolution.content.js';
import type { Models, Tenancy } from '../models/index.js';
import type { Message } from '../models/message.js';
import { Problem, type ProblemCode } from '../utils/problem.js';

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

export interface DraftRequest extends Contents {
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

const NOTHING = { target: null, mediaId: null };

/** Whether drafting it reads or writes anything; if not, it can be done at once. */
export const needsLookup = (request: DraftRequest): boolean =>
  request.quotedMessageId !== undefined || request.reaction !== undefined;

/** Where it goes, as far as the request says so: a reaction goes where its message is, a status to its own chat. */
export const chatOf = (request: DraftRequest): string | null =>
  request.type === 'status' ? STATUS_CHAT : (request.to ?? null);

/** Makes requests into drafts: finds what they quote and react to, and takes their media. */
export function createDrafts({ tenancy }: { tenancy: Pick<Tenancy, 'inTenant'> }) {
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
  const plain = (
    request: DraftRequest,
    found: { target: Target | null; mediaId: number | null } = NOTHING,
  ): Drafted => ({
    chat: chatOf(request) ?? found.target?.chat ?? '',
    type: request.type,
    content: request.message ?? null,
    payload: payloadOf(request, found.target),
    mediaId: found.mediaId,
  });

  return {
    plain: (request: DraftRequest) => plain(request),

    /**
     * Problems: not_found and unprocessable (a quoted message, the message of a reaction, a media), each naming its
     * field; those of taking media.
     */
    async draft(userId: number, request: DraftRequest): Promise<Drafted> {
      const target = await lookUp(userId, request);
      return plain(request, { target, mediaId: null });
    },
  };
}

/** How WhatsApp knows a message that has its id. */
export const nameOf = (message: Message) => ({
  chat: message.chat,
  whatsappId: message.whatsappId!,
  fromMe: message.direction === 'out',
  key: message.key,
});
