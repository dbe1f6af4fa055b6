const POOL = 'the pool of nodes is nobody’s';
const CLAIM =
  'a claim: works across tenants, outside of every context, and answers ids, hashes and times alone';
const LEASED = 'ends or renews a claim by the secret name of its lease, outside of every context';

/** Methods of models that no stranger is tried on, and why: what they answer or do is not one tenant's. */
const UNWATCHED: Record<string, string> = {
  'audit.latest': 'for admins, across tenants: ids and times alone',
  'bulks.claim': CLAIM,
  'checks.askAllOfNode': POOL,
  'checks.claim': CLAIM,
  'checks.finish': LEASED,
  'checks.ownerOf': 'for admins, across tenants: an id alone',
  'checks.renew': LEASED,
  'compares.claim': CLAIM,
  'compares.finish': LEASED,
  'deliveries.claim': CLAIM,
  'erasures.holdMedia': 'holds rows in reach until its transaction ends, and tells nothing of them',
  'history.listUnnoted': CLAIM,
  'housekeeping.userIds': CLAIM,
  'jobs.claim': CLAIM,
  'jobs.finish': LEASED,
  'jobs.renew': LEASED,
  'lanes.claimExpired': CLAIM,
  'lanes.claimSends': CLAIM,
  'lanes.clearHeads': 'clears what holds nothing any more, whoever’s',
  'lanes.listExpiredHeads': CLAIM,
  'media.claim': CLAIM,
  'media.orphans': 'says of keys that it is told which no row in reach names: to a stranger, all of them',
  'messages.accept':
    'brings the users of its drafts into context itself, which is the one thing it is called with',
  'phones.isTimezone': 'what the database knows of the world',
  'sealed.listOfNodes': POOL,
  'users.reserveId': 'the next number',
};

export const whyUnwatched = (name: string): string | undefined =>
  name.startsWith('nodes.') ? POOL : UNWATCHED[name];
export const unwatched = Object.keys(UNWATCHED);
