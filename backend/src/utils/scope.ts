/** What a key can be given: to read or to write each kind of thing; and, to an admin's key, what only admins may. */
const RESOURCES = [
  'account',
  'contacts',
  'events',
  'groups',
  'keys',
  'messages',
  'phones',
  'webhooks',
] as const;

/** What a credential that is limited to some phones can be given: not what is about the whole account. */
export const SCOPES_OF_PHONES: readonly string[] = RESOURCES.filter(
  (resource) => resource !== 'account' && resource !== 'keys',
).flatMap((resource) => [`${resource}:read`, `${resource}:write`]);

export const SCOPES: readonly string[] = [
  ...RESOURCES.flatMap((resource) => [`${resource}:read`, `${resource}:write`]),
  'admin',
];
