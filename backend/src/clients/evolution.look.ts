/** Where a phone lives: the node's own address, and the phone's name there (our placement id). */
export interface Address {
  nodeUrl: string;
  placementId: string;
}

export type Look<T> =
  | { kind: 'ok'; value: T }
  | { kind: 'missing' }
  | { kind: 'error'; status: number; cause: string }
  | { kind: 'unreachable'; cause: string };
