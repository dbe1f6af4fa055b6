import type { Fact } from '../clients/evolution.fact.js';
import type { Models } from '../models/index.js';
import type { LidOfUser, Role } from '../models/people.js';
import type { Phone } from '../models/phone.js';

type FactOf<Kind extends Fact['kind']> = Extract<Fact, { kind: Kind }>;
type Addressed = {
  chat?: string | null;
  from?: string | null;
  author?: string | null;
  owner?: string | null;
};

const isLid = (address: string | null | undefined): address is string => address?.startsWith('lid:') ?? false;

/** Every address that a fact names. */
function addressesOf(fact: Fact): (string | null | undefined)[] {
  const { chat, from, author, owner } = fact as Addressed;
  const named = [chat, from, author, owner];
  if (fact.kind === 'person') return [fact.address];
  if (fact.kind === 'participants') return [...named, ...fact.participants];
  return fact.kind === 'group' ? [...named, ...(fact.members ?? []).map((one) => one.address)] : named;
}

/** The fact with numbers in place of the LIDs that are known. */
function renamed(fact: Fact, known: ReadonlyMap<string, string>): Fact {
  const number = <T extends string | null | undefined>(address: T): T =>
    ((isLid(address) && known.get(address)) || address) as T;
  const { chat, from, author, owner } = fact as Addressed;
  const named = {
    ...(chat === undefined ? {} : { chat: number(chat) }),
    ...(from === undefined ? {} : { from: number(from) }),
    ...(author === undefined ? {} : { author: number(author) }),
    ...(owner === undefined ? {} : { owner: number(owner) }),
  };
  if (fact.kind === 'person') return { ...fact, address: number(fact.address) };
  if (fact.kind === 'participants') return { ...fact, ...named, participants: fact.participants.map(number) };
  if (fact.kind !== 'group') return { ...fact, ...named } as Fact;
  const members = fact.members?.map((one) => ({ ...one, address: number(one.address) })) ?? null;
  return { ...fact, ...named, members };
}

/** What posts of phones tell, with the phone that each is of. */
export interface Told {
  phone: Phone;
  facts: readonly Fact[];
}

const lidsTold = ({ phone, facts }: Told) =>
  facts.flatMap((fact) =>
    fact.kind === 'person' && fact.lid && !isLid(fact.address)
      ? [{ userId: phone.userId, lid: fact.lid, number: fact.address }]
      : [],
  );

/**
 * Keeps what posts tell of people, and gives their facts with a number wherever the LID in its place was ever seen with
 * one. In a transaction that holds the users' counters: who is who is learned by one at a time.
 */
export async function meetPeople(models: Pick<Models, 'people'>, posts: readonly Told[]): Promise<Fact[][]> {
  const known = new Map<number, Map<string, string>>();
  const learn = ({ userId, lid, number }: LidOfUser) =>
    known.set(userId, (known.get(userId) ?? new Map<string, string>()).set(lid, number));
  posts.flatMap(lidsTold).forEach(learn);
  const open = posts.flatMap(({ phone: { userId }, facts }) =>
    [...new Set(facts.flatMap(addressesOf))]
      .filter(isLid)
      .filter((lid) => !known.get(userId)?.has(lid))
      .map((lid) => ({ userId, lid })),
  );
  (await models.people.numbersOf(open)).forEach(learn);
  const named = posts.map(({ phone, facts }) => {
    const numbers = known.get(phone.userId);
    return numbers ? facts.map((fact) => renamed(fact, numbers)) : [...facts];
  });
  await models.people.meet(
    named.flatMap((facts, i) => {
      const { userId, id: phoneId } = posts[i]!.phone;
      return facts.flatMap((fact) => (fact.kind === 'person' ? { ...fact, userId, phoneId } : []));
    }),
  );
  return named;
}

/** What is told of a group; nobody is notified of it. */
export async function groupFact(models: Models, phone: Phone, fact: FactOf<'group'>): Promise<void> {
  const { group: chat, subject, description, owner, members, at } = fact;
  const group = { userId: phone.userId, phoneId: phone.id, chat, subject, description, owner, at };
  await models.people.noteGroup(group);
  if (members) await models.people.noteMembers(group, members, { isAll: true });
}

const ROLES: Record<string, Role> = { remove: 'gone', promote: 'admin', demote: 'member', add: 'member' };

/** Who came to a group, left it, or has another part in it. */
export async function memberFact(models: Models, phone: Phone, fact: FactOf<'participants'>): Promise<void> {
  const role = ROLES[fact.action];
  if (!role) return;
  const members = fact.participants.map((address) => ({ address, role }));
  const group = { userId: phone.userId, phoneId: phone.id, chat: fact.group, at: fact.at };
  await models.people.noteGroup({ ...group, subject: null, description: null, owner: null });
  await models.people.noteMembers(group, members, { isAll: false });
}
