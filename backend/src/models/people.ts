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
  /** Keeps what a post tells of people, at most one entry an address; a number that it gives a LID is taken everywhere. */
  async meet(userId: number, phoneId: number, people: readonly PersonFact[]): Promise<void> {
    await db.query(sql`select meet(${userId}, ${phoneId}, ${JSON.stringify(people)}::jsonb)`);
  },

  /** The numbers that are known of LIDs. */
  async numbersOf(userId: number, lids: readonly string[]): Promise<Map<string, string>> {
    const rows = await db.query<{ lid: string; number: string }>(
      sql`select lid, number from lids where user_id = ${userId} and lid = any (${[...lids]}::text[])`,
    );
    return new Map(rows.map(({ lid, number }) => [lid, number]));
  },

  async lidsOf(userId: number, number: string): Promise<string[]> {
    const rows = await db.query<{ lid: string }>(
      sql`select lid from lids where user_id = ${userId} and number = ${number} order by lid`,
    );
    return rows.map(({ lid }) => lid);
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
