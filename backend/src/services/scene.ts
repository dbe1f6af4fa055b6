import type { Fact } from '../clients/evolution.fact.js';
import type { Models } from '../models/index.js';
import type { Phone } from '../models/phone.js';
import type { Placement } from '../models/placement.js';
import type { Sealer } from '../utils/crypto.js';
import type { Known } from './known.js';
import type { Links } from './message-view.js';

export type FactOf<Kind extends Fact['kind']> = Extract<Fact, { kind: Kind }>;

/** Where facts take effect: a transaction that holds the user's counter and the phone's row. */
export interface Scene {
  models: Models;
  /** Messages that facts of this transaction tell of. */
  known: Known;
  phone: Phone;
  placement: Placement;
  sealer: Sealer;
  links: Links;
  /** Of received files; null: for ever. */
  keptDays: number | null;
  /** Not told in its time, but found later. */
  isRecovered: boolean;
}
