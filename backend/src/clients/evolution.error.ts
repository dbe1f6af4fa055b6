import { isObject, object } from './evolution.value.js';

/** Why a node refused. */
export interface NodeError {
  status: number;
  texts: string[];
  /** 400 with `exists: false`: the number is not on WhatsApp. */
  isNotOnWhatsapp: boolean;
  /** 400 with schema lists: this body will never be taken. */
  isSchema: boolean;
  /** The connection to WhatsApp was closed, or the node failed at a read that precedes the send: nothing left. */
  isBeforeSend: boolean;
  /** The phone had no connection object; true of a node that lost it, and of a bug of the node while it is open. */
  isNoSocket: boolean;
  /** This version of the node cannot send this type: it has no such call, or breaks before it speaks to WhatsApp. */
  isUnsupported: boolean;
  /** The node did not get the file, or not one that it takes. */
  isMediaRefused: boolean;
  /** The node looked at the content and refused it. */
  isContentRefused: boolean;
}

/** Prisma's words for the reads that come before a send (recorded with the node's database away). */
const BEFORE_THE_SEND =
  /Connection Closed|contact\.findMany|instance\.find(Unique|First|Many)|isOnWhatsapp\.find/;
/** Recorded: sendList of 2.3.6 fails so for every body, while encoding; a call that a version does not have. */
const UNSUPPORTED = /this\.isZero is not a function|^Cannot (POST|PUT) \//;
/** Recorded in message_sendMedia.json: the node fetches a file before it speaks to WhatsApp. */
const MEDIA_REFUSED =
  /^Owned media must be a url or base64|^AxiosError: Request failed with status code 4\d\d|^For base64 the file name/;
const MEDIA_UNFETCHED = /^AxiosError/;
/** Recorded: what a node says of contents before it does anything. */
const CONTENT_REFUSED = /^(Text|Content) is required|^Reaction must be a single emoji/;
const NO_SOCKET = /TypeError|Cannot read properties of undefined/;

/** The error shapes of a node: a string, [string], [[schema errors]], [{exists: false}], or nothing of the kind. */
export function nodeErrorOf(status: number, body: unknown): NodeError {
  const outer = object(body);
  const message = object(outer['response'])['message'] ?? outer['message'] ?? outer['error'];
  const items = Array.isArray(message) ? message : [message];
  const texts = items
    .flat()
    .flatMap((item) => (typeof item === 'string' ? [item] : isObject(item) ? [JSON.stringify(item)] : []));
  const says = (words: RegExp) => texts.some((line) => words.test(line));
  return {
    status,
    texts,
    isUnsupported: says(UNSUPPORTED),
    isMediaRefused: says(MEDIA_REFUSED),
    isContentRefused: status === 400 && says(CONTENT_REFUSED),
    isBeforeSend: says(BEFORE_THE_SEND) || (says(MEDIA_UNFETCHED) && !says(MEDIA_REFUSED)),
    isNoSocket: says(NO_SOCKET),
    isNotOnWhatsapp: status === 400 && items.some((item) => object(item)['exists'] === false),
    isSchema: status === 400 && items.length > 0 && items.every(Array.isArray),
  };
}
