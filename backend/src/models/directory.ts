import type { Db } from '../config/postgres.js';
import { patternOf } from '../utils/pattern.js';
import { join, raw, sql, type Sql } from '../utils/sql.js';
import type { Role } from './people.js';

export interface Contact {
  /** E.164, or `lid:…` while no number is known. */
  address: string;
  lid: string | null;
  name: string | null;
  picture: string | null;
}

export interface Group {
  chat: string;
  subject: string | null;
  description: string | null;
  owner: string | null;
  members: number;
}

export interface Member {
  address: string;
  role: Exclude<Role, 'gone'>;
  name: string | null;
}

export interface DirectoryFilter {
  phoneId: number;
  search?: string | undefined;
  /** What comes after this address. */
  after?: string | undefined;
  limit: number;
  offset: number;
}

/** Who left a group is still noted in it, as is who left before the last time that all were told. */
const isIn = raw(`m.role <> 'gone' and m.at >= g.members_at`);

/** Contacts and groups of a phone, for reading. By address, so that a page stays stable. */
export const directoryModel = (db: Db) => ({
  listContacts(filter: DirectoryFilter): Promise<Contact[]> {
    const all: Sql[] = [sql`phone_id = ${filter.phoneId}`];
    if (filter.after !== undefined) all.push(sql`address > ${filter.after}`);
    if (filter.search !== undefined)
      all.push(sql`(name ilike ${patternOf(filter.search)} or address like ${patternOf(filter.search)})`);
    return db.query<Contact>(sql`
      select address, lid, name, picture from contacts where ${join(all, ' and ')}
       order by address limit ${filter.limit} offset ${filter.offset}`);
  },

  /** Those that `own` is in. */
  listGroups({ own, ...filter }: DirectoryFilter & { own: string }): Promise<Group[]> {
    const all: Sql[] = [sql`g.phone_id = ${filter.phoneId}`];
    if (filter.after !== undefined) all.push(sql`g.chat > ${filter.after}`);
    if (filter.search !== undefined) all.push(sql`g.subject ilike ${patternOf(filter.search)}`);
    return db.query<Group>(sql`
      select g.chat, g.subject, g.description, g.owner,
             (select count(*) from group_members m where m.phone_id = g.phone_id and m.chat = g.chat and ${isIn})::int as members
        from groups g
       where ${join(all, ' and ')}
         and not exists (select from group_members m
                          where m.phone_id = g.phone_id and m.chat = g.chat and m.address = ${own} and not (${isIn}))
       order by g.chat limit ${filter.limit} offset ${filter.offset}`);
  },

  async findGroup(phoneId: number, chat: string): Promise<Group | null> {
    const [row] = await db.query<Group>(sql`
      select g.chat, g.subject, g.description, g.owner,
             (select count(*) from group_members m where m.phone_id = g.phone_id and m.chat = g.chat and ${isIn})::int as members
        from groups g where g.phone_id = ${phoneId} and g.chat = ${chat}`);
    return row ?? null;
  },

  listMembers: (phoneId: number, chat: string) =>
    db.query<Member>(sql`
      select m.address, m.role, c.name
        from group_members m join groups g using (phone_id, chat)
        left join contacts c on c.phone_id = m.phone_id and c.address = m.address
       where m.phone_id = ${phoneId} and m.chat = ${chat} and ${isIn} order by m.address`),

  /** The chats of all groups that anything is known of. */
  async listGroupNames(phoneId: number): Promise<string[]> {
    const rows = await db.query<{ chat: string }>(sql`select chat from groups where phone_id = ${phoneId}`);
    return rows.map(({ chat }) => chat);
  },

  /** Whether they are to be read from the node: true for the first who asks in so many seconds. */
  async claimReading(phoneId: number, seconds: number): Promise<boolean> {
    const rows = await db.query(sql`
      update phone_numbers set people_at = now()
       where id = ${phoneId} and (people_at is null or people_at < now() - make_interval(secs => ${seconds})) returning 1`);
    return rows.length > 0;
  },
});
