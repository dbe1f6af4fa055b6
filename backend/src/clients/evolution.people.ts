import { addressOf, bestAddress } from './evolution.address.js';
import type { Fact, Member, Person } from './evolution.fact.js';
import { isObject, object, text, type Json } from './evolution.value.js';

type PersonFact = { kind: 'person' } & Person;

const isPerson = (address: string | null): address is string =>
  address !== null && /^(\+|lid:)/.test(address);

/** Whoever two addresses are of. Null: nobody by name, as a group is, or the status. */
function personOf(
  jids: readonly unknown[],
  about: { name?: unknown; picture?: unknown; at: Date },
): PersonFact | null {
  const all = jids.map(addressOf).filter(isPerson);
  const lid = all.find((address) => address.startsWith('lid:')) ?? null;
  const address = all.find((one) => one.startsWith('+')) ?? lid;
  if (!address) return null;
  return {
    kind: 'person',
    address,
    lid,
    name: text(about.name),
    picture: text(about.picture),
    at: about.at,
  };
}

/** Tells nothing that is not in the address. */
const isBare = ({ address, lid, name, picture }: Person): boolean =>
  name === null && picture === null && (lid === null || lid === address);

const told = (person: PersonFact | null): PersonFact[] => (person && !isBare(person) ? [person] : []);

/** Who speaks in a message, and who is spoken to, as far as its key tells: names, and which LID is whose. */
export function peopleOfKey(
  key: Json,
  said: { fromMe: boolean; senderName: string | null; at: Date },
): Fact[] {
  const chat = [key['remoteJid'], key['remoteJidAlt']];
  const speaker = [key['participant'], key['participantAlt']];
  const isShared = !isPerson(bestAddress(chat[0], chat[1]));
  const name = said.fromMe ? null : said.senderName;
  const { at } = said;
  return [
    ...told(personOf(chat, isShared ? { at } : { name, at })),
    ...(isShared ? told(personOf(speaker, { name, at })) : []),
  ];
}

const listOf = (data: unknown): Json[] => (Array.isArray(data) ? data : [data]).filter(isObject);

/** `contacts.*`: one or a list (recorded: both). Of a group it tells the name of whoever spoke there last: nothing. */
export const contactFacts = (data: unknown, at: Date): Fact[] =>
  listOf(data).flatMap((contact) =>
    told(
      personOf([contact['remoteJid'], contact['lid']], {
        name: contact['pushName'],
        picture: contact['profilePicUrl'],
        at,
      }),
    ),
  );

const ROLES: Record<string, Member['role']> = { admin: 'admin', superadmin: 'owner' };

interface Named {
  member: Member;
  people: Fact[];
}

/** A participant is an address, or an object with up to two of them under several names. */
function participantOf(value: unknown, at: Date): Named | null {
  const one = object(value);
  const jids = isObject(value) ? [one['id'], one['phoneNumber'], one['jid'], one['lid']] : [value];
  const person = personOf(jids, { at });
  if (!person) return null;
  const role = ROLES[String(one['admin'])] ?? 'member';
  return { member: { address: person.address, role }, people: told(person) };
}

export const participantsOf = (values: unknown, at: Date): Named[] =>
  (Array.isArray(values) ? values : []).flatMap((value) => participantOf(value, at) ?? []);

/** `groups.upsert` tells all of a group, `groups.update` what changed; both as a list. */
export const groupFacts = (data: unknown, at: Date): Fact[] =>
  listOf(data).flatMap((one): Fact[] => {
    const group = addressOf(one['id']);
    if (!group?.startsWith('group:')) return [];
    const named = Array.isArray(one['participants']) ? participantsOf(one['participants'], at) : null;
    return [
      ...(named ?? []).flatMap(({ people }) => people),
      {
        kind: 'group',
        group,
        subject: text(one['subject']),
        description: text(one['desc']),
        owner: bestAddress(one['owner'], one['ownerPn']),
        members: named && named.map(({ member }) => member),
        at,
      },
    ];
  });
