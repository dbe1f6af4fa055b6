import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import S3rver from 's3rver';
import { freePort } from '../../../dev/src/ports.js';
import { diskStorage } from '../../src/clients/storage.disk.js';
import { s3Storage } from '../../src/clients/storage.s3.js';
import { ownerOfKey, storageKey, StorageMiss, type Range, type Storage } from '../../src/clients/storage.js';
import { filesIn } from '../support/files.js';

const folder = mkdtempSync(join(tmpdir(), 'storage-'));

async function bucket(): Promise<{ storage: Storage; stop(): Promise<void> }> {
  const port = await freePort();
  const server = new S3rver({ port, address: '127.0.0.1', silent: true, directory: join(folder, 's3') });
  await server.run();
  const options = {
    endpoint: `http://127.0.0.1:${port}`,
    region: 'us-east-1',
    bucket: 'media',
    accessKey: 'S3RVER',
    secretKey: 'S3RVER',
  };
  const admin = new S3Client({
    endpoint: options.endpoint,
    region: options.region,
    forcePathStyle: true,
    credentials: { accessKeyId: options.accessKey, secretAccessKey: options.secretKey },
  });
  await admin.send(new CreateBucketCommand({ Bucket: options.bucket }));
  admin.destroy();
  return { storage: s3Storage(options), stop: () => server.close() };
}

describe.each(['disk', 'bucket'])('storage in a %s', (kind) => {
  let storage: Storage;
  let stop = async (): Promise<void> => undefined;
  beforeAll(async () => {
    if (kind === 'disk') storage = diskStorage(join(folder, 'disk'));
    else ({ storage, stop } = await bucket());
  });
  afterAll(async () => {
    storage?.close();
    await stop();
    rmSync(join(folder, kind === 'disk' ? 'disk' : 's3'), { recursive: true, force: true });
  });

  const read = async (key: string, range?: Range): Promise<Buffer> => {
    const chunks: Buffer[] = [];
    for await (const chunk of await storage.get(key, range)) chunks.push(chunk as Buffer);
    return Buffer.concat(chunks);
  };
  const keys = async (before: Date): Promise<string[]> => {
    const all: string[] = [];
    for await (const page of storage.list(before)) all.push(...page);
    return all;
  };

  it.each([1, 70_000, 12 * 1024 * 1024])(
    '%i bytes › put and got › are the same, whole and in part',
    async (size) => {
      const bytes = randomBytes(size);
      const key = storageKey(7);
      await storage.put(key, Readable.from([bytes.subarray(0, 10), bytes.subarray(10)]));
      expect((await read(key)).equals(bytes)).toBe(true);
      const range = { start: Math.floor(size / 2), end: size - 1 };
      expect((await read(key, range)).equals(bytes.subarray(range.start))).toBe(true);
      await storage.remove(key);
      await expect(read(key)).rejects.toThrow(StorageMiss);
      await storage.remove(key);
    },
  );

  it.each([1000, 8 * 1024 * 1024])(
    'a source that breaks off after %i bytes › leaves nothing',
    async (size) => {
      const key = storageKey(7);
      const torn = Readable.from(
        (async function* () {
          yield randomBytes(size);
          throw new Error('torn');
        })(),
      );
      await expect(storage.put(key, torn)).rejects.toThrow('torn');
      await expect(read(key)).rejects.toThrow(StorageMiss);
    },
  );

  it('the list › of what is old enough › names keys, and their owners', async () => {
    const key = storageKey(4242);
    await storage.put(key, Readable.from([Buffer.from('x')]));
    expect(await keys(new Date(Date.now() - 60_000))).not.toContain(key);
    expect(await keys(new Date(Date.now() + 60_000))).toContain(key);
    expect(ownerOfKey(key)).toBe(4242);
  });

  it.each(['../../etc/passwd', 'ab/cd/x', '/etc/passwd', ''])('the key %j › is none', (key) => {
    expect(ownerOfKey(key)).toBeNull();
  });
});

describe('storage on a disk', () => {
  const root = join(folder, 'own');
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('what a killed process left › listed over › is cleared away; a fresh upload stays', async () => {
    const storage = diskStorage(root);
    mkdirSync(join(root, 'tmp'), { recursive: true });
    for (const name of ['old', 'new']) writeFileSync(join(root, 'tmp', name), 'half');
    utimesSync(join(root, 'tmp', 'old'), new Date(0), new Date(0));
    for await (const page of storage.list(new Date(Date.now() - 60_000))) expect(page).toEqual([]);
    expect(filesIn(root)).toEqual([join(root, 'tmp', 'new')]);
  });

  it('a key with a path in it › read or written › is refused', async () => {
    const storage = diskStorage(root);
    await expect(storage.get('../secret')).rejects.toThrow();
    await expect(storage.put('../secret', Readable.from(['x']))).rejects.toThrow();
  });
});
