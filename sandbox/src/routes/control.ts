import { Router } from 'express';
import type { Config } from '../config/env.js';
import type { Fault, Faults } from '../faults/faults.js';
import { handle } from '../http/respond.js';
import { NodeError, type Answer } from '../http/errors.js';
import type { Inbound, InboundRequest } from '../node/inbound.js';
import type { Pairing } from '../node/pairing.js';
import type { Registry } from '../node/registry.js';
import type { Instances } from '../store/instances.js';
import { kicked, unreachable } from '../node/endings.js';
import type { Instance } from '../node/instance.js';
import { behaviours } from '../network/behaviours.js';
import type { Ledger } from '../network/ledger.js';
import type { Network } from '../network/network.js';
import { asObject, type Json } from '../utils/json.js';
import { CONTROL, FAULTS } from './manual.js';

interface Needs {
  readonly config: Config;
  readonly faults: Faults;
  readonly registry: Registry;
  readonly instances: Instances;
  readonly pairing: Pairing;
  readonly network: Network;
  readonly ledger: Ledger;
  readonly inbound: Inbound;
}

const problem = (status: number, message: string): NodeError => new NodeError(status, { status, message });

const digits = (value: unknown): string => String(value ?? '').replace(/\D/g, '');

/** The instances in a fault's scope that this process holds. */
const inScope = ({ registry }: Needs, { instance }: Partial<Fault>): Instance[] =>
  instance === undefined
    ? [...registry.held.values()]
    : [registry.held.get(instance)].filter((one) => one !== undefined);

/** Faults that strike at once: a phone that unlinks its devices, an account that is banned, a socket that is taken over. */
const strikeNow = async (needs: Needs, fault: Partial<Fault> & { logout?: number }): Promise<void> => {
  for (const { client, ...instance } of inScope(needs, fault)) {
    if (!client) continue;
    if (fault.logout && client.creds.deviceKey) {
      if (fault.logout === 403)
        await needs.network.setAccount(String(client.creds.me?.id.split(':')[0]), { banned: true });
      await needs.network.remove(client.creds.deviceKey, fault.logout);
    }
    if (fault.replaced && instance.state === 'open') client.end(kicked(440));
    if (fault.unreachable && instance.state === 'open') client.end(unreachable);
  }
};

const die = (): void => {
  setTimeout(() => process.kill(process.pid, 'SIGKILL'), 20);
};

const addFault = async (needs: Needs, body: Json): Promise<Answer> => {
  const fault = body as unknown as Omit<Fault, 'id'> & { logout?: number };
  const unknown = Object.keys(body).filter((key) => !(key in FAULTS));
  if (unknown.length > 0) throw problem(400, `no such fault or scope: ${unknown.join(', ')}`);
  if (fault.logout !== undefined && ![401, 403].includes(fault.logout))
    throw problem(400, 'logout must be 401 or 403');
  if (fault.instance !== undefined && !needs.registry.held.has(fault.instance)) {
    const row = await needs.instances.findByName(fault.instance);
    throw problem(
      409,
      `${needs.config.name} does not hold ${fault.instance}; ${row?.clientName ?? 'nobody'} does`,
    );
  }
  if (fault.die && !fault.calls) die();
  await strikeNow(needs, fault);
  return keep(needs, fault);
};

/** What has struck once and for all is not kept; of `replaced` with a count, the strikes to come, each when it opens again. */
const keep = ({ faults }: Needs, { logout, ...fault }: Omit<Fault, 'id'> & { logout?: number }): Answer => {
  const isOnce = logout !== undefined || (fault.replaced !== undefined && (fault.count ?? 1) <= 1);
  if (isOnce) return [201, { logout, ...fault }];
  const count = fault.replaced ? fault.count! - 1 : fault.wrongNumberScan ? (fault.count ?? 1) : fault.count;
  return [201, faults.add({ ...fault, ...(count === undefined ? {} : { count }) }) as unknown as Json];
};

const describe = ({ config, registry }: Needs): Json => {
  const { apiKey: _key, databaseUrl: _database, redisUrl: _redis, metrics: _metrics, ...settings } = config;
  return {
    name: config.name,
    instances: registry.held.size,
    behaviours,
    control: CONTROL,
    faults: FAULTS,
    settings,
  };
};

const inboundOf = async (needs: Needs, body: Json): Promise<InboundRequest> => {
  const named =
    body['instance'] === undefined ? undefined : needs.registry.held.get(String(body['instance']));
  const to = digits(body['to'] ?? named?.wuid?.split('@')[0]);
  if (!to) throw problem(400, 'to (a number) or instance (held by this node and paired) is required');
  if (!body['from'] && !body['fromMe']) throw problem(400, 'from is required');
  if ((await needs.network.devicesOf(to)).length === 0) throw problem(404, `no device is linked to ${to}`);
  return { ...(body as unknown as InboundRequest), to, from: digits(body['from'] ?? to) };
};

/** The simulation's own controls; they answer on every node and need no key, as the node listens on loopback only. */
export const controlRoutes = (needs: Needs): Router =>
  Router()
    .get('/', handle(() => [200, describe(needs)]))
    .post('/inbound', handle(async ({ body }) => {
      const request = await inboundOf(needs, asObject(body));
      try {
        return [201, await needs.inbound(request)];
      } catch (error) {
        throw /^no such type/.test((error as Error).message) ? problem(400, (error as Error).message) : error;
      }
    }))
    .get('/ledger', handle(async ({ query }) => [200, await needs.ledger.list(query as Record<string, string>)]))
    .get('/faults', handle(() => [200, needs.faults.list() as unknown as Json[]]))
    .post('/faults', handle(({ body }) => addFault(needs, asObject(body))))
    .delete('/faults', handle(() => [200, needs.faults.remove() as unknown as Json[]]))
    .delete('/faults/:id', handle((req) => [200, needs.faults.remove(String(req.params['id'])) as unknown as Json[]]))
    .post('/scan', handle(async ({ body }) => {
      const { instance: name, number } = asObject(body);
      const instance = needs.registry.held.get(String(name));
      if (!instance) throw problem(409, `${needs.config.name} does not hold ${String(name)}`);
      const paired = await needs.pairing.scan(instance, digits(number ?? instance.number));
      if (!paired) throw problem(409, 'no code is shown, or the number is banned');
      return [201, { paired: true }];
    }))
    .post('/accounts', handle(async ({ body }) => {
      const { number, online, banned } = asObject(body) as { number: string; online?: boolean; banned?: boolean };
      if (!digits(number)) throw problem(400, 'number is required');
      const facts = { ...(online === undefined ? {} : { online }), ...(banned === undefined ? {} : { banned }) };
      return [200, await needs.network.setAccount(digits(number), facts)];
    }))
    .get('/devices/:number', handle(async (req) => [200, await needs.network.devicesOf(digits(req.params['number']))])); // prettier-ignore
