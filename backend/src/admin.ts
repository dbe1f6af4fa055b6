import { withDatabase } from './config/database.js';
import { loadEnvFiles, readDatabaseEnv } from './config/env.js';
import { createTenancy } from './models/index.js';

const BY_COMMAND = {
  actorId: null,
  credential: null,
  action: 'npm run admin',
  fields: ['role'],
  status: 200,
  ip: null,
  requestId: null,
};

/** `npm run admin -- someone@example.com`: that user is an admin from now on; with `--revoke`, no more. */
async function main(): Promise<void> {
  const isRevoked = process.argv.includes('--revoke');
  const [email] = process.argv.slice(2).filter((argument) => !argument.startsWith('--'));
  if (!email) throw new Error('whom? npm run admin -- someone@example.com [--revoke]');
  const env = readDatabaseEnv(undefined, loadEnvFiles());
  await withDatabase(env, async (postgres) => {
    const tenancy = createTenancy(postgres);
    const known = await tenancy.shared.credentials.findByEmail(email);
    if (!known) throw new Error(`nobody is registered as ${email}`);
    const role = isRevoked ? 'user' : 'admin';
    await tenancy.inTenant(known.userId, async (models) => {
      await models.users.setRole(known.userId, role);
      await models.audit.append({ ...BY_COMMAND, userId: known.userId, target: role });
    });
    const user = await tenancy.inTenant(known.userId, (models) => models.users.find(known.userId));
    const isProven = isRevoked || user?.isEmailVerified;
    process.stdout.write(`${email} is ${isRevoked ? 'no admin any more' : 'an admin'}\n`);
    if (!isProven)
      process.stderr.write(
        `nobody has confirmed that address: make sure that user ${known.userId}, "${user?.username}", is who you mean\n`,
      );
  });
}

main().catch((error: unknown) => {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exitCode = 1;
});
