import type { Db } from '../config/postgres.js';
import { sql } from '../utils/sql.js';

export interface Suspect {
  phoneId: number;
  userId: number;
  /** How often in a row it was probed and did not answer. */
  failedProbes: number;
}

/** Phones that may be deaf: they say they are connected, they send, and nothing comes in. */
export const deafnessModel = (db: Db) => ({
  /**
   * Of the users in context: connected for `seconds`, what they sent in that time went to `chats` chats or more, and in that
   * time no message came in and none of those sent was acknowledged; not probed in that time.
   */
  list: (seconds: number, chats: number) =>
    db.query<Suspect>(sql`
      select p.id as "phoneId", p.user_id as "userId", p.failed_probes as "failedProbes"
        from phone_numbers p
       where p.status = 'connected' and p.status_since < now() - make_interval(secs => ${seconds})
         and (p.probed_at is null or p.probed_at < now() - make_interval(secs => ${seconds}))
         and (select count(distinct m.chat_key) from messages m
               where m.user_id = p.user_id and m.phone_number_id = p.id and m.direction = 'out'
                 and m.created_at > now() - make_interval(secs => ${seconds}) and m.status = 'sent') >= ${chats}
         and not exists (select from messages m
               where m.user_id = p.user_id and m.phone_number_id = p.id and m.direction = 'out'
                 and m.created_at > now() - make_interval(secs => ${seconds}) and m.status in ('delivered', 'read', 'played'))
         and not exists (select from messages m
               where m.user_id = p.user_id and m.phone_number_id = p.id and m.direction = 'in'
                 and m.created_at > now() - make_interval(secs => ${seconds}))
       order by p.id`),

  async setProbed(phoneId: number, { failed }: { failed: boolean }): Promise<void> {
    await db.query(sql`
      update phone_numbers set probed_at = now(),
             failed_probes = case when ${failed}::boolean then failed_probes + 1 else 0 end where id = ${phoneId}`);
  },
});
