import { aptInstall, aptWorks } from './apt.js';
import { findNginx, findPostgres, findProgram, findRedis } from './programs.js';

const PACKAGES = {
  postgres: { package: 'postgresql-15', here: () => findPostgres().length > 0 },
  redis: { package: 'redis-server', here: () => findRedis() !== null },
  nginx: { package: 'nginx', here: () => findNginx() !== null },
  curl: { package: 'curl', here: () => findProgram('curl') !== null },
  php: { package: 'php-cli', here: () => findProgram('php') !== null },
  chromium: {
    package: 'chromium',
    here: () => findProgram('chromium', 'chromium-browser', 'google-chrome') !== null,
  },
  python: { package: 'python3', here: () => findProgram('python3') !== null },
};

export type Program = keyof typeof PACKAGES;

/**
 * Installs those of `programs` that are missing, in one go, where apt works; elsewhere, or when a package is not to
 * be had, nothing happens here and whoever starts the program says what is missing.
 * @param say gets one line of progress, only when there is something to do
 */
export async function provide(programs: Program[], say: (line: string) => void): Promise<void> {
  const missing = programs
    .filter((program) => !PACKAGES[program].here())
    .map((program) => PACKAGES[program].package);
  if (missing.length === 0 || !aptWorks()) return;
  say(`installing ${missing.join(', ')} (apt-get) …`);
  try {
    await aptInstall(missing);
  } catch (error) {
    say((error as Error).message);
    // One package that this Debian lacks must not keep the others away.
    for (const one of missing) await aptInstall([one]).catch(() => undefined);
  }
}
