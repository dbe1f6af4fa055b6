/** A place in a list that goes by time, newest first: `at` in microseconds since 1970, which a Date cannot hold. */
export interface Place {
  at: number;
  id: number;
}
