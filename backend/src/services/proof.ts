import type { Models, Tenancy } from '../models/index.js';
import type { UserSecrets } from '../models/user.js';
import { Problem } from '../utils/problem.js';

export type Proofs = ReturnType<typeof createProofs>;

const wrongPassword = () => {
  const detail = 'currentPassword is wrong';
  return new Problem('unprocessable', detail, {
    errors: [{ pointer: '/currentPassword', code: 'wrong', detail }],
  });
};

/**
 * That somebody knows a user's password. To check it takes a quarter of a second, in which it may be changed: by a user who
 * shuts somebody out. So what is done on the strength of it is done only if it still is the password, and stays it meanwhile.
 */
export function createProofs(deps: {
  tenancy: Pick<Tenancy, 'inTenant'>;
  passwords: { verify(password: string, hash: string | null): Promise<boolean> };
}) {
  const { tenancy, passwords } = deps;

  /** Its user as they are now, in the transaction that acts on it and until that ends; null: it does not hold, or they were disabled. */
  async function hold(
    models: Pick<Models, 'users'>,
    proven: Pick<UserSecrets, 'id' | 'passwordHash'>,
  ): Promise<UserSecrets | null> {
    const now = await models.users.lockSecrets(proven.id);
    return now?.isActive && now.passwordHash === proven.passwordHash ? now : null;
  }

  return {
    hold,

    /** Problem: unprocessable (names `currentPassword`). */
    async of(userId: number, currentPassword: string): Promise<UserSecrets> {
      const user = await tenancy.inTenant(userId, (models) => models.users.findSecrets(userId));
      if (!user || !(await passwords.verify(currentPassword, user.passwordHash))) throw wrongPassword();
      return user;
    },

    /** Does `work` in one transaction while what was proven holds. Problem: unprocessable (names `currentPassword`). */
    use: <T>(proven: UserSecrets, work: (models: Models) => Promise<T>): Promise<T> =>
      tenancy.inTenant(proven.id, async (models) => {
        if (!(await hold(models, proven))) throw wrongPassword();
        return work(models);
      }),
  };
}
