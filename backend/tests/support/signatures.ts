import { Webhook } from 'standardwebhooks';
import { sealer } from '../../src/utils/crypto.js';
import { noteInFile } from './conformance.js';
import type { TestDatabase } from './database.js';

export interface SignedPost {
  url: string;
  headers: Record<string, string>;
  text: string;
}
const posts: SignedPost[] = [];

/** Every receiver of a test file tells here what it was posted. */
export const notePost = (post: SignedPost): void => {
  if (post.headers['webhook-id']) posts.push(post);
};

const isGenuine = ({ text, headers }: SignedPost, secret: string): boolean => {
  try {
    new Webhook(secret).verify(text, headers);
    return true;
  } catch {
    return false;
  }
};

/**
 * Holds what receivers were posted of this database's events against the secrets of the webhooks that it knows, which are
 * sealed under `jwtSecret`; throws when one is not signed by its webhook.
 */
export async function expectGenuineSignatures(database: TestDatabase, jwtSecret: string): Promise<void> {
  if (posts.length === 0) return;
  const { open } = sealer(jwtSecret);
  const rows = await database
    .queryAll<{ user_id: number; url: string; secret: string; previous_secret: string | null }>(
      'select user_id, url, secret, previous_secret from webhooks',
    )
    // A test may have left it without its database.
    .catch(() => []);
  const ids = new Set(
    (await database.queryAll<{ id: string }>('select id from events').catch(() => [])).map(({ id }) => id),
  );
  const faults = posts
    .filter(({ headers }) => ids.has(headers['webhook-id']!))
    .flatMap((post) => {
      const secrets = rows
        .filter(({ url }) => url === post.url)
        .flatMap(({ user_id: user, secret, previous_secret: previous }) =>
          [secret, previous].flatMap((sealed) => (sealed === null ? [] : open(sealed, `webhook:${user}`))),
        );
      // Of one that was removed nobody knows the secret any more.
      return secrets.length === 0 || secrets.some((secret) => isGenuine(post, secret))
        ? []
        : `${post.url} ${post.headers['webhook-id']}`;
    });
  for (const fault of faults) noteInFile('fault', `a post is not signed by its webhook: ${fault}`);
  if (faults.length > 0) throw new Error(`Posts are not signed by their webhooks:\n${faults.join('\n')}`);
}
