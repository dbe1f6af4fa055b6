import { uuid } from '../utils/ids.js';

/** What can be made to go wrong with calls. */
interface CallFault {
  readonly delayMs?: number;
  readonly hang?: boolean;
  readonly status?: number;
  readonly reset?: boolean;
}

/** What can be made to go wrong with a node, or with one of its instances. */
export interface Fault extends CallFault {
  readonly id: string;
  /** Only this instance; without it, the whole node. */
  readonly instance?: string;
  /** Only calls whose path starts like this, e.g. `/message/`. */
  readonly calls?: string;
  /** False: the call is spoilt and not carried out. True: it is carried out, and then its answer is spoilt. */
  readonly after?: boolean;
  readonly duplicateWebhooks?: boolean | number;
  readonly shuffleWebhooks?: boolean | number;
  readonly dropWebhooks?: boolean;
  /** Only webhooks of this event, e.g. `messages.update`. */
  readonly event?: string;
  readonly wrongNumberScan?: boolean | string;
  readonly replaced?: number;
  readonly unreachable?: boolean;
  readonly die?: boolean;
  /** How often it still strikes; without it, until it is taken back. */
  count?: number;
}

export type FaultKind = Exclude<keyof Fault, 'id' | 'instance' | 'calls' | 'after' | 'event' | 'count'>;

export interface FaultScope {
  readonly instance?: string;
  readonly path?: string;
  readonly event?: string;
}

const fits = (fault: Fault, { instance, path, event }: FaultScope): boolean =>
  (!fault.instance || fault.instance === instance) &&
  (!fault.calls || (path ?? '').startsWith(fault.calls)) &&
  (!fault.event || fault.event === event);

/** The faults of this node; they end with the process. */
export const createFaults = () => {
  let active: Fault[] = [];
  const spend = (fault: Fault): void => {
    if (fault.count === undefined) return;
    fault.count -= 1;
    if (fault.count <= 0) active = active.filter((other) => other !== fault);
  };
  const find = (kinds: readonly FaultKind[], scope: FaultScope): Fault | undefined =>
    active.length === 0
      ? undefined
      : active.find((fault) => kinds.some((kind) => fault[kind]) && fits(fault, scope));
  return {
    add: (fault: Omit<Fault, 'id'>): Fault => {
      const added = { id: uuid(), ...fault };
      active.push(added);
      return added;
    },
    list: (): readonly Fault[] => active,
    /** @returns what was removed; without an id, all. */
    remove: (id?: string): readonly Fault[] => {
      const gone = active.filter((fault) => !id || fault.id === id);
      active = active.filter((fault) => !gone.includes(fault));
      return gone;
    },
    /** The first fault of one of these kinds that applies, and one of its strikes is used up. */
    take: (kinds: readonly FaultKind[], scope: FaultScope): Fault | undefined => {
      const fault = find(kinds, scope);
      if (fault) spend(fault);
      return fault;
    },
    /** The same without using it up. */
    has: (kind: FaultKind, scope: FaultScope): boolean => find([kind], scope) !== undefined,
  };
};

export type Faults = ReturnType<typeof createFaults>;
