import Joi from 'joi';

export interface NodeAddress {
  name: string;
  url: string;
}

export interface HostPort {
  host: string;
  port: number;
}

/** Durations are in seconds unless the name ends in _MS. */
export interface Settings {
  NODE_ENV: 'development' | 'test' | 'production';
  ROLE: 'all' | 'api' | 'worker';
  HOST: string;
  PORT: number;
  INBOUND_HOST: string;
  INBOUND_PORT: number;
  INBOUND_URL: string;
  SERVER_URL: string;
  TRUST_PROXY: string;
  CORS_ORIGINS: string[];
  JSON_LIMIT: number;
  DB_HOST: string;
  DB_PORT: number;
  DB_NAME: string;
  DB_USER: string;
  DB_PASSWORD: string;
  DB_POOL_SIZE: number;
  DB_READ_HOST: string;
  DB_READ_PORT: number;
  REDIS_HOST: string;
  REDIS_PORT: number;
  REDIS_PASSWORD: string;
  REDIS_CLUSTER_NODES: HostPort[];
  JWT_SECRET: string;
  JWT_SECRET_PREVIOUS: string;
  JWT_EXPIRES_IN: number;
  REFRESH_EXPIRES_IN: number;
  BCRYPT_COST: number;
  SMTP_URL: string;
  MAIL_FROM: string;
  ADMIN_EMAIL: string;
  ADMIN_PASSWORD: string;
  EVOLUTION_API_KEY: string;
  EVOLUTION_NODES: NodeAddress[];
  EVOLUTION_POOL_URL: string;
  EVOLUTION_DATABASE_URL: string;
  EVOLUTION_REDIS_URL: string;
  EVOLUTION_REDIS_PREFIX: string;
  EVOLUTION_METRICS_USER: string;
  EVOLUTION_METRICS_PASSWORD: string;
  FAILOVER_AFTER: number;
  MOVE_CONCURRENCY: number;
  CHECKS_PER_MINUTE: number;
  ALLOWED_PROXIES: string[];
  ALLOWED_PRIVATE_NETWORKS: string[];
  RATE_LIMIT_WINDOW: number;
  RATE_LIMIT_IP: number;
  RATE_LIMIT_USER: number;
  RATE_LIMIT_AUTH: number;
  RATE_LIMIT_AUTH_IP: number;
  RATE_LIMIT_ACCOUNT: number;
  RATE_LIMIT_SEND: number;
  IDEMPOTENCY_TTL: number;
  MESSAGE_TTL: number;
  SEND_TIMEOUT: number;
  SEND_CONCURRENCY: number;
  UNKNOWN_HOLD: number;
  LEASE_MARGIN: number;
  ACK_AFTER: number;
  BULK_PROGRESS: number;
  NODE_TIMEOUT: number;
  NODE_CHECK: number;
  COMPARE_EVERY: number;
  DEAF_AFTER: number;
  DEAF_CHECK: number;
  SWEEP_MS: number;
  HOUSEKEEPING: number;
  FACTS_KEPT_DAYS: number;
  EVENTS_KEPT_DAYS: number;
  MESSAGES_KEPT_DAYS: number;
  MEDIA_DIR: string;
  MEDIA_LIMITS: Record<MediaLimit, number>;
  QUOTA_PHONES: number;
  QUOTA_MESSAGES_PER_DAY: number;
  MEDIA_QUOTA: number;
  MEDIA_KEPT_DAYS: number;
  MEDIA_LINK_TTL: number;
  MEDIA_TIMEOUT: number;
  MEDIA_IDLE: number;
  MEDIA_TRIES: number;
  MEDIA_CONCURRENCY: number;
  MEDIA_PER_USER: number;
  S3_ENDPOINT: string;
  S3_REGION: string;
  S3_BUCKET: string;
  S3_ACCESS_KEY: string;
  S3_SECRET_KEY: string;
  SOCKETS_PER_USER: number;
  SOCKET_HEARTBEAT: number;
  WEBHOOK_RETRY_SCHEDULE: number[];
  WEBHOOK_TIMEOUT: number;
  WEBHOOK_CONCURRENCY: number;
  WEBHOOK_PER_WEBHOOK: number;
  HELD_FOR: number;
  LOG_LEVEL: string;
  LOG_FILE: string;
}

const list = (text: string) =>
  text
    .split(',')
    .map((item) => item.trim())
    .filter(Boolean);

const parsed = <T>(read: (text: string) => T) =>
  Joi.any().custom((value: unknown, helpers) => {
    try {
      return typeof value === 'string' ? read(value) : value;
    } catch (error) {
      return helpers.message({ custom: `{{#label}} ${(error as Error).message}` });
    }
  });

/** `name=url` pairs, each node called by its own URL. */
export const nodeList = (text: string): NodeAddress[] =>
  list(text).map((pair) => {
    const [, name, url] = /^([\w.-]+)=(https?:\/\/[^\s/]+)\/?$/.exec(pair) ?? [];
    if (!name || !url) throw new Error(`must list nodes as name=http://host:port, not "${pair}"`);
    return { name, url };
  });

/** `host:port` pairs. */
export const hostPortList = (text: string): HostPort[] =>
  list(text).map((pair) => {
    const [, host, number] = /^\[?([\w.-]+|[\da-f:]+(?=\]))\]?:(\d{1,5})$/i.exec(pair) ?? [];
    const port = Number(number);
    if (!host || !(port > 0 && port < 65_536)) throw new Error(`must list host:port pairs, not "${pair}"`);
    return { host, port };
  });

export const addressList = (text: string): string[] =>
  list(text).map((cidr) => {
    if (!/^[0-9a-f.:]+\/\d{1,3}$/i.test(cidr))
      throw new Error(`must list networks as address/bits, not "${cidr}"`);
    return cidr;
  });

export const secondsList = (text: string): number[] =>
  list(text).map((item) => {
    const seconds = Number(item);
    if (!Number.isFinite(seconds) || seconds < 0) throw new Error(`must list seconds, not "${item}"`);
    return seconds;
  });

const BYTES = { '': 1, K: 1024, M: 1024 ** 2, G: 1024 ** 3 } as const;

/** Meta's table ("Supported media types"), in bytes. */
const MEDIA_LIMITS = {
  image: 5 * BYTES.M,
  video: 16 * BYTES.M,
  audio: 16 * BYTES.M,
  voice: 16 * BYTES.M,
  document: 100 * BYTES.M,
  sticker: 100 * BYTES.K,
  animatedSticker: 500 * BYTES.K,
};
export type MediaLimit = keyof typeof MEDIA_LIMITS;

/** `image=5M,document=100M`: bytes, with K, M or G for 1024 of the next smaller; what is not named keeps its own. */
export const mediaLimits = (text: string): Record<MediaLimit, number> => ({
  ...MEDIA_LIMITS,
  ...Object.fromEntries(
    list(text).map((pair) => {
      const [, kind, amount, unit = ''] = /^(\w+)=(\d+)([KMG]?)$/.exec(pair) ?? [];
      if (!kind || !amount || !(kind in MEDIA_LIMITS))
        throw new Error(`must list limits such as image=5M, not "${pair}"`);
      return [kind, Number(amount) * BYTES[unit as keyof typeof BYTES]];
    }),
  ),
});

const UNITS = { s: 1, m: 60, h: 3600, d: 86400 } as const;

/** `24h`, `15m`, `3600` → seconds. */
export const seconds = (text: string): number => {
  const [, amount, unit] = /^(\d+)([smhd]?)$/.exec(text.trim()) ?? [];
  if (!amount) throw new Error(`must be a duration such as 24h, 15m or 3600, not "${text}"`);
  return Number(amount) * UNITS[(unit || 's') as keyof typeof UNITS];
};

const port = (fallback: number) => Joi.number().port().default(fallback);
const count = (fallback: number, min = 1) => Joi.number().integer().min(min).default(fallback);
const duration = (fallback: number) => Joi.number().min(0).default(fallback);
const secret = (name: string) =>
  Joi.string()
    .min(16)
    .required()
    .messages({
      'any.required': `"${name}" is required: a random text of 32 characters or more (scripts/make-env makes a .env with one)`,
    });

/** One object over the environment; `.env.example` is held against it by a test. */
export const settings: Joi.ObjectSchema<Settings> = Joi.object<Settings>({
  NODE_ENV: Joi.string().valid('development', 'test', 'production').default('development'),
  ROLE: Joi.string().valid('all', 'api', 'worker').default('all'),
  HOST: Joi.string().default('0.0.0.0'),
  PORT: port(8090),
  INBOUND_HOST: Joi.string().default('127.0.0.1'),
  INBOUND_PORT: port(8091),
  INBOUND_URL: Joi.string()
    .uri({ scheme: ['http', 'https'] })
    .default('http://127.0.0.1:8091'),
  SERVER_URL: Joi.string()
    .uri({ scheme: ['http', 'https'] })
    .default('http://localhost:8080'),
  TRUST_PROXY: Joi.string().default('loopback'),
  CORS_ORIGINS: parsed(list).default([]),
  JSON_LIMIT: count(1024 * 1024),
  DB_HOST: Joi.string().default('localhost'),
  DB_PORT: port(5432),
  DB_NAME: Joi.string().default('evolution_api'),
  DB_USER: Joi.string().default('evolution_user'),
  DB_PASSWORD: Joi.string().allow('').default(''),
  DB_POOL_SIZE: count(10),
  DB_READ_HOST: Joi.string().allow('').default(''),
  DB_READ_PORT: port(5432),
  REDIS_HOST: Joi.string().default('localhost'),
  REDIS_PORT: port(6379),
  REDIS_PASSWORD: Joi.string().allow('').default(''),
  REDIS_CLUSTER_NODES: parsed(hostPortList).default([]),
  JWT_SECRET: secret('JWT_SECRET'),
  JWT_SECRET_PREVIOUS: Joi.string().allow('').default(''),
  JWT_EXPIRES_IN: parsed(seconds).default(86_400),
  REFRESH_EXPIRES_IN: parsed(seconds).default(2_592_000),
  BCRYPT_COST: Joi.number().integer().min(4).max(15).default(12),
  SMTP_URL: Joi.string()
    .uri({ scheme: ['smtp', 'smtps'] })
    .allow('')
    .default(''),
  MAIL_FROM: Joi.string().default('Evolution Gateway <no-reply@localhost>'),
  ADMIN_EMAIL: Joi.string().email({ tlds: false }).lowercase().allow('').default(''),
  ADMIN_PASSWORD: Joi.string().min(8).allow('').default(''),
  EVOLUTION_API_KEY: secret('EVOLUTION_API_KEY'),
  EVOLUTION_NODES: parsed(nodeList).default([]),
  EVOLUTION_POOL_URL: Joi.string().uri().allow('').default(''),
  EVOLUTION_DATABASE_URL: Joi.string()
    .uri({ scheme: ['postgres', 'postgresql'] })
    .allow('')
    .default(''),
  EVOLUTION_REDIS_URL: Joi.string()
    .uri({ scheme: ['redis', 'rediss'] })
    .allow('')
    .default(''),
  EVOLUTION_REDIS_PREFIX: Joi.string().default('evolution'),
  EVOLUTION_METRICS_USER: Joi.string().allow('').default(''),
  EVOLUTION_METRICS_PASSWORD: Joi.string().allow('').default(''),
  FAILOVER_AFTER: duration(30),
  MOVE_CONCURRENCY: count(32),
  CHECKS_PER_MINUTE: count(60),
  ALLOWED_PROXIES: parsed(list).default([]),
  ALLOWED_PRIVATE_NETWORKS: parsed(addressList).default([]),
  RATE_LIMIT_WINDOW: duration(900),
  RATE_LIMIT_IP: count(100),
  RATE_LIMIT_USER: count(3000),
  RATE_LIMIT_AUTH: count(10),
  RATE_LIMIT_AUTH_IP: count(50),
  RATE_LIMIT_ACCOUNT: count(100),
  RATE_LIMIT_SEND: count(1200),
  IDEMPOTENCY_TTL: duration(86_400),
  MESSAGE_TTL: duration(86_400),
  SEND_TIMEOUT: duration(30),
  SEND_CONCURRENCY: count(64),
  UNKNOWN_HOLD: duration(60),
  LEASE_MARGIN: duration(15),
  ACK_AFTER: duration(86_400),
  BULK_PROGRESS: duration(2),
  NODE_TIMEOUT: duration(10),
  NODE_CHECK: duration(5),
  COMPARE_EVERY: duration(600),
  DEAF_AFTER: duration(3600),
  DEAF_CHECK: duration(300),
  SWEEP_MS: count(1000, 10),
  HOUSEKEEPING: duration(600),
  FACTS_KEPT_DAYS: count(30),
  EVENTS_KEPT_DAYS: count(30, 0),
  MESSAGES_KEPT_DAYS: count(0, 0),
  MEDIA_DIR: Joi.string().allow('').default(''),
  MEDIA_LIMITS: parsed(mediaLimits).default(() => mediaLimits('')),
  QUOTA_PHONES: count(0, 0),
  QUOTA_MESSAGES_PER_DAY: count(0, 0),
  MEDIA_QUOTA: count(10 * 1024 ** 3, 0),
  MEDIA_KEPT_DAYS: count(90, 0),
  MEDIA_LINK_TTL: duration(604_800),
  MEDIA_TIMEOUT: duration(120),
  MEDIA_IDLE: duration(20),
  MEDIA_TRIES: count(6),
  MEDIA_CONCURRENCY: count(16),
  MEDIA_PER_USER: count(4),
  S3_ENDPOINT: Joi.string()
    .uri({ scheme: ['http', 'https'] })
    .allow('')
    .default(''),
  S3_REGION: Joi.string().default('us-east-1'),
  S3_BUCKET: Joi.string().allow('').default(''),
  S3_ACCESS_KEY: Joi.string().allow('').default(''),
  S3_SECRET_KEY: Joi.string().allow('').default(''),
  SOCKETS_PER_USER: count(100),
  SOCKET_HEARTBEAT: duration(25),
  WEBHOOK_RETRY_SCHEDULE: parsed(secondsList).default([
    5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400,
  ]),
  WEBHOOK_TIMEOUT: duration(15),
  WEBHOOK_CONCURRENCY: count(64),
  WEBHOOK_PER_WEBHOOK: count(4),
  HELD_FOR: duration(2_592_000),
  LOG_LEVEL: Joi.string().valid('error', 'warn', 'info', 'debug').default('info'),
  LOG_FILE: Joi.string().allow('').default(''),
});

const DATABASE = ['NODE_ENV', 'DB_HOST', 'DB_PORT', 'DB_NAME', 'DB_USER', 'DB_PASSWORD'] as const;

export type DatabaseSettings = Pick<Settings, (typeof DATABASE)[number]>;

/** What the migrations need, which run where the other secrets may not be known. */
export const databaseSettings: Joi.ObjectSchema<DatabaseSettings> = Joi.object(
  Object.fromEntries(DATABASE.map((name) => [name, settings.extract(name)])),
);
