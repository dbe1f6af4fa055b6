import type { AxiosResponse } from 'axios';
import { jidOf, recipientOf } from './evolution.address.js';
import type { Fact } from './evolution.fact.js';
import type { Address, Look } from './evolution.look.js';
import { contactFacts } from './evolution.people.js';
import { isObject, object, text, type Json } from './evolution.value.js';

/** How the phone shows itself to others; what is left out stays. */
export interface ProfileChange {
  name?: string;
  about?: string;
  /** Base64; null takes it away. */
  picture?: string | null;
}

interface Door {
  call(
    request: { method: 'post' | 'delete'; path: string; body?: Json },
    address: Address,
  ): Promise<AxiosResponse>;
  look<T>(call: Promise<AxiosResponse>, read: (body: unknown) => T): Promise<Look<T>>;
}

/**
 * Which of the numbers are on WhatsApp, by the number as it was asked. Null: no list, which a node answers on trouble
 * (contract, "Calls").
 */
function existenceOf(body: unknown): ReadonlyMap<string, boolean> | null {
  if (!Array.isArray(body)) return null;
  const rows = body.filter(isObject);
  return new Map(rows.map((row) => [text(row['number']) ?? '', row['exists'] === true]));
}

/** What a phone does with people, and how it shows itself to them. */
export const contactCalls = ({ call, look }: Door) => {
  const post = (path: string, body: Json, address: Address) =>
    call({ method: 'post', path: `/chat/${path}`, body }, address);

  return {
    /** Everybody that its node knows, as facts. Recorded: chat_findContacts.json. */
    listContacts: (address: Address): Promise<Look<Fact[]>> =>
      look(post('findContacts', { where: {} }, address), (body) => contactFacts(body, new Date(0))),

    /** `digits`: without the +. Recorded: chat_whatsappNumbers.json. */
    checkNumbers: (
      address: Address,
      numbers: readonly string[],
    ): Promise<Look<ReadonlyMap<string, boolean> | null>> =>
      look(post('whatsappNumbers', { numbers: numbers.map(recipientOf) }, address), existenceOf),

    /** Null: none, or not shown to this phone. Recorded: chat_fetchProfilePictureUrl.json. */
    picture: (address: Address, of: string): Promise<Look<string | null>> =>
      look(post('fetchProfilePictureUrl', { number: recipientOf(of) }, address), (body) =>
        text(object(body)['profilePictureUrl']),
      ),

    /** Recorded: chat_updateBlockStatus.json. */
    setBlocked: (address: Address, contact: string, isBlocked: boolean): Promise<Look<true>> => {
      const body = { number: jidOf(contact), status: isBlocked ? 'block' : 'unblock' };
      return look(post('updateBlockStatus', body, address), () => true);
    },

    /** One thing of it after the other. Not recorded; `whatsapp.baileys.service.ts` of 2.3: `{update: "success"}`. */
    async changeProfile(address: Address, to: ProfileChange): Promise<Look<true>> {
      const { name, about, picture } = to;
      const steps = [
        ...(name === undefined ? [] : [() => post('updateProfileName', { name }, address)]),
        ...(about === undefined ? [] : [() => post('updateProfileStatus', { status: about }, address)]),
        ...(picture ? [() => post('updateProfilePicture', { picture }, address)] : []),
        ...(picture === null
          ? [() => call({ method: 'delete', path: '/chat/removeProfilePicture', body: {} }, address)]
          : []),
      ];
      for (const step of steps) {
        const done = await look<true>(step(), () => true);
        if (done.kind !== 'ok') return done;
      }
      return { kind: 'ok', value: true };
    },
  };
};
