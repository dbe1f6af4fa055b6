import type { Db } from '../config/postgres.js';
import { raw, sql } from '../utils/sql.js';
import type { Quotas } from './quota.js';

export interface User {
  id: number;
  username: string;
  email: string;
  role: 'user' | 'admin';
  isActive: boolean;
  isEmailVerified: boolean;
  hasSecondFactor: boolean;
  /** What an admin said of this one user. */
  quotas: Quotas;
  createdAt: Date;
}

/** What sign-in needs and nobody else sees. `jwtSecret` is sealed. */
export interface UserSecrets extends User {
  passwordHash: string;
  jwtSecret: string;
  tokenVersion: number;
}

export interface NewUser {
  id: number;
  username: string;
  email: string;
  passwordHash: string;
  apiKeyHash: Buffer;
  jwtSecret: string;
}

const columns =
  raw(`id, username, email, role, is_active as "isActive", email_verified_at is not null as "isEmailVerified",
  totp_enabled_at is not null as "hasSecondFactor", quotas, created_at as "createdAt"`);

const secrets = sql`${columns}, password_hash as "passwordHash", jwt_secret as "jwtSecret",
  token_version as "tokenVersion"`;

/** What is left of somebody who goes, until all that they had is gone. */
export const isRemoved = ({ email }: Pick<User, 'email'>): boolean => email.endsWith('@invalid');

const UNIQUE_VIOLATION = '23505';

export const userModel = (db: Db) => {
  /** Writes what has to be unique. False when it is not, or is nobody's in reach: nothing is written. */
  async function isFree(write: () => Promise<unknown[]>): Promise<boolean> {
    await db.query(sql`savepoint naming`);
    try {
      return (await write()).length > 0;
    } catch (error) {
      if ((error as { code?: string }).code !== UNIQUE_VIOLATION) throw error;
      await db.query(sql`rollback to savepoint naming`);
      return false;
    }
  }

  return {
    /** The id comes first, since a user's row can only be written in that user's own context. */
    async reserveId(): Promise<number> {
      const [row] = await db.query<{ id: number }>(sql`select nextval('users_id_seq') as id`);
      return row!.id;
    },

    /** Null: the e-mail or the username is taken. */
    async create(user: NewUser): Promise<User | null> {
      const [row] = await db.query<User>(sql`
      insert into users (id, username, email, password_hash, api_key, jwt_secret)
      values (${user.id}, ${user.username}, ${user.email}, ${user.passwordHash}, ${user.apiKeyHash}, ${user.jwtSecret})
      on conflict do nothing returning ${columns}`);
      return row ?? null;
    },

    /** Of these users, what their tokens are verified by. */
    listTokenSecrets: (ids: readonly number[]) =>
      db.query<Pick<UserSecrets, 'id' | 'role' | 'isActive' | 'jwtSecret' | 'tokenVersion' | 'quotas'>>(sql`
      select id, role, is_active as "isActive", jwt_secret as "jwtSecret", token_version as "tokenVersion", quotas
        from users where id = any (${[...ids]}::bigint[])`),

    /** Of the users in context, by id. */
    list: () => db.query<User>(sql`select ${columns} from users order by id`),

    /** Those of these ids that are in context. */
    listByIds: (ids: readonly number[]) =>
      db.query<User>(sql`select ${columns} from users where id = any (${[...ids]}::bigint[])`),

    async find(id: number): Promise<User | null> {
      const [row] = await db.query<User>(sql`select ${columns} from users where id = ${id}`);
      return row ?? null;
    },

    async setActive(id: number, isActive: boolean): Promise<void> {
      await db.query(sql`update users set is_active = ${isActive}, updated_at = now() where id = ${id}`);
    },

    /** False: another user has that name. */
    setName: (id: number, username: string): Promise<boolean> =>
      isFree(() =>
        db.query(
          sql`update users set username = ${username}, updated_at = now() where id = ${id} returning 1`,
        ),
      ),

    /** Confirmed, as it is. False: another user has that address. */
    setEmail: (id: number, email: string): Promise<boolean> =>
      isFree(() =>
        db.query(sql`
        update users set email = ${email}, email_verified_at = now(), updated_at = now() where id = ${id} returning 1`),
      ),

    /** Whoever opened a link that was sent to it has that mailbox. */
    async setEmailVerified(id: number): Promise<void> {
      await db.query(
        sql`update users set email_verified_at = coalesce(email_verified_at, now()) where id = ${id}`,
      );
    },

    /** Every token that was made before ends with it. */
    async setPassword(id: number, to: { passwordHash: string; jwtSecret: string }): Promise<void> {
      await db.query(sql`
      update users set password_hash = ${to.passwordHash}, jwt_secret = ${to.jwtSecret}, token_version = token_version + 1,
             updated_at = now() where id = ${id}`);
    },

    async setJwtSecret(id: number, jwtSecret: string): Promise<void> {
      await db.query(sql`
      update users set jwt_secret = ${jwtSecret}, token_version = token_version + 1, updated_at = now() where id = ${id}`);
    },

    async setRole(id: number, role: User['role']): Promise<void> {
      await db.query(sql`update users set role = ${role}, updated_at = now() where id = ${id}`);
    },

    async findSecrets(id: number): Promise<UserSecrets | null> {
      const [row] = await db.query<UserSecrets>(sql`select ${secrets} from users where id = ${id}`);
      return row ?? null;
    },

    /** Locked: somebody else may be about to change them. */
    async lockSecrets(id: number): Promise<UserSecrets | null> {
      const [row] = await db.query<UserSecrets>(
        sql`select ${secrets} from users where id = ${id} for no key update`,
      );
      return row ?? null;
    },
  };
};
