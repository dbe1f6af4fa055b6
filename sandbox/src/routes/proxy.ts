import { Router } from 'express';
import { badRequest } from '../http/errors.js';
import type { Guards } from '../http/middleware.js';
import { handle } from '../http/respond.js';
import { validate, type Schema } from '../http/schema.js';
import type { Registry } from '../node/registry.js';
import type { Proxies, ProxyInput } from '../store/proxies.js';
import type { Json } from '../utils/json.js';

interface Needs {
  readonly guards: Guards;
  readonly registry: Registry;
  readonly proxies: Proxies;
}

const TEXT: Schema = { type: 'string' };
const PROXY: Schema = {
  type: 'object',
  required: ['enabled', 'host', 'port', 'protocol'],
  properties: {
    enabled: { type: 'boolean' },
    host: { type: 'string', minLength: 1, description: 'The "host" cannot be empty' },
    port: { type: 'string', minLength: 1, description: 'The "port" cannot be empty' },
    protocol: { type: 'string', minLength: 1, description: 'The "protocol" cannot be empty' },
    username: TEXT,
    password: TEXT,
  },
};
/** A proxy that cannot be reached: a real node tries it, and there is no internet here. */
const DEAD_PORT = '1';
const NONE = { host: '', port: '', protocol: '', username: '', password: '' };

/** Not recorded: from `proxy.controller.ts` of the real nodes. */
export const proxyRoutes = ({ guards, registry, proxies }: Needs): Router =>
  Router()
    .post(
      '/set/:instanceName',
      guards.ofInstance,
      handle(async (req) => {
        const body = validate(req.body, PROXY) as Json & ProxyInput;
        const { id, name } = registry.get(String(req.params['instanceName']), 'setProxy');
        if (body.enabled && body.port === DEAD_PORT) throw badRequest('Invalid proxy');
        const proxy = body.enabled ? body : { ...NONE, enabled: false };
        await proxies.save(id, proxy);
        return [201, { proxy: { instanceName: name, proxy } }];
      }),
    )
    .get(
      '/find/:instanceName',
      guards.ofInstance,
      handle(async (req) => {
        const instance = registry.held.get(String(req.params['instanceName']));
        return [200, instance ? ((await proxies.find(instance.id)) as unknown as Json) : null];
      }),
    );
