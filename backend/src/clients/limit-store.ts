import { randomBytes } from 'node:crypto';
import type { Options, Store } from 'express-rate-limit';
import type { RedisClient } from '../config/redis.js';

/** One window of one key, as this process knows it. */
interface Window {
  /** Hits counted here. Told to Redis as a total, so that telling it twice counts once. */
  own: number;
  /** Hits that the other processes have told, when we last asked. */
  others: number;
  /** What `others` was when Redis lost the window: they need not have told it again yet. */
  floor: number;
  /** Epoch milliseconds. */
  endsAt: number;
  /** Redis' name of this window; '' while it has none. */
  id: string;
}

interface Shared {
  /** Name of a window; '' says that ours is over and `own` begins at 0. */
  id: string;
  others: number;
  msLeft: number;
}

export type LimitStores = ReturnType<typeof createLimitStores>;

const SYNC_MS = 100;
const FORGET_MS = 10_000;
/** One statement of Lua blocks Redis for all of its keys. */
const KEYS_A_CALL = 500;
/**
 * Keys are spread over so many hash tags: the keys of one call lie on one master of a Redis Cluster, and all keys
 * together on many.
 */
const TAGS = 16;
/** Clocks of processes and the way to Redis differ by less; windows that end further apart are two windows. */
const SAME_WINDOW_MS = 1000;

/**
 * A hash per window: each process's own total under the process's name, and the window's id under `id`. ARGV: process,
 * fresh id, SAME_WINDOW_MS, then for each key (own total, milliseconds left, known id). Answers (id, others, ms left).
 * Where ours was lost (FLUSHALL), the window is made again with what is left of it, under another id.
 */
const TELL = `
local out = {}
for i, key in ipairs(KEYS) do
  local own, left, known = ARGV[3 * i + 1], tonumber(ARGV[3 * i + 2]), ARGV[3 * i + 3]
  local id = redis.call('HGET', key, 'id')
  local ms = redis.call('PTTL', key)
  if id and known ~= '' and id ~= known and ms > left + tonumber(ARGV[3]) then
    id = ''
  else
    if not id then
      id = ARGV[2]
      redis.call('HSET', key, 'id', id, ARGV[1], own)
      redis.call('PEXPIRE', key, left)
      ms = left
    else
      redis.call('HSET', key, ARGV[1], own)
    end
  end
  local others = 0
  local fields = redis.call('HGETALL', key)
  for f = 1, #fields, 2 do
    if fields[f] ~= 'id' and fields[f] ~= ARGV[1] then others = others + tonumber(fields[f + 1]) end
  end
  out[#out + 1] = id
  out[#out + 1] = others
  out[#out + 1] = ms
end
return out`;

const tagOf = (key: string): number => {
  let hash = 0;
  for (let i = 0; i < key.length; i += 1) hash = (hash * 31 + key.charCodeAt(i)) | 0;
  return (hash >>> 0) % TAGS;
};

/** What Redis says of a window, taken over. Hits that came meanwhile are in `own` already. */
function adopt(window: Window, shared: Shared, now: number): void {
  const endsAt = now + shared.msLeft;
  if (shared.id === '') {
    // The window that we counted in is over for the others: what we count from here on belongs to theirs.
    Object.assign(window, { own: 0, others: shared.others, floor: 0, endsAt, id: '' });
    return;
  }
  // Under another id Redis has forgotten what was told before, which must not open the limit.
  if (window.id !== '' && window.id !== shared.id) window.floor = window.others;
  window.others = Math.max(window.floor, shared.others);
  window.id = shared.id;
  window.endsAt = endsAt;
}

type Tell = (name: string, window: Window) => void;

/** The store of one limit. Windows begin with their first hit; those that nobody touched for a window are forgotten. */
function limitStore(name: string, tell: Tell): Store {
  let windowMs = 60_000;
  let current = new Map<string, Window>();
  let previous = new Map<string, Window>();
  let turnsAt = 0;

  const find = (key: string): Window | undefined => {
    const now = Date.now();
    if (now >= turnsAt) {
      previous = now >= turnsAt + windowMs ? new Map() : current;
      current = new Map();
      turnsAt = now + windowMs;
    }
    const window = current.get(key) ?? previous.get(key);
    if (window) current.set(key, window);
    return window && window.endsAt > now ? window : undefined;
  };
  const open = (key: string): Window => {
    const window: Window = { own: 0, others: 0, floor: 0, endsAt: Date.now() + windowMs, id: '' };
    current.set(key, window);
    return window;
  };
  const info = ({ own, others, endsAt }: Window) => ({
    totalHits: Math.max(1, own + others),
    resetTime: new Date(endsAt),
  });

  return {
    localKeys: false,
    prefix: `${name}:`,
    init: (options: Options) => void (windowMs = options.windowMs),
    get: (key) => {
      const window = find(key);
      return window && info(window);
    },
    increment: (key) => {
      const window = find(key) ?? open(key);
      window.own += 1;
      tell(`${name}:${key}`, window);
      return info(window);
    },
    decrement: (key) => {
      const window = find(key);
      if (!window || window.own === 0) return;
      window.own -= 1;
      tell(`${name}:${key}`, window);
    },
    resetKey: (key) => {
      const window = find(key);
      if (!window) return;
      Object.assign(window, { own: 0, others: 0, floor: 0 });
      tell(`${name}:${key}`, window);
    },
  };
}

/**
 * Limits that all processes share. Each counts for itself and tells Redis every 100 ms, in one call for many keys:
 * a request never waits for Redis, and while it is away each process goes on counting for itself, so no limit is ever
 * open. Together the processes may let through what comes within those 100 ms beyond a limit.
 */
export function createLimitStores(redis: RedisClient) {
  const self = randomBytes(6).toString('base64url');
  const untold = new Map<string, Window>();
  let telling: Promise<void> | null = null;
  let forgetAt = 0;

  async function call(tag: number, entries: [string, Window][]): Promise<void> {
    const now = Date.now();
    const keys = entries.map(([name]) => `gateway:limit:{${tag}}:${name}`);
    const told = entries.map(([, { own, endsAt, id }]) => [own, Math.max(1, endsAt - now), id]).flat();
    const fresh = randomBytes(6).toString('base64url');
    const answer = (await redis.eval(TELL, keys.length, ...keys, self, fresh, SAME_WINDOW_MS, ...told)) as (
      string | number
    )[];
    entries.forEach(([, window], i) => {
      const [id, others, msLeft] = answer.slice(3 * i, 3 * i + 3);
      adopt(window, { id: String(id), others: Number(others), msLeft: Number(msLeft) }, Date.now());
    });
  }

  /** Those that could not be told stay untold, unless their key has another window by now. */
  async function attempt(tag: number, entries: [string, Window][]): Promise<void> {
    await call(tag, entries).catch(() => {
      for (const [name, window] of entries) if (!untold.has(name)) untold.set(name, window);
    });
  }

  async function tellAll(): Promise<void> {
    const now = Date.now();
    const byTag = Array.from({ length: TAGS }, (): [string, Window][] => []);
    for (const entry of untold) if (entry[1].endsAt > now) byTag[tagOf(entry[0])]!.push(entry);
    untold.clear();
    const calls = byTag.flatMap((entries, tag) =>
      Array.from({ length: Math.ceil(entries.length / KEYS_A_CALL) }, (_, i) =>
        attempt(tag, entries.slice(i * KEYS_A_CALL, (i + 1) * KEYS_A_CALL)),
      ),
    );
    await Promise.all(calls);
  }

  /** What ended while Redis was away is of no use to anybody. */
  function forgetEnded(now: number): void {
    if (now < forgetAt) return;
    forgetAt = now + FORGET_MS;
    for (const [name, { endsAt }] of untold) if (endsAt <= now) untold.delete(name);
  }

  const timer = setInterval(() => {
    if (telling || untold.size === 0) return;
    if (redis.status !== 'ready') return forgetEnded(Date.now());
    telling = tellAll().finally(() => (telling = null));
  }, SYNC_MS);
  timer.unref();

  return {
    store: (name: string): Store => limitStore(name, (key, window) => void untold.set(key, window)),
    close: () => clearInterval(timer),
  };
}
