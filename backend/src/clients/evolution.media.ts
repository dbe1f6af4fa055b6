import type { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import type { AxiosInstance } from 'axios';
import { base64Field, FieldMissing } from '../utils/json-field.js';
import type { Address } from './evolution.look.js';
import { nodeErrorOf } from './evolution.error.js';
import { text } from './evolution.value.js';

export type NodeFile =
  | { ok: true; stream: Readable; mimetype: string | null; fileName: string | null }
  | { ok: false; isFinal: boolean; detail: string };

/** Names, sizes, hashes and a caption stand before the bytes (recorded: chat_getBase64FromMediaMessage.json). */
const MAX_HEAD = 512 * 1024;
const MAX_ERROR = 64 * 1024;

/** What nodes say when a message has no file, or they do not know it: to ask again changes nothing. */
const FINAL = /not of the media type|message not found/i;

async function errorIn(stream: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stream) {
    chunks.push(chunk as Buffer);
    size += (chunk as Buffer).length;
    if (size > MAX_ERROR) break;
  }
  return Buffer.concat(chunks).toString();
}

const parsed = (body: string): unknown => {
  try {
    return JSON.parse(body);
  } catch {
    return body;
  }
};

/** Resolves with the first bytes in sight, so that what is told before them is known. */
const begun = (stream: Readable): Promise<void> =>
  new Promise((resolve, reject) => {
    stream.once('readable', resolve);
    stream.once('end', resolve);
    stream.once('error', reject);
  });

/** Files of received messages: a node gives them as base64 inside JSON, which is decoded as it comes. */
export const mediaCalls = (api: AxiosInstance, at: (address: Address, path: string) => string) => ({
  /** The file of a message, by WhatsApp's id. Ends when `signal` says so. Never rejects; the stream may error. */
  async file(address: Address, whatsappId: string, signal: AbortSignal): Promise<NodeFile> {
    try {
      const answer = await api.post<Readable>(
        at(address, '/chat/getBase64FromMediaMessage'),
        { message: { key: { id: whatsappId } }, convertToMp4: false },
        { responseType: 'stream', maxContentLength: Infinity, timeout: 0, signal },
      );
      if (answer.status >= 300) {
        const detail = nodeErrorOf(answer.status, parsed(await errorIn(answer.data))).texts.join('; ');
        return {
          ok: false,
          isFinal: answer.status < 500 && FINAL.test(detail),
          detail: detail.slice(0, 200),
        };
      }
      const decoder = base64Field('base64', MAX_HEAD);
      answer.data.once('error', (error) => decoder.destroy(error));
      const ended = () => answer.data.destroy(new Error('The call was ended'));
      signal.addEventListener('abort', ended, { once: true });
      answer.data.once('close', () => signal.removeEventListener('abort', ended));
      const stream = answer.data.pipe(decoder);
      void finished(stream).catch(() => answer.data.destroy());
      await begun(stream);
      const { mimetype, fileName } = stream.before();
      return { ok: true, stream, mimetype: text(mimetype), fileName: text(fileName) };
    } catch (error) {
      const { message } = error as Error;
      return {
        ok: false,
        isFinal: false,
        detail: error instanceof FieldMissing ? 'The node gave no file' : message,
      };
    }
  },
});
