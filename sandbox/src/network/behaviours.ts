/** What a recipient does, chosen by the last four digits of its number, if no device is linked to that number. */
export interface Behaviour {
  readonly digits: string;
  readonly does: string;
  /** Is there such a number? */
  readonly exists?: false;
  /** How the node answers the caller: 500 before or after the network took the message, or never. */
  readonly answer?: 'error-unsent' | 'error-sent' | 'never' | 'slow' | 'after-ack';
  /** The acks that come back. */
  readonly acks: readonly ('DELIVERY_ACK' | 'READ')[];
  readonly echoes?: true;
  /** Whether somebody else may add it to a group. */
  readonly private?: true;
}

const USUAL = ['DELIVERY_ACK', 'READ'] as const;

const USUALLY: Behaviour = { digits: '*', does: 'delivered, then read', acks: USUAL };

export const behaviours: readonly Behaviour[] = [
  { digits: '0404', does: 'not on WhatsApp: sends answer 400 with exists: false', exists: false, acks: [] },
  { digits: '0500', does: 'the node answers 500 and has not sent', answer: 'error-unsent', acks: [] },
  {
    digits: '0501',
    does: 'the node answers 500 and has sent; no echo, no acks',
    answer: 'error-sent',
    acks: USUAL,
  },
  {
    digits: '0408',
    does: 'sent, but the answer never comes; no echo, no acks',
    answer: 'never',
    acks: USUAL,
  },
  { digits: '0001', does: 'never acked, as an offline recipient', acks: [] },
  { digits: '0002', does: 'delivered, never read', acks: ['DELIVERY_ACK'] },
  { digits: '0007', does: 'delivered, read, then answers "echo: <text>"', acks: USUAL, echoes: true },
  { digits: '0012', does: 'takes 12 s (SANDBOX_SLOW_MS) to be sent', answer: 'slow', acks: USUAL },
  { digits: '0013', does: 'its ack arrives before the answer of the send', answer: 'after-ack', acks: USUAL },
  { digits: '0403', does: 'may not be added to groups; else as usual', acks: USUAL, private: true },
  USUALLY,
];

const byDigits = new Map(behaviours.map((behaviour) => [behaviour.digits, behaviour]));

/** @param number digits only. */
export const behaviourOf = (number: string): Behaviour => byDigits.get(number.slice(-4)) ?? USUALLY;
