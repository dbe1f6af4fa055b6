export type Log = (level: 'info' | 'warn' | 'error', event: string, facts?: Record<string, unknown>) => void;

/** One JSON line per event on standard output. */
export const createLog =
  (node: string): Log =>
  (level, event, facts = {}) => {
    const { error, ...rest } = facts;
    const cause =
      error instanceof Error ? { error: error.message } : error === undefined ? {} : { error: String(error) };
    process.stdout.write(
      `${JSON.stringify({ time: new Date().toISOString(), level, node, event, ...rest, ...cause })}\n`,
    );
  };
