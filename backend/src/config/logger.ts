import winston from 'winston';

/** What the rest of the code may do with a log: one wide line per unit of work. */
export interface Logger {
  debug(event: string, fields?: Record<string, unknown>): void;
  info(event: string, fields?: Record<string, unknown>): void;
  warn(event: string, fields?: Record<string, unknown>): void;
  error(event: string, fields?: Record<string, unknown>): void;
}

const SECRET_FIELD = /pass(word)?|secret|token|api_?key|authorization|cookie|^qr$|^code$|jwt/i;
const SECRET_TEXT = /\b(ev_[A-Za-z0-9]{8,}|whsec_[A-Za-z0-9+/=]{8,}|eyJ[\w-]+\.[\w-]+\.[\w-]+|Bearer\s+\S+)/g;

/** Deeper than anything that is logged on purpose. */
const MAX_DEPTH = 6;

/** Secrets are taken out by construction, by the field's name and by the shape of the text, whoever logs them. */
export function redact(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return value.replace(SECRET_TEXT, '[redacted]');
  if (value instanceof Error)
    return redact(
      { name: value.name, message: value.message, stack: value.stack, cause: value.cause },
      depth,
    );
  if (typeof value !== 'object' || value === null) return value;
  if (depth > MAX_DEPTH) return '[too deep]';
  if (Array.isArray(value)) return value.map((item) => redact(item, depth + 1));
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [
      name,
      SECRET_FIELD.test(name) && item != null ? '[redacted]' : redact(item, depth + 1),
    ]),
  );
}

/** JSON lines to the console, unless that is to be silent, and to `file` as well when one is named. */
export function createLogger(options: {
  level: string;
  file?: string;
  silent?: boolean;
}): Logger & { close(): void } {
  const transports: winston.transport[] = [
    new winston.transports.Console({ stderrLevels: [], silent: options.silent ?? false }),
  ];
  if (options.file)
    transports.push(
      new winston.transports.File({ filename: options.file, maxsize: 50 * 1024 * 1024, maxFiles: 5 }),
    );
  const log = winston.createLogger({
    level: options.level,
    format: winston.format.combine(winston.format.timestamp(), winston.format.json()),
    transports,
  });
  const write =
    (level: string) =>
    (event: string, fields: Record<string, unknown> = {}) => {
      log.log(level, event, redact(fields) as object);
    };
  return {
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
    close: () => void log.close(),
  };
}
