import type { Wake } from '../clients/wake.js';
import type { Logger } from '../config/logger.js';
import type { Deliveries } from '../services/delivery.js';
import { createLoop, type Loop } from './loop.js';

/** Posts what is owed to webhooks. */
export const deliveryWorkers = (deps: {
  deliveries: Deliveries;
  wake: Pick<Wake, 'on'>;
  logger: Logger;
  settings: { concurrency: number; sweepMs: number };
}): Loop[] => [
  createLoop({
    name: 'delivery',
    concurrency: deps.settings.concurrency,
    sweepMs: deps.settings.sweepMs,
    claim: deps.deliveries.claim,
    perform: deps.deliveries.perform,
    onHint: (listener) => deps.wake.on('delivery', listener),
    logger: deps.logger,
  }),
];
