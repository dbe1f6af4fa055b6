import type { TestUser } from './client.js';
import type { TestGateway } from './gateway.js';
import type { placedPhone } from './placed.js';

type Placed = Awaited<ReturnType<typeof placedPhone>>;

/**
 * All that a user's phones have come to know, without what depends on when it was told: our ids stand as WhatsApp's,
 * and each list has its own order.
 */
export async function truthOf(gateway: TestGateway, user: TestUser, phones: readonly Placed[]) {
  const names = new Map(phones.map(({ id }, i) => [id, `phone ${i}`]));
  const of = `where user_id = ${user.id}`;
  const rows = (text: string) => gateway.database.queryAll<any>(text);
  const [stored, times, contacts, lids, groups, members] = await Promise.all([
    listAll(user),
    rows(`select m.message_id, t.status, t.at from message_timeline t join messages m on m.id = t.message_id
           where t.user_id = ${user.id} order by 1, 2`),
    rows(
      `select phone_id, address, lid, name, name_at, picture, picture_at from contacts ${of} order by 1, 2`,
    ),
    rows(`select lid, number from lids ${of} order by 1`),
    rows(`select phone_id, chat, subject, description, owner, members_at from groups ${of} order by 1, 2`),
    rows(`select m.phone_id, m.chat, m.address, m.role, m.at from group_members m join groups g using (phone_id, chat)
           where m.user_id = ${user.id} and m.role <> 'gone' and m.at >= g.members_at order by 1, 2, 3`),
  ]);
  const whatsappIds = new Map(stored.map((one) => [one.id, one.whatsappId]));
  const named = (row: any) => ({ ...row, phone_id: names.get(Number(row.phone_id)) });
  const told = await Promise.all(
    phones.map(async ({ id }) => (await user.api.get(`/api/phones/${id}`)).body),
  );
  return {
    messages: stored
      .map(({ id: _id, updatedAt: _at, phoneId, quotedMessageId, reaction, vote, media, ...message }) => ({
        ...message,
        phone: names.get(phoneId),
        quoted: whatsappIds.get(quotedMessageId),
        reaction: reaction && { ...reaction, messageId: whatsappIds.get(reaction.messageId) },
        vote: vote && { ...vote, messageId: whatsappIds.get(vote.messageId) },
        media: media && { ...media, id: 0, url: '' },
      }))
      .sort((a, b) => (a.whatsappId < b.whatsappId ? -1 : 1)),
    times,
    phones: told.map(({ status, reason, isConnected, sessionData }) => ({
      status,
      reason,
      isConnected,
      sessionData,
    })),
    contacts: contacts.map(named),
    lids,
    groups: groups.map(named),
    members: members.map(named),
  };
}

async function listAll(user: TestUser): Promise<any[]> {
  const all: any[] = [];
  let cursor: string | null = '';
  while (cursor !== null) {
    const path: string = `/api/messages?limit=100${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ''}`;
    const { body } = await user.api.get(path);
    all.push(...body.data);
    cursor = body.nextCursor;
  }
  return all;
}

/** All events of a user, in order. */
export async function eventsOf(user: TestUser): Promise<any[]> {
  const all: any[] = [];
  for (let hasMore = true; hasMore;) {
    const { body } = await user.api.get(`/api/events?limit=100&after=${all.at(-1)?.sequence ?? 0}`);
    all.push(...body.data);
    hasMore = body.hasMore;
  }
  return all;
}
