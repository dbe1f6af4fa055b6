/** What a node is told from outside. Durations are milliseconds; every default is what a recorded real node does. */
export interface Config {
  /** 0 = any free port; the line printed when ready names the one taken. */
  readonly port: number;
  readonly host: string;
  /** The client name: a node loads and lists the instances that carry it. */
  readonly name: string;
  /** The database that all nodes share. */
  readonly databaseUrl: string;
  readonly databasePool: number;
  readonly redisUrl: string;
  readonly redisPrefix: string;
  /** The global key, good for every call. */
  readonly apiKey: string;
  readonly serverUrl: string;
  /** From a QR code shown to its being scanned; 0 or less = only by POST /sandbox/scan. */
  readonly scanMs: number;
  readonly qrMs: number;
  readonly qrLimit: number;
  /** How long GET /instance/connect and POST /instance/create (qrcode: true) wait before they answer. */
  readonly connectWaitMs: number;
  readonly createWaitMs: number;
  /** From a socket's start to `open` or to the first QR code. */
  readonly openMs: number;
  /** Pause before a socket that was replaced, or found nobody, is tried again. */
  readonly reconnectMs: number;
  /** Added to every send, for load tests against the speed of a real node (about 100). */
  readonly sendMs: number;
  readonly deliveredMs: number;
  readonly readMs: number;
  readonly echoMs: number;
  readonly slowMs: number;
  /** Whether the owners' own phones are online from the start: then a send gets its SERVER_ACK. */
  readonly ownerOnline: boolean;
  /** AUTHENTICATION_EXPOSE_IN_FETCH_INSTANCES of a real node: the instance's token in webhooks. */
  readonly exposeToken: boolean;
  /** How often the network is asked for what a lost notification left behind. */
  readonly pollMs: number;
  readonly metrics: { readonly user: string; readonly password: string };
  readonly webhook: WebhookConfig;
}

export interface WebhookConfig {
  readonly timeoutMs: number;
  readonly maxAttempts: number;
  readonly initialDelayMs: number;
  readonly maxDelayMs: number;
  readonly jitter: number;
}

type Environment = Readonly<Record<string, string | undefined>>;

const createReader = (env: Environment) => {
  const problems: string[] = [];
  const text = (name: string, fallback?: string): string => {
    const value = env[name] || fallback;
    if (value === undefined) problems.push(`${name} is required`);
    return value ?? '';
  };
  const number = (name: string, fallback: number): number => {
    const value = env[name] === undefined || env[name] === '' ? fallback : Number(env[name]);
    if (!Number.isFinite(value)) problems.push(`${name} must be a number, not "${env[name]}"`);
    return value;
  };
  const flag = (name: string): boolean => {
    const value = env[name] || 'false';
    if (value !== 'true' && value !== 'false') problems.push(`${name} must be true or false, not "${value}"`);
    return value === 'true';
  };
  return { text, number, flag, problems };
};

const webhookConfig = (number: (name: string, fallback: number) => number): WebhookConfig => ({
  timeoutMs: number('SANDBOX_WEBHOOK_TIMEOUT_MS', 30_000),
  maxAttempts: number('SANDBOX_WEBHOOK_RETRY_MAX_ATTEMPTS', 10),
  initialDelayMs: number('SANDBOX_WEBHOOK_RETRY_INITIAL_DELAY_MS', 5_000),
  maxDelayMs: number('SANDBOX_WEBHOOK_RETRY_MAX_DELAY_MS', 300_000),
  jitter: number('SANDBOX_WEBHOOK_RETRY_JITTER', 0.2),
});

/**
 * Reads the environment once.
 * @throws Error that names every variable that is missing or malformed, at once.
 */
export const readConfig = (env: Environment = process.env): Config => {
  const { text, number, flag, problems } = createReader(env);
  const port = number('SANDBOX_PORT', 8081);
  const host = text('SANDBOX_HOST', '127.0.0.1');
  const config: Config = {
    port,
    host,
    name: text('SANDBOX_NAME', 'node-1'),
    databaseUrl: text('SANDBOX_DATABASE_URL'),
    databasePool: number('SANDBOX_DATABASE_POOL', 10),
    redisUrl: text('SANDBOX_REDIS_URL'),
    redisPrefix: text('SANDBOX_REDIS_PREFIX', 'evolution'),
    apiKey: text('SANDBOX_API_KEY'),
    serverUrl: text('SANDBOX_SERVER_URL', `http://${host}:${port}`),
    scanMs: number('SANDBOX_SCAN_MS', 1_500),
    qrMs: number('SANDBOX_QR_MS', 45_000),
    qrLimit: number('SANDBOX_QR_LIMIT', 30),
    connectWaitMs: number('SANDBOX_CONNECT_WAIT_MS', 2_000),
    createWaitMs: number('SANDBOX_CREATE_WAIT_MS', 5_000),
    openMs: number('SANDBOX_OPEN_MS', 80),
    reconnectMs: number('SANDBOX_RECONNECT_MS', 400),
    sendMs: number('SANDBOX_SEND_MS', 0),
    deliveredMs: number('SANDBOX_DELIVERED_MS', 50),
    readMs: number('SANDBOX_READ_MS', 150),
    echoMs: number('SANDBOX_ECHO_MS', 50),
    slowMs: number('SANDBOX_SLOW_MS', 12_000),
    ownerOnline: flag('SANDBOX_OWNER_ONLINE'),
    exposeToken: flag('SANDBOX_EXPOSE_TOKEN'),
    pollMs: number('SANDBOX_POLL_MS', 2_000),
    metrics: {
      user: text('SANDBOX_METRICS_USER', 'metrics'),
      password: text('SANDBOX_METRICS_PASSWORD', 'metrics'),
    },
    webhook: webhookConfig(number),
  };
  if (problems.length > 0) throw new Error(problems.join('; '));
  return config;
};
