import express, { type RequestHandler, type Router } from 'express';
import helmet from 'helmet';
import swaggerUi from 'swagger-ui-express';
import { problemPage } from '../utils/problem-page.js';

/** Swagger UI styles elements inline; scripts are files of its own, and none may be made from text. */
const policy = helmet.contentSecurityPolicy({
  useDefaults: false,
  directives: {
    defaultSrc: ["'none'"],
    scriptSrc: ["'self'"],
    styleSrc: ["'self'", "'unsafe-inline'"],
    imgSrc: ["'self'", 'data:'],
    fontSrc: ["'self'", 'data:'],
    connectSrc: ["'self'"],
    baseUri: ["'none'"],
    formAction: ["'none'"],
    frameAncestors: ["'none'"],
  },
});

const fresh: RequestHandler = (_req, res, next) => {
  res.setHeader('Cache-Control', 'no-cache');
  next();
};

/** `/` Swagger UI from our own files · `/openapi.json` · `/problems`, where the `type` of every Problem leads. */
export function docs(document: object): Router {
  const router = express.Router();
  const page = problemPage();
  const options = {
    swaggerOptions: { url: './openapi.json', persistAuthorization: false, tryItOutEnabled: true },
  };
  router.use(fresh, policy);
  router.get('/openapi.json', (_req, res) => void res.json(document));
  router.get('/problems', (_req, res) => void res.type('html').send(page));
  router.use(swaggerUi.serveFiles(undefined, options), swaggerUi.setup(undefined, options));
  return router;
}
