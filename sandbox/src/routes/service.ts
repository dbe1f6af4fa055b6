import { Router } from 'express';
import type { Config } from '../config/env.js';
import type { Guards } from '../http/middleware.js';
import { handle } from '../http/respond.js';
import type { Registry } from '../node/registry.js';

const VERSION = '2.3.6';

const label = (value: string): string =>
  value.replace(/\\/g, '\\\\').replace(/"/g, '\\"').replace(/\n/g, '\\n');

/** Prometheus text: which instances this process really holds, and how they are. */
const metrics = ({ config, registry }: { config: Config; registry: Registry }): string =>
  [
    '# HELP evolution_environment_info Environment information',
    '# TYPE evolution_environment_info gauge',
    `evolution_environment_info{version="${VERSION}",clientName="${label(config.name)}",serverUrl="${label(config.serverUrl)}"} 1`,
    '# HELP evolution_instances_total Total number of instances',
    '# TYPE evolution_instances_total gauge',
    `evolution_instances_total ${registry.held.size}`,
    '# HELP evolution_instance_up 1 if instance state is open, else 0',
    '# TYPE evolution_instance_up gauge',
    '# HELP evolution_instance_state Instance state as a labelled metric',
    '# TYPE evolution_instance_state gauge',
    ...[...registry.held.values()].flatMap(({ name, state }) => [
      `evolution_instance_up{instance="${label(name)}",integration="WHATSAPP-BAILEYS"} ${state === 'open' ? 1 : 0}`,
      `evolution_instance_state{instance="${label(name)}",integration="WHATSAPP-BAILEYS",state="${state}"} 1`,
    ]),
    '',
  ].join('\n');

export const serviceRoutes = (needs: { config: Config; guards: Guards; registry: Registry }): Router => {
  const { config, guards } = needs;
  const expected = `Basic ${Buffer.from(`${config.metrics.user}:${config.metrics.password}`).toString('base64')}`;
  return Router()
    .get(
      '/',
      handle(() => [
        200,
        {
          status: 200,
          message: 'Welcome to the Evolution API, it is working!',
          version: VERSION,
          clientName: config.name,
          manager: `${config.serverUrl}/manager`,
          documentation: 'https://doc.evolution-api.com',
          whatsappWebVersion: '2.3000.1027934701',
        },
      ]),
    )
    .post(
      '/verify-creds',
      guards.globalKey,
      handle(() => [200, { status: 200, message: 'Credentials are valid' }]),
    )
    .get('/metrics', (req, res) => {
      if (req.get('authorization') !== expected)
        return void res
          .status(401)
          .set('WWW-Authenticate', 'Basic realm="Evolution Metrics"')
          .send('Authentication required');
      res.set('content-type', 'text/plain; version=0.0.4; charset=utf-8').send(metrics(needs));
    });
};
