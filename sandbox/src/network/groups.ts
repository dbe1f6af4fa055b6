import { randomBytes } from 'node:crypto';
import type pg from 'pg';
import type { Json } from '../utils/json.js';
import { jidOf, lidOf } from './jid.js';

export interface Member {
  readonly number: string;
  readonly admin: 'superadmin' | 'admin' | null;
}

/** What the network knows of a group; times are Unix seconds, owners are numbers. */
export interface GroupInfo {
  readonly subject: string;
  readonly subjectOwner: string;
  readonly subjectTime: number;
  readonly creation: number;
  readonly owner: string;
  readonly desc?: string;
  readonly descId?: string;
  readonly descOwner?: string;
  readonly descTime?: number;
  readonly restrict: boolean;
  readonly announce: boolean;
}

export interface Group {
  readonly jid: string;
  readonly info: GroupInfo;
  readonly members: readonly Member[];
  readonly inviteCode: string;
}

const inviteCode = (): string =>
  [...randomBytes(22)]
    .map((byte) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'[byte % 62])
    .join('');

const COLUMNS = 'jid, info, members, invite_code as "inviteCode"';

/** The groups of the simulated network. */
export const createGroups = (db: Pick<pg.Pool, 'query' | 'connect'>) => ({
  create: async (info: GroupInfo, members: readonly Member[]): Promise<Group> => {
    const digits = BigInt(`0x${randomBytes(5).toString('hex')}`)
      .toString()
      .padStart(13, '0')
      .slice(-12);
    const { rows } = await db.query<Group>(
      `insert into whatsapp.groups (jid, info, members, invite_code) values ($1, $2, $3, $4) returning ${COLUMNS}`,
      [`120363${digits}@g.us`, JSON.stringify(info), JSON.stringify(members), inviteCode()],
    );
    return rows[0]!;
  },
  find: async (jid: string): Promise<Group | null> => {
    const { rows } = await db.query<Group>(`select ${COLUMNS} from whatsapp.groups where jid = $1`, [jid]);
    return rows[0] ?? null;
  },
  findByInvite: async (code: string): Promise<Group | null> => {
    const { rows } = await db.query<Group>(`select ${COLUMNS} from whatsapp.groups where invite_code = $1`, [
      code,
    ]);
    return rows[0] ?? null;
  },
  listOf: async (number: string): Promise<Group[]> => {
    const { rows } = await db.query<Group>(
      `select ${COLUMNS} from whatsapp.groups where members @> $1 order by (info->>'creation')::bigint`,
      [JSON.stringify([{ number }])],
    );
    return rows;
  },
  /**
   * Changes a group while nobody else does.
   * @returns the group after the change, or null when there is none.
   */
  change: async (
    jid: string,
    edit: (group: Group) => Partial<Pick<Group, 'info' | 'members'>>,
  ): Promise<Group | null> => {
    const client = await db.connect();
    try {
      await client.query('begin');
      const { rows } = await client.query<Group>(
        `select ${COLUMNS} from whatsapp.groups where jid = $1 for update`,
        [jid],
      );
      const next = rows[0] && { ...rows[0], ...edit(rows[0]) };
      if (next) {
        await client.query('update whatsapp.groups set info = $2, members = $3 where jid = $1', [
          jid,
          JSON.stringify(next.info),
          JSON.stringify(next.members),
        ]);
      }
      await client.query('commit');
      return next ?? null;
    } catch (error) {
      await client.query('rollback').catch(() => undefined);
      throw error;
    } finally {
      client.release();
    }
  },
  renewInvite: async (jid: string): Promise<string | null> => {
    const { rows } = await db.query<{ code: string }>(
      'update whatsapp.groups set invite_code = $2 where jid = $1 returning invite_code as code',
      [jid, inviteCode()],
    );
    return rows[0]?.code ?? null;
  },
});

export type Groups = ReturnType<typeof createGroups>;

export const memberView = ({ number, admin }: Member): Json => ({
  id: jidOf(number),
  lid: lidOf(number),
  admin,
});

/** A group as webhooks and `create` show it; `fetch…` and `find…` leave some fields out and add a picture. */
export const groupView = ({ jid, info, members }: Group): Json => ({
  id: jid,
  addressingMode: 'pn',
  subject: info.subject,
  subjectOwner: jidOf(info.subjectOwner),
  subjectTime: info.subjectTime,
  size: members.length,
  creation: info.creation,
  owner: jidOf(info.owner),
  ...(info.desc === undefined
    ? {}
    : {
        desc: info.desc,
        descId: info.descId,
        descOwner: jidOf(info.descOwner ?? ''),
        descTime: info.descTime,
      }),
  restrict: info.restrict,
  announce: info.announce,
  isCommunity: false,
  isCommunityAnnounce: false,
  joinApprovalMode: false,
  memberAddMode: false,
  participants: members.map(memberView),
});
