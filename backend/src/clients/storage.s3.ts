import type { Readable } from 'node:stream';
import { DeleteObjectCommand, GetObjectCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { ownerOfKey, StorageMiss, type Range, type Storage } from './storage.js';

export interface S3Options {
  /** Empty: Amazon's own, found by the region. */
  endpoint: string;
  region: string;
  bucket: string;
  /** Empty: found as Amazon's clients find theirs (environment, instance role). */
  accessKey: string;
  secretKey: string;
}

/** S3's smallest part; with two in flight a file takes some 15 MB of memory, whatever its size. */
const PART_BYTES = 5 * 1024 * 1024;
const PARTS_AT_ONCE = 2;

const clientOf = ({ endpoint, region, accessKey, secretKey }: S3Options): S3Client =>
  new S3Client({
    region,
    // Other makers' stores have one host name, not one for each bucket.
    ...(endpoint ? { endpoint, forcePathStyle: true } : {}),
    ...(accessKey ? { credentials: { accessKeyId: accessKey, secretAccessKey: secretKey } } : {}),
    // Newer checksums are unknown to many S3-compatible stores.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  });

/**
 * Media in an S3-compatible store. A process that is killed in the middle of an upload leaves parts there that no list
 * shows: give the bucket a rule that ends incomplete uploads after a day.
 */
export function s3Storage(options: S3Options): Storage {
  const client = clientOf(options);
  const Bucket = options.bucket;

  async function put(Key: string, stream: Readable): Promise<void> {
    const upload = new Upload({
      client,
      params: { Bucket, Key, Body: stream, ContentType: 'application/octet-stream' },
      partSize: PART_BYTES,
      queueSize: PARTS_AT_ONCE,
    });
    // A source that breaks off would else end the object early, as if that were all of it.
    const broken = new Promise<never>((_resolve, reject) => stream.once('error', reject));
    try {
      await Promise.race([upload.done(), broken]);
    } catch (error) {
      stream.destroy();
      await upload.abort().catch(() => undefined);
      throw error;
    }
  }

  async function get(Key: string, range?: Range): Promise<Readable> {
    try {
      const Range = range && `bytes=${range.start}-${range.end}`;
      const { Body } = await client.send(new GetObjectCommand({ Bucket, Key, ...(Range ? { Range } : {}) }));
      return Body as Readable;
    } catch (error) {
      const { name } = error as { name?: string };
      throw name === 'NoSuchKey' || name === 'NotFound' ? new StorageMiss(Key) : error;
    }
  }

  return {
    put,
    get,
    async remove(Key) {
      await client.send(new DeleteObjectCommand({ Bucket, Key }));
    },
    async *list(before) {
      let ContinuationToken: string | undefined;
      do {
        const page = await client.send(
          new ListObjectsV2Command({ Bucket, ...(ContinuationToken ? { ContinuationToken } : {}) }),
        );
        yield (page.Contents ?? []).flatMap(({ Key, LastModified }) =>
          Key && LastModified && LastModified < before && ownerOfKey(Key) !== null ? [Key] : [],
        );
        ContinuationToken = page.NextContinuationToken;
      } while (ContinuationToken);
    },
    close: () => client.destroy(),
  };
}
