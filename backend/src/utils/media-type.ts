import { fileTypeFromBuffer } from 'file-type';

export const MEDIA_KINDS = ['image', 'video', 'audio', 'voice', 'document', 'sticker'] as const;
export type MediaKind = (typeof MEDIA_KINDS)[number];

/** So many bytes of the beginning are enough to know a file by. */
export const HEAD_BYTES = 4100;

const AUDIO = ['audio/aac', 'audio/mp4', 'audio/mpeg', 'audio/amr', 'audio/ogg', 'audio/wav'];

/** What WhatsApp shows as each kind (Meta, "Supported media types"); as a document it takes everything. */
const TYPES: Record<Exclude<MediaKind, 'document'>, readonly string[]> = {
  image: ['image/jpeg', 'image/png', 'image/webp'],
  video: ['video/mp4', 'video/3gpp'],
  audio: AUDIO,
  voice: AUDIO,
  sticker: ['image/webp'],
};

/** Other names of the same type. */
const ALIASES: Record<string, string> = {
  'image/jpg': 'image/jpeg',
  'image/pjpeg': 'image/jpeg',
  'image/apng': 'image/png',
  'audio/mp3': 'audio/mpeg',
  'audio/x-m4a': 'audio/mp4',
  'audio/m4a': 'audio/mp4',
  'audio/x-wav': 'audio/wav',
  'audio/wave': 'audio/wav',
  'audio/vnd.wave': 'audio/wav',
  'audio/opus': 'audio/ogg',
  'audio/x-aac': 'audio/aac',
  'audio/aacp': 'audio/aac',
  'application/ogg': 'audio/ogg',
  'application/x-zip-compressed': 'application/zip',
  'application/x-gzip': 'application/gzip',
  'application/x-pdf': 'application/pdf',
  'text/rtf': 'application/rtf',
  'text/xml': 'application/xml',
  'application/x-rar': 'application/x-rar-compressed',
};

/** Names that say no more than "a file". */
const NAMELESS = ['application/octet-stream', 'binary/octet-stream', 'application/x-download', ''];

/** Families that share a signature: what is found, and which declared types it may turn out to be. */
const FAMILIES: Record<string, RegExp> = {
  'application/zip':
    /^application\/(vnd\..+|epub\+zip|java-archive|x-zip.*|zip|x-.*|.*\+zip)$|^model\/|^image\/openraster$/,
  'application/x-cfb': /^application\/(msword|vnd\.(ms-.+|visio)|x-.*)$/,
  'application/xml': /^(application|text|image|model)\/(.*\+)?xml.*$/,
  'application/gzip': /^application\/(x-.*|.*gzip.*|tar\+gzip)$/,
  'video/mp4': /^(audio\/mp4|video\/(mp4|quicktime|3gpp|x-m4v))$/,
  'video/quicktime': /^video\/(quicktime|mp4)$/,
  'audio/mp4': /^(audio|video)\/mp4$/,
  'audio/ogg': /^(audio|video)\/ogg$/,
  'video/ogg': /^(audio|video)\/ogg$/,
  'video/matroska': /^(audio|video)\/(webm|x-matroska|matroska)$/,
  'video/webm': /^(audio|video)\/webm$/,
  'application/postscript': /^application\/.+$/,
};

/** Of these kinds every file has a signature, so that one without it is none of them. */
const SIGNED = /^(image\/(?!svg)|video\/|audio\/|application\/(pdf|zip|gzip|x-7z|x-rar))/;
const TEXTUAL = /^text\/|^application\/(json|xml|javascript|x-sh|.*\+(json|xml))$/;

/** Lower case, without parameters, by its usual name; null for none, or one that is no type at all. */
export function plainType(declared: string | null | undefined): string | null {
  const type = (declared ?? '').split(';')[0]!.trim().toLowerCase();
  if (NAMELESS.includes(type)) return null;
  return /^[a-z]+\/[a-z0-9][a-z0-9.+_-]{0,100}$/.test(type) ? (ALIASES[type] ?? type) : null;
}

/** A page or a drawing with scripts, whatever it is called: browsers would run it. */
function markupOf(text: string): string | null {
  const start = text.replace(/^\uFEFF?\s*(<\?xml[^>]*\?>|<!--[\s\S]*?-->|\s+|<!doctype svg[^>]*>)*/i, '');
  if (/^<svg[\s>]/i.test(start)) return 'image/svg+xml';
  return /^<(!doctype\s+html|html|head|body|script|iframe)[\s>]/i.test(start) ? 'text/html' : null;
}

/** For files whose inner parts begin too late to be seen: a profile of some kilobytes before a picture, say. */
const SIGNATURES: readonly { at: number; hex: string; type: string }[] = [
  { at: 0, hex: '89504e470d0a1a0a', type: 'image/png' },
  { at: 0, hex: '504b0304', type: 'application/zip' },
  { at: 0, hex: '1a45dfa3', type: 'video/matroska' },
  { at: 0, hex: 'd0cf11e0', type: 'application/x-cfb' },
  { at: 4, hex: '66747970', type: 'video/mp4' },
];

/** What the first bytes show; null when they have no signature and are no markup. */
async function found(head: Buffer): Promise<string | null> {
  const markup = markupOf(head.toString('latin1'));
  if (markup) return markup;
  const type = await fileTypeFromBuffer(head).catch(() => undefined);
  if (type) return plainType(type.mime);
  const start = head.toString('hex', 0, 12);
  return SIGNATURES.find(({ at, hex }) => start.startsWith(hex, at * 2))?.type ?? null;
}

/** What an ending promises, where each such file has a signature to hold it against. */
const BY_ENDING: Record<string, string> = {
  jpg: 'image/jpeg',
  jpeg: 'image/jpeg',
  png: 'image/png',
  webp: 'image/webp',
  gif: 'image/gif',
  mp4: 'video/mp4',
  '3gp': 'video/3gpp',
  mp3: 'audio/mpeg',
  m4a: 'audio/mp4',
  ogg: 'audio/ogg',
  amr: 'audio/amr',
  wav: 'audio/wav',
  pdf: 'application/pdf',
};

/** The type a file name promises; null when it promises none that can be held against the bytes. */
export const typeOfName = (name: string | null): string | null =>
  BY_ENDING[/\.([a-z0-9]{2,5})$/i.exec(name ?? '')?.[1]?.toLowerCase() ?? ''] ?? null;

export type Judgement = { mimetype: string } | { declared: string; found: string };

/**
 * The type of a file by its first HEAD_BYTES (all of it, if shorter), held against the declared one, or against what its
 * name promises (`named`) when none is; both names when the file is something else than it says.
 */
export async function judgeType(
  head: Buffer,
  declaredAs: string | null | undefined,
  named: string | null = null,
): Promise<Judgement> {
  const declared = plainType(declaredAs) ?? named;
  const type = await found(head);
  const isBinary = head.includes(0);
  if (!declared)
    return { mimetype: type ?? (isBinary || head.length === 0 ? 'application/octet-stream' : 'text/plain') };
  if (type === null) {
    const isLie = SIGNED.test(declared) || (isBinary && TEXTUAL.test(declared));
    return isLie
      ? { declared, found: isBinary ? 'application/octet-stream' : 'text/plain' }
      : { mimetype: declared };
  }
  if (type === declared || FAMILIES[type]?.test(declared)) return { mimetype: declared };
  // The source of a page, sent as text, is text.
  if ((type === 'text/html' || type === 'image/svg+xml') && TEXTUAL.test(declared))
    return { mimetype: declared };
  return { declared, found: type };
}

/** Whether WhatsApp shows files of this type as this kind. */
export const isOfKind = (kind: MediaKind, mimetype: string): boolean =>
  kind === 'document' || TYPES[kind].includes(mimetype);

export const typesOfKind = (kind: MediaKind): readonly string[] =>
  kind === 'document' ? ['*/*'] : TYPES[kind];

/** The kind a file is most naturally, when nobody says. */
export const kindOfType = (mimetype: string): MediaKind =>
  (['image', 'video', 'audio'] as const).find((kind) => TYPES[kind].includes(mimetype)) ?? 'document';

/** A moving sticker: the animation flag of WebP's extended header (RFC 9649, 2.7). */
export const isAnimatedWebp = (head: Buffer): boolean =>
  head.length > 20 &&
  head.toString('latin1', 0, 4) === 'RIFF' &&
  head.toString('latin1', 8, 16) === 'WEBPVP8X' &&
  (head[20]! & 0x02) !== 0;
