import { EventEmitter } from 'node:events';
import type { RedisClient } from '../config/redis.js';
import { unlimited } from '../utils/limited.js';

export type Topic = 'lane' | 'delivery' | 'check' | 'events' | 'media' | 'job';

const CHANNEL = 'gateway:wake';
/** A Redis that hangs answers nothing: beyond so many unanswered hints, further ones are not even written. */
const MAX_UNANSWERED = 200;

export type Wake = ReturnType<typeof createWake>;

/**
 * Hints between processes: "there may be work", never the work itself. Losing every one of them costs at most a sweep
 * interval, so publishing never waits for Redis and never fails.
 */
export function createWake(publisher: RedisClient, subscriber: RedisClient) {
  const local = new EventEmitter().setMaxListeners(0);
  const deliver = (topic: Topic, value: number) => unlimited(() => local.emit(topic, value));
  let unanswered = 0;

  subscriber.on('ready', () => {
    subscriber.subscribe(CHANNEL).catch(() => undefined);
  });
  subscriber.on('message', (_channel: string, text: string) => {
    const [origin, topic, value] = text.split(' ');
    if (origin !== self && topic) deliver(topic as Topic, Number(value));
  });
  const self = `${process.pid}-${Math.random().toString(36).slice(2)}`;

  return {
    /** Tells this process at once and the others through Redis, if it is there. `value` is the user for `events`. */
    hint(topic: Topic, value = 0): void {
      deliver(topic, value);
      if (publisher.status !== 'ready' || unanswered >= MAX_UNANSWERED) return;
      unanswered += 1;
      publisher
        .publish(CHANNEL, `${self} ${topic} ${value}`)
        .catch(() => undefined)
        .finally(() => (unanswered -= 1));
    },
    on(topic: Topic, listener: (value: number) => void): () => void {
      local.on(topic, listener);
      return () => void local.off(topic, listener);
    },
  };
}
