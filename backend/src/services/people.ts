import type { Fact } from '../clients/evolution.fact.js';
import type { Models } from '../models/index.js';
import type { PersonFact, Role } from '../models/people.js';
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

/** What several facts of one post tell of the same people, put together: one entry an address. */
function peopleIn(facts: readonly Fact[]): PersonFact[] {
  const all = new Map<string, PersonFact>();
  for (const fact of facts) {
    if (fact.kind !== 'person') continue;
    const { address, lid, name, picture, at } = fact;
    const known = all.get(address);
    all.set(address, {
      address,
      lid: lid ?? known?.lid ?? null,
      name: name ?? known?.name ?? null,
      picture: picture ?? known?.picture ?? null,
      at,
    });
  }
  return [...all.values()];
}

/**
 * Keeps what a post tells of people, and gives its facts with a number wherever the LID in its place was ever seen with
 * one. In a transaction that holds the user's counter: who is who is learned by one post at a time.
 */
export async function meetPeople(
  models: Pick<Models, 'people'>,
  phone: Phone,
  facts: readonly Fact[],
): Promise<Fact[]> {
  const told = facts.flatMap((fact): [string, string][] =>
    fact.kind === 'person' && fact.lid && !isLid(fact.address) ? [[fact.lid, fact.address]] : [],
  );
  const known = new Map(told);
  const open = [...new Set(facts.flatMap(addressesOf))].filter(isLid).filter((lid) => !known.has(lid));
  if (open.length > 0) {
    for (const [lid, number] of await models.people.numbersOf(phone.userId, open)) known.set(lid, number);
  }
  const named = known.size > 0 ? facts.map((fact) => renamed(fact, known)) : [...facts];
  const people = peopleIn(named);
  if (people.length > 0) await models.people.meet(phone.userId, phone.id, people);
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
