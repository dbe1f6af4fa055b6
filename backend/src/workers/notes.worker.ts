import type { Logger } from '../config/logger.js';
import type { Notes } from '../services/notes.js';
import { createTicker, type Loop } from './loop.js';

/** Notes new messages in their chats and under their words. */
export const notesWorkers = (deps: { notes: Notes; logger: Logger; sweepMs: number }): Loop[] => [
  createTicker({ name: 'notes', everyMs: deps.sweepMs, work: deps.notes.sweep, logger: deps.logger }),
];
