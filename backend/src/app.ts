import cors from 'cors';
import express, { type Express, type RequestHandler, type Router } from 'express';
import helmet from 'helmet';
import { audit, type Auditor } from './middleware/audit.js';
import { authenticate, unlessLinked, type Identify } from './middleware/authenticate.js';
import { jsonBody, nodeBody } from './middleware/body.js';
import { context, matched, type AccessLog } from './middleware/context.js';
import { docs } from './middleware/docs.js';
import { errors, methodNotAllowed, notFound } from './middleware/error.js';
import { uploads, type UploadTaker } from './middleware/upload.js';
import {
  createLimits,
  type IsKnownPlace,
  type Limits,
  type RateLimits,
  type StoreFactory,
} from './middleware/rate-limit.js';
import { validate } from './middleware/validate.js';
import { hasBody, type Caller, type Endpoint, type Req } from './utils/endpoint.js';
import { limitedTo } from './utils/limited.js';
import { openapi, type Announcement } from './utils/openapi.js';

export interface AppConfig {
  version: string;
  /** Origins that browsers may call from; empty: only our own. */
  corsOrigins: string[];
  /** As Express takes it: `loopback`, addresses, networks, or the number of proxies. */
  trustProxy: string;
  /** Bytes. */
  jsonLimit: number;
  /** The public address, named in the documents. */
  serverUrl: string;
  /** What webhooks receive, for the documents. */
  announcements?: readonly Announcement[];
  rateLimits: RateLimits;
}

export interface Frame {
  endpoints: Endpoint[];
  identify: Identify;
  config: AppConfig;
  logger: AccessLog;
  /** Keeps who did what; nothing is kept without it. */
  auditor?: Auditor;
  /** Where limits are counted; in this process when absent. */
  limitStore?: StoreFactory;
  isKnownPlace?: IsKnownPlace;
  /** Takes the files of forms, of at most so many bytes; without it no form is taken. */
  files?: { taker: UploadTaker; limit: number };
}

/** A node posts media inside its JSON. */
const NODE_BODY_LIMIT = 64 * 1024 * 1024;

/** The public listener. */
export function createApp(frame: Frame): Express {
  const { endpoints, identify, config, logger, limitStore, files, auditor } = frame;
  const app = bare(config.trustProxy);
  const limits = createLimits(config.rateLimits, limitStore, frame.isKnownPlace);
  const router = express.Router({ caseSensitive: true });

  app.use(context(logger));
  app.use(helmet({ contentSecurityPolicy: { useDefaults: false, directives: { defaultSrc: ["'none'"] } } }));
  app.use(cors(corsOptions(config.corsOrigins)));
  app.use('/api-docs', docs(openapi(endpoints, config)));
  const upload = files && uploads(files.taker, { file: files.limit, field: config.jsonLimit });
  mount(router, endpoints, (row) =>
    chain(row, { identify, limits, jsonLimit: config.jsonLimit, upload, auditor }),
  );
  app.use(router);
  app.use(limits.general, notFound);
  app.use(errors(logger));
  return app;
}

/** The internal listener: what nodes post. Handlers check the sender themselves; nothing is counted. */
export function createInboundApp({ endpoints, logger }: Pick<Frame, 'endpoints' | 'logger'>): Express {
  const app = bare('loopback');
  const router = express.Router({ caseSensitive: true });

  app.use(context(logger));
  mount(router, endpoints, (row) => [
    matched(row),
    ...nodeBody(NODE_BODY_LIMIT),
    validate(row),
    handler(row),
  ]);
  app.use(router, notFound);
  app.use(errors(logger));
  return app;
}

function bare(trustProxy: string): Express {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.set('query parser', 'simple');
  app.set('trust proxy', /^\d+$/.test(trustProxy) ? Number(trustProxy) : trustProxy);
  return app;
}

const corsOptions = (origins: string[]): cors.CorsOptions => ({
  origin: origins.length > 0 ? origins : false,
  exposedHeaders: [
    'Location',
    'Link',
    'X-Request-Id',
    'Retry-After',
    'RateLimit',
    'RateLimit-Policy',
    'Idempotent-Replayed',
  ],
  maxAge: 600,
});

/**
 * Nothing beyond the caller's phones is in reach of what a handler does. Set around the handler itself, since what reads a
 * body goes on in the context of its connection.
 */
const handler =
  (row: Endpoint): RequestHandler =>
  (request, res) => {
    const req = request as Req;
    const caller = req.caller as Caller | undefined;
    return limitedTo(caller?.phoneIds ?? null, () => row.handler(req, res));
  };

/** What a request of a row passes, in order; cheap refusals come before anything is read. */
function chain(
  row: Endpoint,
  frame: {
    identify: Identify;
    limits: Limits;
    jsonLimit: number;
    upload: RequestHandler | undefined;
    auditor: Auditor | undefined;
  },
): RequestHandler[] {
  const { general, own } = frame.limits;
  const count: RequestHandler = row.limit === 'none' ? (_req, _res, next) => next() : general;
  const checks = authenticate(row.access, frame.identify, count);
  return [
    matched(row),
    ...(row.isLinked ? unlessLinked(checks, count) : checks),
    ...(row.upload && frame.upload ? [frame.upload] : []),
    ...(hasBody(row) ? jsonBody(Math.max(row.bodyLimit ?? 0, frame.jsonLimit)) : []),
    validate(row),
    ...own[row.limit ?? 'none'],
    ...(frame.auditor ? audit(row, frame.auditor) : []),
    handler(row),
  ];
}

/** `/api` is version 1, and `/api/v1` its other name. */
const pathsOf = (path: string): string[] =>
  path.startsWith('/api/') ? [path, path.replace('/api/', '/api/v1/')] : [path];

/** Fixed names before parameters, so that `/phones/search` is not taken for an id. */
const bySpecificity = (a: Endpoint, b: Endpoint): number => {
  const rank = ({ path }: Endpoint) => path.replace(/:[^/]+/g, '\uFFFF');
  return rank(a) < rank(b) ? -1 : rank(a) > rank(b) ? 1 : 0;
};

function mount(router: Router, rows: Endpoint[], chainOf: (row: Endpoint) => RequestHandler[]): void {
  for (const row of [...rows].sort(bySpecificity)) router[row.method](pathsOf(row.path), ...chainOf(row));
  for (const path of new Set(rows.map((row) => row.path))) {
    router.all(pathsOf(path), methodNotAllowed(rows.filter((row) => row.path === path)));
  }
}
