import type { RequestHandler } from 'express';
import type { Config } from '../config/env.js';
import type { Fault, FaultKind, Faults } from '../faults/faults.js';
import type { Registry } from '../node/registry.js';
import type { Instances } from '../store/instances.js';
import { sleep } from '../utils/time.js';
import { databaseError, nodeError } from './errors.js';
import { spoil } from './respond.js';

const CALL_FAULTS: readonly FaultKind[] = ['delayMs', 'hang', 'status', 'reset', 'die'];

const instanceIn = (path: string): string => {
  try {
    return decodeURIComponent(path.split('/')[3] ?? '');
  } catch {
    return '';
  }
};

/** Lays this node's faults on calls: before they are carried out, or on their answers. */
export const strike =
  (faults: Faults): RequestHandler =>
  async (req, res, next) => {
    if (req.path.startsWith('/sandbox')) return next();
    const fault: Fault | undefined = faults.take(CALL_FAULTS, {
      instance: instanceIn(req.path),
      path: req.path,
    });
    if (!fault) return next();
    if (fault.after) {
      res.locals['fault'] = fault;
      return next();
    }
    if (fault.delayMs) await sleep(fault.delayMs);
    if (!spoil(fault, res)) next();
  };

interface Needs {
  readonly config: Pick<Config, 'apiKey'>;
  readonly registry: Registry;
  readonly instances: Instances;
}

/** The order of real nodes: existence is checked before the key, so an unknown name is 404 even without one. */
export const createGuards = ({ config, registry, instances }: Needs) => {
  const unauthorized = nodeError(401, 'Unauthorized');

  const exists: RequestHandler = async (req, _res, next) => {
    const name = String(req.params['instanceName']);
    const found = await registry.exists(name).catch(() => {
      throw databaseError('prismaRepository.instance.findMany()', 'list');
    });
    if (!found) throw nodeError(404, [`The "${name}" instance does not exist`]);
    next();
  };
  const tokenOf = async (name: string): Promise<string | null> =>
    registry.held.get(name)?.token ?? (await instances.findByName(name))?.token ?? null;
  const instanceKey: RequestHandler = async (req, _res, next) => {
    const key = req.get('apikey');
    if (!key) throw unauthorized;
    if (key !== config.apiKey && key !== (await tokenOf(String(req.params['instanceName']))))
      throw unauthorized;
    next();
  };
  const globalKey: RequestHandler = (req, _res, next) => {
    if (req.get('apikey') !== config.apiKey) throw unauthorized;
    next();
  };
  return { ofInstance: [exists, instanceKey], globalKey, unauthorized };
};

export type Guards = ReturnType<typeof createGuards>;
