const DAY_MS = 86_400_000;

/** When the next day begins (UTC), by which what is counted by the day begins anew. */
export const nextDay = (): Date => new Date((Math.floor(Date.now() / DAY_MS) + 1) * DAY_MS);

/** Seconds, whole ones, and at least one. */
export const secondsLeftToday = (): number =>
  Math.max(1, Math.ceil((nextDay().getTime() - Date.now()) / 1000));
