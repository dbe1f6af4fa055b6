import type { Creds } from '../store/sessions.js';
import type { InstanceRow, Settings } from '../store/instances.js';

export type State = 'close' | 'connecting' | 'open';

/** One connection to WhatsApp, or one try at it. An instance may end up with several: they then fight. */
export interface Client {
  readonly id: string;
  creds: Creds;
  /** `dialling` until the network answers, `pairing` while codes are shown, `scanned` once a phone took one. */
  stage: 'dialling' | 'pairing' | 'scanned' | 'open' | 'ended';
  /** Ends it; the reason decides whether the instance connects again. */
  end(reason: Ending): void;
  /** Called when the phone has scanned the code, or typed the pairing code. */
  paired?: (creds: Creds) => void;
}

/** Why a client ended, as the library below a real node would say. */
export interface Ending {
  readonly code: number;
  readonly message: string;
  /** The stanza with which the network ended it, if it did. */
  readonly data?: unknown;
}

export interface QrCode {
  count: number;
  code?: string;
  pairingCode?: string;
  /** Made when first asked for: drawing ten thousand codes that nobody sees is dear. */
  image?: Promise<string>;
}

/** A number in the memory of this process. */
export interface Instance {
  readonly id: string;
  readonly name: string;
  readonly token: string | null;
  /** Given at create: it labels the row, and tells whose phone scans. */
  readonly number: string | null;
  state: State;
  statusReason: number;
  client: Client | undefined;
  readonly qr: QrCode;
  /** Set when a pairing code was asked for. */
  phoneNumber: string | undefined;
  wuid: string | undefined;
  profilePicUrl: string | undefined;
  /** Whether anybody was ever paired on it: a code shown because credentials went missing is scanned by nobody. */
  everPaired: boolean;
  /** After a logout by API the message pipeline of this process stays shut: it connects, but hears nothing. */
  deaf: boolean;
  /** The code limit was reached: no further code until somebody connects again. */
  endSession: boolean;
  /** Deleted: it never connects again. */
  removed: boolean;
  settings: Settings | null;
  /** By address, the name under which a contact was stored last. */
  readonly seen: Map<string, string>;
  /** Numbers for which there is a key in Redis. */
  readonly partners: Set<string>;
}

export const createInstance = (
  row: Pick<InstanceRow, 'id' | 'name' | 'token' | 'number' | 'ownerJid'>,
): Instance => ({
  id: row.id,
  name: row.name,
  token: row.token,
  number: row.number,
  state: 'close',
  statusReason: 200,
  client: undefined,
  qr: { count: 0 },
  phoneNumber: undefined,
  wuid: undefined,
  profilePicUrl: undefined,
  everPaired: row.ownerJid !== null,
  deaf: false,
  endSession: false,
  removed: false,
  settings: null,
  seen: new Map(),
  partners: new Set(),
});

/** The number an instance is paired with, digits only; only its own client's credentials tell. */
export const ownNumber = ({ client }: Instance): string =>
  (client?.creds.me?.id ?? '').split(/[:@]/)[0] ?? '';
