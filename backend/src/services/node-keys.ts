import type { Tenancy } from '../models/index.js';
import type { Sealer } from '../utils/crypto.js';

export type NodeKeys = ReturnType<typeof createNodeKeys>;

/** Milliseconds: so long after a node got another key every process uses it. */
const FRESH = 2000;
/** Names what is sealed, so that it opens nowhere else. */
export const PURPOSE = 'node key';

/** The keys that nodes are called with: that of the settings, unless an admin gave a node its own. */
export function createNodeKeys(deps: {
  nodes: Pick<Tenancy['shared']['nodes'], 'listKeys'>;
  sealer: Sealer;
  fallback: string;
}) {
  const { nodes, sealer, fallback } = deps;
  let known: ReadonlyMap<string, string> = new Map();
  let readAt = -Infinity;
  let reading: Promise<void> | null = null;

  async function read(): Promise<void> {
    try {
      const rows = await nodes.listKeys();
      known = new Map(rows.map(({ url, apiKey }) => [new URL(url).origin, sealer.open(apiKey, PURPOSE)]));
    } catch {
      // Without the database nothing is sent anyway; the keys that are known go on.
    }
    readAt = performance.now();
    reading = null;
  }

  return {
    /** The key of the node at an origin. Never rejects. */
    async of(origin: string): Promise<string> {
      if (performance.now() - readAt > FRESH) await (reading ??= read());
      return known.get(origin) ?? fallback;
    },

    seal: (key: string): string => sealer.seal(key, PURPOSE),
  };
}
