const MAX_LENGTH = 120;
/** Control characters, what turns the direction of writing, separators, and what Windows forbids. */
const UNSAFE = /[\p{Cc}\p{Bidi_Control}\ufeff\ufff9-\ufffb\p{Surrogate}<>:"/\\|?*]/gu;
const RESERVED = /^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i;

/** A name that may be shown, stored and saved under: no path, no control characters, not hidden. Null when nothing is left. */
export function safeFileName(name: string | null | undefined): string | null {
  const last = (name ?? '').split(/[/\\]/).at(-1)!;
  const clean = last
    .replace(UNSAFE, '')
    .replace(/\s+/g, ' ')
    .replace(/^[.\s]+|[.\s]+$/g, '');
  if (clean === '') return null;
  const safe = RESERVED.test(clean) ? `_${clean}` : clean;
  return shortened(safe);
}

/** Cut in the middle, so that the ending, by which programs are chosen, stays. */
function shortened(name: string): string {
  const characters = [...name];
  if (characters.length <= MAX_LENGTH) return name;
  const ending = /\.[a-z0-9]{1,10}$/i.exec(name)?.[0] ?? '';
  return characters.slice(0, MAX_LENGTH - ending.length).join('') + ending;
}

const ENDINGS: Record<string, string> = {
  'image/jpeg': 'jpg',
  'image/png': 'png',
  'image/webp': 'webp',
  'image/gif': 'gif',
  'video/mp4': 'mp4',
  'video/3gpp': '3gp',
  'audio/aac': 'aac',
  'audio/mp4': 'm4a',
  'audio/mpeg': 'mp3',
  'audio/amr': 'amr',
  'audio/ogg': 'ogg',
  'audio/wav': 'wav',
  'application/pdf': 'pdf',
  'application/zip': 'zip',
  'application/json': 'json',
  'text/plain': 'txt',
  'text/csv': 'csv',
};

/** A name for a file that came without one. */
export const defaultFileName = (mimetype: string): string => `file.${ENDINGS[mimetype] ?? 'bin'}`;

/** `Content-Disposition: attachment` with the name for old and new readers (RFC 6266, 5; RFC 8187). */
export function attachment(fileName: string): string {
  const plain = fileName.replace(/[^\x20-\x7e]|["\\%]/g, '_');
  const encoded = encodeURIComponent(fileName).replace(
    /['()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `attachment; filename="${plain}"; filename*=UTF-8''${encoded}`;
}
