import type { Wake } from '../clients/wake.js';
import type { Logger } from '../config/logger.js';
import type { MediaFetch } from '../services/media-fetch.js';
import type { MediaKeep } from '../services/media-keep.js';
import { createLoop, createTicker, type Loop } from './loop.js';

/** Listing every file is dear where there are many. */
const ROUNDS_BETWEEN_FILES = 24;

/** Fetches what is linked to and what came in. */
export const mediaWorkers = (deps: {
  fetch: MediaFetch;
  wake: Pick<Wake, 'on'>;
  logger: Logger;
  settings: { concurrency: number; sweepMs: number };
}): Loop[] => {
  const loop = createLoop({
    name: 'media',
    concurrency: deps.settings.concurrency,
    sweepMs: deps.settings.sweepMs,
    claim: deps.fetch.claim,
    perform: deps.fetch.perform,
    onHint: (listener) => deps.wake.on('media', listener),
    logger: deps.logger,
  });
  const start = () => {
    deps.fetch.start();
    loop.start();
  };
  const stop = () => {
    deps.fetch.stop();
    return loop.stop();
  };
  return [{ start, stop }];
};

/** Removes media past their time, and files that nobody knows. `every` in seconds. */
export const mediaKeepWorkers = (deps: { keep: MediaKeep; logger: Logger; every: number }): Loop[] => [
  createTicker({
    name: 'media retention',
    everyMs: deps.every * 1000,
    work: deps.keep.sweep,
    logger: deps.logger,
  }),
  createTicker({
    name: 'media files',
    everyMs: deps.every * 1000 * ROUNDS_BETWEEN_FILES,
    work: deps.keep.sweepFiles,
    logger: deps.logger,
  }),
];
