import { withDatabase } from './config/database.js';
import { loadEnvFiles, readEnv } from './config/env.js';
import { createTenancy } from './models/index.js';
import { reseal } from './services/reseal.js';
import { sealer } from './utils/crypto.js';

/** `npm run reseal`: everything that is sealed under JWT_SECRET_PREVIOUS is sealed under JWT_SECRET from now on. */
async function main(): Promise<void> {
  const env = readEnv(undefined, loadEnvFiles());
  await withDatabase(env, async (postgres) => {
    const keys = sealer(env.JWT_SECRET, env.JWT_SECRET_PREVIOUS || undefined);
    const count = await reseal({ tenancy: createTenancy(postgres), sealer: keys });
    process.stdout.write(`${count} secrets sealed anew; JWT_SECRET_PREVIOUS is needed no more\n`);
  });
}

main().catch((error: unknown) => {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exitCode = 1;
});
