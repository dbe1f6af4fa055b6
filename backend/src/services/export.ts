import { PassThrough, Readable } from 'node:stream';
import { ZipFile } from 'yazl';
import { storageKey, StorageMiss, type Storage } from '../clients/storage.js';
import type { Tenancy } from '../models/index.js';
import type { Export, ExportedTable } from '../models/export.js';
import type { Job } from '../models/job.js';
import type { UserSecrets } from '../models/user.js';
import { claimedOwner, type LinkSigner, type SignedQuery } from '../utils/link.js';
import { Problem } from '../utils/problem.js';

export interface ExportView {
  id: number;
  status: 'pending' | 'ready' | 'failed';
  /** Files of the archive: those that are written, and all; null while they are not counted. */
  progress: { done: number; total: number | null };
  size: number | null;
  /** Signed: whoever has it can load it until it expires. */
  url: string | null;
  createdAt: string;
  expiresAt: string | null;
}

export type Exports = ReturnType<typeof createExports>;

const table = (
  name: string,
  key: readonly string[] = ['id'],
  without: readonly string[] = [],
): ExportedTable => ({
  name,
  key,
  without: ['user_id', ...without],
});

/** What is known of a user, but for secrets, and for what only says where something is or what is to be done. */
export const EXPORTED: readonly ExportedTable[] = [
  table(
    'users',
    ['id'],
    [
      'password_hash',
      'api_key',
      'jwt_secret',
      'token_version',
      'totp_secret',
      'totp_step',
      'totp_tries',
      'totp_tried_since',
    ],
  ),
  table('api_keys', ['id'], ['hash']),
  table('sessions', ['id'], ['refresh_hash']),
  table('phone_numbers', ['id'], ['token', 'qr', 'proxy']),
  table('placements', ['id'], ['secret_hash', 'inbound_url']),
  table('moves'),
  table('messages', ['direction', 'created_at', 'id'], ['lease_id', 'sequence', 'chat_key']),
  table('message_timeline', ['message_id', 'status']),
  table('media', ['id'], ['storage_key']),
  table('bulks'),
  table('chats', ['phone_id', 'chat']),
  table('contacts', ['phone_id', 'address']),
  table('groups', ['phone_id', 'chat']),
  table('group_members', ['phone_id', 'chat', 'address']),
  table('lids', ['lid']),
  table('number_checks', ['number', 'phone_id']),
  table('webhooks', ['id'], ['secret', 'previous_secret', 'headers']),
  table('events', ['sequence']),
  table('deliveries'),
  table('attempts'),
  table('quarantine'),
  table('usage_days', ['day']),
  {
    ...table('audit'),
    // As their own view of it has it: from where an admin did it is not for them.
    masked: { columns: ['ip', 'credential'], when: 't.actor_id <> t.user_id' },
  },
];
/** Tables of tenants that are left out: ends of threads that the gateway itself holds on to. */
export const NOT_EXPORTED: readonly string[] = [
  'erasures',
  'event_counters',
  'exports',
  'idempotency_keys',
  'inbound_facts',
  'mail_tokens',
  'media_usage',
  'parked_acks',
  'parked_changes',
  'recovery_codes',
];

const ROWS_A_PAGE = 500;
const FILES_A_PAGE = 200;
/** Seconds. */
const LIFETIME = 7 * 86_400;
const NAME = 'export.zip';

/** Everything that is known of a user, as one archive: a file of JSON lines for each table, and the media. */
export function createExports(deps: {
  tenancy: Pick<Tenancy, 'inTenant'>;
  storage: Storage;
  signer: LinkSigner;
  wake: { hint(topic: 'job'): void };
  serverUrl: string;
}) {
  const { tenancy, storage, signer, wake } = deps;
  const base = deps.serverUrl.replace(/\/$/, '');

  /** Its link ends with the tokens of its user: with a change of the password, with signing out everywhere, with being disabled. */
  function view(one: Export, { tokenVersion }: Pick<UserSecrets, 'tokenVersion'>): ExportView {
    const isThere = one.status === 'ready' && one.expiresAt !== null && one.expiresAt > new Date();
    const link = isThere ? signer.sign(one, `export ${tokenVersion}`, one.expiresAt!) : null;
    return {
      id: one.id,
      status: one.status,
      progress: { done: one.done, total: one.total },
      size: one.size,
      url: link && `${base}/api/exports/${one.id}?expires=${link.expires}&signature=${link.signature}`,
      createdAt: one.createdAt.toISOString(),
      expiresAt: one.expiresAt?.toISOString() ?? null,
    };
  }

  async function* lines(
    userId: number,
    of: ExportedTable,
    renew: () => Promise<void>,
  ): AsyncGenerator<string> {
    let after: Record<string, unknown> | null = null;
    for (;;) {
      await renew();
      const page = await tenancy.inTenant(userId, (models) =>
        models.exports.page(userId, of, { after, limit: ROWS_A_PAGE }),
      );
      for (const { row } of page) yield `${JSON.stringify(row)}\n`;
      if (page.length < ROWS_A_PAGE) return;
      after = page.at(-1)!.place;
    }
  }

  async function* files(userId: number) {
    let after = 0;
    for (;;) {
      const page = await tenancy.inTenant(userId, (models) => models.exports.files(after, FILES_A_PAGE));
      yield* page;
      if (page.length < FILES_A_PAGE) return;
      after = page.at(-1)!.id;
    }
  }

  /** A file that went meanwhile is an empty one. */
  const read = (key: string): Promise<Readable> =>
    storage.get(key).catch((error: unknown) => {
      if (error instanceof StorageMiss) return Readable.from([]);
      throw error;
    });

  /** Writes the archive as it is read, one file after the other. Returns its size in bytes. */
  async function write(
    userId: number,
    key: string,
    { onFile, renew }: { onFile: () => Promise<void>; renew: () => Promise<void> },
  ): Promise<number> {
    const zip = new ZipFile();
    const out = new PassThrough();
    let size = 0;
    zip.outputStream.on('data', (chunk: Buffer) => (size += chunk.length)).pipe(out);
    zip.on('error', (error) => out.destroy(error as Error));
    const stored = storage.put(key, out);
    stored.catch(() => undefined);
    const add = async (name: string, stream: Readable, compress = true) => {
      const written = new Promise<void>((resolve, reject) => {
        stream.once('end', resolve).once('error', reject);
        stored.catch(reject);
      });
      zip.addReadStream(stream, name, { compress });
      await written;
      await onFile();
    };
    try {
      for (const of of EXPORTED) await add(`${of.name}.jsonl`, Readable.from(lines(userId, of, renew)));
      for await (const { id, storageKey: at, fileName } of files(userId))
        await add(
          `media/${id}${fileName ? ` ${fileName.replace(/[/\\]/g, '_')}` : ''}`,
          await read(at),
          false,
        );
      zip.end();
    } catch (error) {
      out.destroy(error as Error);
      await stored.catch(() => undefined);
      throw error;
    }
    await stored;
    return size;
  }

  return {
    /** Begins one, unless one is on its way. */
    async begin(userId: number): Promise<ExportView> {
      const begun = await tenancy.inTenant(userId, async (models) => {
        const made = await models.exports.create(userId);
        if (made) await models.jobs.add(userId, 'export', made.id);
        const one = made ?? (await models.exports.latest())!;
        return view(one, (await models.users.findSecrets(userId))!);
      });
      wake.hint('job');
      return begun;
    },

    /** The latest. Problem: not_found. */
    async latest(userId: number): Promise<ExportView> {
      return tenancy.inTenant(userId, async (models) => {
        const found = await models.exports.latest();
        if (!found)
          throw new Problem('not_found', 'There is no export: none was asked for, or it was taken away');
        return view(found, (await models.users.findSecrets(userId))!);
      });
    },

    /** Problem: not_found (a link that is not whole, or has ended). */
    async open(id: number, query: SignedQuery): Promise<{ stream: Readable; size: number; name: string }> {
      const userId = claimedOwner(query);
      const found =
        userId === null
          ? null
          : await tenancy.inTenant(userId, async (models) => {
              const user = await models.users.findSecrets(userId);
              const isGood =
                user?.isActive && signer.verify(id, `export ${user.tokenVersion}`, query) === userId;
              return isGood ? models.exports.find(id) : null;
            });
      if (!found?.storageKey) throw new Problem('not_found', 'This link has expired, or is not whole');
      const stream = await storage.get(found.storageKey).catch(() => null);
      if (!stream) throw new Problem('not_found', 'This export was removed');
      return { stream, size: found.size!, name: NAME };
    },

    /** It was tried often enough: another can be asked for. */
    async fail({ userId, about: id }: Job): Promise<void> {
      await tenancy.inTenant(userId, (models) => models.exports.setFailed(id!));
    },

    /** Begun anew when its process died. `renew` rejects when somebody else has the job by now. */
    async run({ userId, about: id }: Job, renew: () => Promise<void>): Promise<null> {
      const count = await tenancy.inTenant(userId, async (models) => {
        const found = await models.exports.find(id!);
        return found?.status === 'pending' ? models.exports.countFiles() : null;
      });
      if (count === null) return null;
      const total = EXPORTED.length + count;
      const key = storageKey(userId);
      let done = 0;
      const onFile = async () => {
        done += 1;
        await renew();
        await tenancy.inTenant(userId, (models) =>
          models.exports.setProgress(id!, done, Math.max(total, done)),
        );
      };
      try {
        const size = await write(userId, key, { onFile, renew });
        const gone = await tenancy.inTenant(userId, async (models) => {
          const isKept = await models.exports.setReady(id!, { storageKey: key, size, lifetime: LIFETIME });
          // Begun anew, as a contact was erased meanwhile; or its user is gone.
          return isKept ? models.exports.remove(id!) : [key];
        });
        for (const old of gone) await storage.remove(old).catch(() => undefined);
      } catch (error) {
        await storage.remove(key).catch(() => undefined);
        throw error;
      }
      return null;
    },
  };
}
