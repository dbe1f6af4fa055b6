import type { Database } from '../store/database.js';
import { createBatcher } from '../utils/batch.js';
import { randomBase64 } from '../utils/ids.js';
import type { Json } from '../utils/json.js';

/** Something on its way to a device: a message, an ack, a group's news … `due` is Unix time in milliseconds. */
export interface Envelope {
  readonly id: number;
  readonly device: string;
  /** The node that holds the device's socket, if any did when this was posted. */
  readonly node: string | null;
  readonly due: number;
  readonly kind: string;
  readonly payload: Json;
}

/** What somebody gives to the network. */
export interface Parcel {
  /** The sending device and its socket; null for a simulated contact. */
  readonly device: string | null;
  readonly socket?: string;
  readonly instance?: string;
  readonly kind: 'message' | 'reaction' | 'edit' | 'revoke' | 'read' | 'pair';
  readonly sender: string;
  /** A number or a group's address. */
  readonly recipient?: string;
  /** The numbers of a group, when the recipient is one. */
  readonly members?: readonly string[];
  readonly chat?: string;
  readonly messageId?: string;
  readonly type?: string;
  readonly text?: string;
  readonly message?: Json;
  /** For the recipients' devices, and for the sender's other ones. */
  readonly delivery?: Json;
  readonly companion?: Json;
  /** The start of an ack to the sender, to which the network adds a status. */
  readonly ack?: Json;
  /** What comes back to the sender when no device has the recipient's number. */
  readonly simulated?: readonly { afterMs: number; kind: string; payload: Json }[];
}

export interface Post {
  readonly device?: string;
  readonly number?: string;
  readonly afterMs?: number;
  readonly kind: string;
  readonly payload: Json;
}

export type Opened = { readonly number: string } | { readonly code: number };

interface Relayed {
  readonly seq: number | null;
  readonly mail: readonly Envelope[];
}

const numbered = (items: readonly object[]): string =>
  JSON.stringify(items.map((item, n) => ({ n, ...item })));

type Schedule = (mail: readonly Envelope[]) => void;

interface Needs {
  readonly db: Database;
  readonly node: string;
  /** Takes the mail of this node's own sockets at once, without a way through the database. */
  readonly schedule: Schedule;
}

const receiptKey = (device: unknown, keyId: unknown): string => `${String(device)} ${String(keyId)}`;

/** Receipts go back with the parcel that causes them, so that a sender can hold them until its own row is stored. */
const createRelay = ({ db, node, schedule }: Needs) =>
  createBatcher<Parcel, Relayed>(async (parcels) => {
    const { rows } = await db.query<{ relay: { taken: Record<string, number>; mail: Envelope[] } }>(
      'select whatsapp.relay($1::jsonb, $2) as relay',
      [numbered(parcels), node],
    );
    const { taken, mail } = rows[0]!.relay;
    const receipts = new Map(
      parcels.map(({ device, messageId }) => [receiptKey(device, messageId), [] as Envelope[]]),
    );
    const others = mail.filter((envelope) => {
      const own = receipts.get(receiptKey(envelope.device, envelope.payload['keyId']));
      own?.push(envelope);
      return !own;
    });
    schedule(others);
    return parcels.map(({ device, messageId }, n) => ({
      seq: taken[n] ?? null,
      mail: receipts.get(receiptKey(device, messageId)) ?? [],
    }));
  });

/** The simulated WhatsApp as a node sees it; all of its state is in the shared database. */
export const createNetwork = (needs: Needs) => {
  const { db, node, schedule } = needs;
  const relay = createRelay(needs);
  const post = createBatcher<Post, void>(async (posts) => {
    const { rows } = await db.query<{ post: Envelope[] }>('select whatsapp.post($1::jsonb, $2) as post', [
      numbered(posts),
      node,
    ]);
    schedule(rows[0]!.post);
    return posts.map(() => undefined);
  });
  const open = createBatcher<{ key: string; socket: string }, Opened>(async (sockets) => {
    const { rows } = await db.query<{ open: Opened[] }>('select whatsapp.open($1::jsonb, $2) as open', [
      JSON.stringify(sockets),
      node,
    ]);
    const byKey = sockets.map(({ key }) => key).sort();
    return sockets.map(({ key }) => rows[0]!.open[byKey.indexOf(key)]!);
  });

  return {
    /** Gives a parcel over; `seq` null means that the sender's socket is no longer the device's. */
    relay,
    /** Puts something into a device's mailbox, or into those of all devices of a number. */
    post,
    /** Makes a socket the device's only one; the one before is told (440). `code` says why not (401, 403). */
    open,

    /** Links a new device to a number, as scanning a code does. @returns its key, or null when the number is banned. */
    link: async (number: string): Promise<{ key: string; slot: number } | null> => {
      const { rows } = await db.query<{ key: string; slot: number }>(
        `insert into whatsapp.device (key, number, slot)
         select $1, $2, coalesce(max(d.slot), 0) + 1 from whatsapp.device d where d.number = $2
         having not exists (select from whatsapp.account a where a.number = $2 and a.banned)
         returning key, slot`,
        [randomBase64(24), number],
      );
      return rows[0] ?? null;
    },
    /** Unlinks a device; its socket, if any, ends with the code. */
    remove: (key: string, code: number) => db.query('select whatsapp.remove($1, $2)', [key, code]),
    /** Says that this node's sockets are gone, so that nothing is announced to it any more. */
    leave: () => db.query('update whatsapp.device set socket = null, node = null where node = $1', [node]),

    /** Creates or changes what is known of an owner's account; what is left out stays. */
    setAccount: async (
      number: string,
      { online, banned }: { online?: boolean; banned?: boolean },
    ): Promise<Json> => {
      const { rows } = await db.query<Json>(
        `insert into whatsapp.account as a (number, online, banned) values ($1, coalesce($2, false), coalesce($3, false))
         on conflict (number) do update set online = coalesce($2, a.online), banned = coalesce($3, a.banned)
         returning *`,
        [number, online ?? null, banned ?? null],
      );
      return rows[0]!;
    },
    devicesOf: async (number: string): Promise<Json[]> => {
      const { rows } = await db.query<Json>(
        'select key, number, slot, node, socket is not null as open from whatsapp.device where number = $1 and removed is null',
        [number],
      );
      return rows;
    },
    /** Which of these numbers exist although their last digits say otherwise: those with a linked device. */
    linked: async (numbers: readonly string[]): Promise<Set<string>> => {
      const { rows } = await db.query<{ number: string }>(
        'select distinct number from whatsapp.device where number = any($1) and removed is null',
        [numbers],
      );
      return new Set(rows.map(({ number }) => number));
    },
  };
};

export type Network = ReturnType<typeof createNetwork>;
