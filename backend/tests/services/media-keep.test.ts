import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { utimesSync } from 'node:fs';
import { Readable } from 'node:stream';
import { diskStorage } from '../../src/clients/storage.disk.js';
import { storageKey } from '../../src/clients/storage.js';
import { createLogger } from '../../src/config/logger.js';
import { createPostgres, type Postgres } from '../../src/config/postgres.js';
import { createTenancy, type Tenancy } from '../../src/models/index.js';
import { createMediaKeep } from '../../src/services/media-keep.js';
import { newNumber, newUser, type TestUser } from '../support/client.js';
import { filesIn, pdf } from '../support/files.js';
import { startGateway, type TestGateway } from '../support/gateway.js';

const logger = createLogger({ level: 'error', silent: true });

describe('keeping media', () => {
  let gateway: TestGateway;
  let postgres: Postgres;
  let tenancy: Tenancy;
  beforeAll(async () => {
    gateway = await startGateway({ workers: [] });
    const {
      DB_HOST: host,
      DB_PORT: port,
      DB_NAME: database,
      DB_USER: user,
      DB_PASSWORD: password,
    } = gateway.env;
    postgres = createPostgres({ host, port, database, user, password, poolSize: 4 }, logger);
    tenancy = createTenancy(postgres);
  });
  afterAll(async () => {
    await postgres?.close();
    await gateway?.stop();
  });

  const keeper = (orphanAge = 3600) =>
    createMediaKeep({ tenancy, storage: diskStorage(gateway.folder), logger, settings: { orphanAge } });
  const stored = async (user: TestUser): Promise<number> =>
    (await user.api.post('/api/media', { media: pdf().toString('base64') })).body.id;
  const age = (ids: number[]) =>
    gateway.database.queryAll(
      `update media set expires_at = now() - interval '1 hour' where id = any ('{${ids.join()}}')`,
    );
  const left = async (user: TestUser): Promise<number[]> =>
    (await user.api.get('/api/media')).body.data.map(({ id }: { id: number }) => id).reverse();

  it('media past their time › swept › go with their files; what a waiting message needs stays', async () => {
    const user = await newUser(gateway.url);
    const { body: phone } = await user.api.post('/api/phones', { phoneNumber: newNumber() });
    const [old, needed, young] = [await stored(user), await stored(user), await stored(user)];
    const { status } = await user.api.post('/api/messages/send', {
      phoneId: phone.id,
      to: '+628985550001',
      type: 'document',
      mediaId: needed,
    });
    expect(status).toBe(202);
    await age([old, needed]);
    const before = filesIn(gateway.folder).length;
    expect(await keeper().sweep()).toBe(1);
    expect(await left(user)).toEqual([needed, young]);
    expect(filesIn(gateway.folder).length).toBe(before - 1);
    const [usage] = await gateway.database.queryAll(
      `select bytes, files from media_usage where user_id = ${user.id}`,
    );
    expect(usage).toEqual({ bytes: String(2 * pdf().length), files: '2' });
    expect((await user.api.call('DELETE', `/api/media/${needed}`)).body.code).toBe('conflict');
  });

  it('more than a batch › of several users › swept › go all', async () => {
    const users = [await newUser(gateway.url), await newUser(gateway.url)];
    for (const user of users) {
      await gateway.database.queryAll(`
        insert into media (user_id, status, source, kind, mimetype, size, storage_key, expires_at)
        select ${user.id}, 'stored', 'upload', 'document', 'text/plain', 1, 'none/' || ${user.id} || '/' || n, now() - interval '1 day'
          from generate_series(1, 250) n`);
    }
    // Keys that are none cannot be removed, which must keep nothing else from going.
    expect(await keeper().sweep()).toBe(500);
    for (const user of users) expect(await left(user)).toEqual([]);
  });

  it('regression › an export › swept › stays until its link expires', async () => {
    const user = await newUser(gateway.url);
    const key = storageKey(user.id);
    await diskStorage(gateway.folder).put(key, Readable.from([Buffer.from('x')]));
    const expire = (at: string) =>
      gateway.database.queryAll(`
        insert into exports (user_id, status, storage_key, size, ended_at, expires_at)
        values (${user.id}, 'ready', '${key}', 1, now(), now() + interval '${at}')`);
    const isThere = () => filesIn(gateway.folder).some((path) => path.endsWith(key));
    const age = () => filesIn(gateway.folder).forEach((path) => utimesSync(path, new Date(0), new Date(0)));
    await expire('1 day');
    age();
    await keeper().sweepFiles();
    expect(isThere()).toBe(true);
    await gateway.database.queryAll(`update exports set expires_at = now() where user_id = ${user.id}`);
    await keeper().sweepFiles();
    expect(isThere()).toBe(false);
  });

  it('files without a row › old enough › go; those with one, and fresh ones, stay', async () => {
    const user = await newUser(gateway.url);
    await stored(user);
    const storage = diskStorage(gateway.folder);
    const [ofUser, ofNobody, fresh] = [storageKey(user.id), storageKey(999_999), storageKey(user.id)];
    for (const key of [ofUser, ofNobody, fresh]) await storage.put(key, Readable.from([Buffer.from('x')]));
    const known = filesIn(gateway.folder).filter((path) => !path.endsWith(fresh));
    for (const path of known) utimesSync(path, new Date(0), new Date(0));
    expect(await keeper().sweepFiles()).toBe(2);
    const files = filesIn(gateway.folder);
    expect(files.length).toBe(known.length - 2 + 1);
    expect(files.some((path) => path.endsWith(fresh))).toBe(true);
  });
});
