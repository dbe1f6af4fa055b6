import type { Db } from '../config/postgres.js';
import { raw, sql } from '../utils/sql.js';

/**
 * Why a phone changes nodes: its node gives no answer, is being emptied, has more than its share, or an admin asked for it; or
 * the phone is deaf where it is.
 */
export type MoveCause = 'node_lost' | 'draining' | 'asked' | 'rebalance' | 'deaf';

/** In this order; what each does is in services/moving.ts. */
export type MoveStep = 'wait' | 'make' | 'hand_over' | 'release' | 'keys' | 'open' | 'history';

export interface Move {
  id: number;
  userId: number;
  phoneId: number;
  fromPlacement: string;
  toPlacement: string;
  why: MoveCause;
  step: MoveStep;
  stepAt: Date;
}

const columns = raw(`id, user_id as "userId", phone_id as "phoneId", from_placement as "fromPlacement",
  to_placement as "toPlacement", why, step, step_at as "stepAt"`);

/** Phones that change nodes and keep their pairing; a phone has one that has not ended at most. */
export const moveModel = (db: Db) => ({
  async create(move: Omit<Move, 'id' | 'stepAt'>): Promise<void> {
    await db.query(sql`
      insert into moves (user_id, phone_id, from_placement, to_placement, why, step)
      values (${move.userId}, ${move.phoneId}, ${move.fromPlacement}, ${move.toPlacement}, ${move.why}, ${move.step})`);
  },

  /** The one that has not ended. */
  async findOpen(phoneId: number): Promise<Move | null> {
    const [row] = await db.query<Move>(
      sql`select ${columns} from moves where phone_id = ${phoneId} and ended_at is null`,
    );
    return row ?? null;
  },

  async setStep(id: number, step: MoveStep): Promise<void> {
    await db.query(
      sql`update moves set step = ${step}, step_at = now() where id = ${id} and ended_at is null`,
    );
  },

  /** It goes elsewhere than it was to; what it has done so far is to be done again there. */
  async redirect(id: number, toPlacement: string): Promise<void> {
    await db.query(
      sql`update moves set to_placement = ${toPlacement}, step = 'make', step_at = now() where id = ${id} and ended_at is null`,
    );
  },

  async end(id: number, outcome: 'moved' | 'failed'): Promise<void> {
    await db.query(
      sql`update moves set outcome = ${outcome}, ended_at = now() where id = ${id} and ended_at is null`,
    );
  },

  async endOfPhone(phoneId: number): Promise<void> {
    await db.query(
      sql`update moves set outcome = 'failed', ended_at = now() where phone_id = ${phoneId} and ended_at is null`,
    );
  },
});
