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

export const SCOPES: readonly string[] = [
  ...RESOURCES.flatMap((resource) => [`${resource}:read`, `${resource}:write`]),
  'admin',
];
