import type { Db } from '../config/postgres.js';
import { sql } from '../utils/sql.js';

/** Somebody, as one fact tells of them; what it does not tell is null. */
export interface PersonFact {
  /** E.164, or `lid:…` where no number is known. */
  address: string;
  lid: string | null;
  name: string | null;
  picture: string | null;
  at: Date;
}

/** Whose number a LID stands for. */
export interface LidOfUser {
  userId: number;
  lid: string;
  number: string;
}

export interface GroupFact {
  userId: number;
  phoneId: number;
  chat: string;
  subject: string | null;
  description: string | null;
  owner: string | null;
  at: Date;
}

export type Role = 'gone' | 'member' | 'admin' | 'owner';

/** Contacts, groups, and which LID is whose. Of two facts the later one counts, whichever comes first. */
export const peopleModel = (db: Db) => ({
  /** Keeps what posts tell of people; a number that one gives a LID is taken everywhere. */
  async meet(people: readonly (PersonFact & { userId: number; phoneId: number })[]): Promise<void> {
    if (people.length === 0) return;
    await db.query(sql`
      select meet(${people.map((p) => p.userId)}::bigint[], ${people.map((p) => p.phoneId)}::bigint[],
        ${people.map((p) => p.address)}::text[], ${people.map((p) => p.lid)}::text[], ${people.map((p) => p.name)}::text[],
        ${people.map((p) => p.picture)}::text[], ${people.map((p) => p.at)}::timestamptz[])`);
  },

  /** The numbers that are known of their users' LIDs. */
  async numbersOf(lids: readonly { userId: number; lid: string }[]): Promise<LidOfUser[]> {
    if (lids.length === 0) return [];
    return db.query<LidOfUser>(sql`
      select l.user_id as "userId", l.lid, l.number
        from unnest(${lids.map((one) => one.userId)}::bigint[], ${lids.map((one) => one.lid)}::text[]) as n (usr, name)
        join lids l on l.user_id = n.usr and l.lid = n.name`);
  },

  /** The LIDs that are known of numbers. */
  async lidsOf(numbers: readonly { userId: number; number: string }[]): Promise<LidOfUser[]> {
    if (numbers.length === 0) return [];
    return db.query<LidOfUser>(sql`
      select l.user_id as "userId", l.lid, l.number
        from unnest(${numbers.map((one) => one.userId)}::bigint[], ${numbers.map((one) => one.number)}::text[])
             as n (usr, address)
        join lids l on l.user_id = n.usr and l.number = n.address
       order by l.user_id, l.lid`);
  },

  async noteGroup(group: GroupFact): Promise<void> {
    const when = (value: string | null) => (value === null ? '-infinity' : group.at);
    await db.query(sql`
      insert into groups as g (user_id, phone_id, chat, subject, subject_at, description, description_at, owner, owner_at)
      values (${group.userId}, ${group.phoneId}, ${group.chat}, ${group.subject}, ${when(group.subject)},
              ${group.description}, ${when(group.description)}, ${group.owner}, ${when(group.owner)})
      on conflict (phone_id, chat) do update
        set subject = case when (excluded.subject_at, excluded.subject) > (g.subject_at, coalesce(g.subject, ''))
                           then excluded.subject else g.subject end,
            subject_at = greatest(g.subject_at, excluded.subject_at),
            description = case when (excluded.description_at, excluded.description) > (g.description_at, coalesce(g.description, ''))
                               then excluded.description else g.description end,
            description_at = greatest(g.description_at, excluded.description_at),
            owner = case when (excluded.owner_at, excluded.owner) > (g.owner_at, coalesce(g.owner, ''))
                         then excluded.owner else g.owner end,
            owner_at = greatest(g.owner_at, excluded.owner_at)`);
  },

  /** `isAll`: nobody else was in the group then. */
  async noteMembers(
    group: Pick<GroupFact, 'userId' | 'phoneId' | 'chat' | 'at'>,
    members: readonly { address: string; role: Role }[],
    { isAll }: { isAll: boolean },
  ): Promise<void> {
    await db.query(sql`
      insert into group_members as m (user_id, phone_id, chat, address, role, at)
      select ${group.userId}, ${group.phoneId}, ${group.chat}, n.address, max(n.role), ${group.at}
        from unnest(${members.map((one) => one.address)}::text[], ${members.map((one) => one.role)}::text[]) as n (address, role)
       group by n.address order by n.address
      on conflict (phone_id, chat, address) do update set role = excluded.role, at = excluded.at
        where (excluded.at, excluded.role) > (m.at, m.role)`);
    if (!isAll) return;
    await db.query(sql`
      update groups set members_at = greatest(members_at, ${group.at})
       where phone_id = ${group.phoneId} and chat = ${group.chat}`);
  },
});
