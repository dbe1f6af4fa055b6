import { randomBytes } from 'node:crypto';
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { ownerOfKey, StorageMiss, type Range, type Storage } from './storage.js';

/** Beside the files, so that a rename never crosses file systems. */
const TEMPORARY = 'tmp';

const isMissing = (error: unknown): boolean => (error as { code?: string }).code === 'ENOENT';

/** Media in a folder of this machine, or one that all processes share. */
export function diskStorage(root: string): Storage {
  const pathOf = (key: string): string => {
    if (ownerOfKey(key) === null) throw new Error('This is no key of the storage');
    return join(root, key);
  };

  async function put(key: string, stream: Readable): Promise<void> {
    const path = pathOf(key);
    const temporary = join(root, TEMPORARY, randomBytes(12).toString('hex'));
    try {
      await mkdir(dirname(temporary), { recursive: true });
      // Opened first, so that it is there to be removed, whenever the stream fails.
      const file = await open(temporary, 'wx', 0o600);
      // Synced before it is renamed: after a crash a name stands for whole contents, or does not exist.
      await pipeline(stream, file.createWriteStream({ flush: true }));
      await mkdir(dirname(path), { recursive: true });
      await rename(temporary, path);
    } catch (error) {
      stream.destroy();
      await rm(temporary, { force: true });
      throw error;
    }
  }

  async function get(key: string, range?: Range): Promise<Readable> {
    const file = await open(pathOf(key)).catch((error: unknown) => {
      throw isMissing(error) ? new StorageMiss(key) : error;
    });
    return file.createReadStream(range ?? {});
  }

  return {
    put,
    get,
    async remove(key) {
      await rm(pathOf(key), { force: true });
    },
    async *list(before) {
      await clearTemporary(join(root, TEMPORARY), before);
      for (const first of await namesIn(root)) {
        if (!/^[0-9a-f]{2}$/.test(first)) continue;
        for (const second of await namesIn(join(root, first))) {
          yield await oldKeys(root, `${first}/${second}`, before);
        }
      }
    },
    close: () => undefined,
  };
}

const namesIn = (folder: string): Promise<string[]> =>
  readdir(folder).catch((error: unknown) => {
    if (isMissing(error) || (error as { code?: string }).code === 'ENOTDIR') return [];
    throw error;
  });

/** Null when it went meanwhile. */
const modified = async (path: string): Promise<Date | null> =>
  stat(path).then(
    ({ mtime }) => mtime,
    (error: unknown) => {
      if (isMissing(error)) return null;
      throw error;
    },
  );

async function oldKeys(root: string, folder: string, before: Date): Promise<string[]> {
  const keys: string[] = [];
  for (const name of await namesIn(join(root, folder))) {
    const key = `${folder}/${name}`;
    if (ownerOfKey(key) === null) continue;
    const at = await modified(join(root, key));
    if (at && at < before) keys.push(key);
  }
  return keys;
}

/** What a process left that ended in the middle of an upload. */
async function clearTemporary(folder: string, before: Date): Promise<void> {
  for (const name of await namesIn(folder)) {
    const at = await modified(join(folder, name));
    if (at && at < before) await rm(join(folder, name), { force: true });
  }
}
