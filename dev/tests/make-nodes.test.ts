import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { composedNodes, nodeFiles, withServers } from '../src/make-nodes.js';
import { renderUpstreams } from '../src/nginx.js';
import { root } from '../src/settings.js';
import { ask, closeDoors, door, upstream } from './support/door.js';

closeDoors();

const read = (path: string): string => readFileSync(`${root}/${path}`, 'utf8');
const LIST = 'docker-compose.common.yml';
/** The list with a third node: the one line that is changed. */
const withThree = (path: string): string =>
  path === LIST
    ? read(path).replace(/(EVOLUTION_NODES: .*)/, '$1,node-3=http://evolution-api-3:3000')
    : read(path);

describe('npm run nodes', () => {
  it('what is committed › is what it writes', () => {
    for (const [path, text] of Object.entries(nodeFiles(read)))
      expect([path, text]).toEqual([path, read(path)]);
  });

  it('a third node in the one line › has its containers and its place in both upstreams; the rest stays', () => {
    const files = nodeFiles(withThree);
    for (const path of ['docker-compose.yml', 'docker-compose.prod.yml']) {
      expect(files[path]).toContain(
        "  evolution-api-3:\n    <<: *node\n    environment: { DATABASE_CONNECTION_CLIENT_NAME: node-3 }\n    ports: ['127.0.0.1:8083:3000']\n\n  migrate:",
      );
      expect(files[path]!.replace(/ {2}evolution-api-3:\n(?: {4}.*\n)+\n/, '')).toBe(read(path));
    }
    for (const path of ['nginx/upstreams.conf', 'nginx/prod/upstreams.conf']) {
      const line = '    server evolution-api-3:3000 max_fails=3 fail_timeout=30s resolve;\n';
      expect(files[path]!.replace(line, '')).toBe(read(path));
      expect(files[path]).toContain(line);
    }
  });

  it('three nodes behind a real nginx › each is asked; one that is away is passed over', async () => {
    const three = await Promise.all([upstream(), upstream(), upstream()]);
    const { internal } = await door({ nodes: three.map(({ address }) => address) });
    for (let n = 0; n < 30; n += 1)
      expect((await ask(internal, '/instance/fetchInstances')).status).toBe(200);
    for (const { seen } of three) expect(seen.length).toBeGreaterThan(0);
  });

  it('its upstreams › as development renders them › have every server of the list', () => {
    const nodes = composedNodes(withThree(LIST));
    const addresses = ['127.0.0.1:1', '127.0.0.1:2', '127.0.0.1:3'];
    const rendered = renderUpstreams(withServers(read('nginx/upstreams.conf'), nodes), {
      evolution_backend: addresses,
      gateway: ['127.0.0.1:4'],
      gateway_sockets: ['127.0.0.1:4'],
      gateway_inbound: ['127.0.0.1:5'],
    });
    for (const address of addresses)
      expect(rendered).toContain(`server ${address} max_fails=3 fail_timeout=30s;`);
  });

  it('a list that cannot be read › says which pair', () => {
    expect(() => composedNodes('      EVOLUTION_NODES: node-1=nowhere\n')).toThrow(/"node-1=nowhere"/);
    expect(() => composedNodes('nothing')).toThrow(/has no EVOLUTION_NODES/);
  });
});
