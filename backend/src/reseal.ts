import { loadEnvFiles, readEnv } from './config/env.js';
import { createLogger } from './config/logger.js';
import { createPostgres } from './config/postgres.js';
import { createTenancy } from './models/index.js';
import { reseal } from './services/reseal.js';
import { sealer } from './utils/crypto.js';

/** `npm run reseal`: everything that is sealed under JWT_SECRET_PREVIOUS is sealed under JWT_SECRET from now on. */
async function main(): Promise<void> {
  const env = readEnv(undefined, loadEnvFiles());
  const postgres = createPostgres(
    {
      host: env.DB_HOST,
      port: env.DB_PORT,
      database: env.DB_NAME,
      user: env.DB_USER,
      password: env.DB_PASSWORD,
      poolSize: 1,
    },
    createLogger({ level: 'error' }),
  );
  try {
    const keys = sealer(env.JWT_SECRET, env.JWT_SECRET_PREVIOUS || undefined);
    const count = await reseal({ tenancy: createTenancy(postgres), sealer: keys });
    process.stdout.write(`${count} secrets sealed anew; JWT_SECRET_PREVIOUS is needed no more\n`);
  } finally {
    await postgres.close();
  }
}

main().catch((error: unknown) => {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exitCode = 1;
});
