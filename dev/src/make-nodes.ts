import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { root } from './settings.js';

/** A node as compose runs it: `host:port` among the containers, and its client name. */
interface ComposedNode {
  name: string;
  host: string;
  port: string;
}

/** Where the nodes of compose are listed: one line, of which all else is written. */
const LIST = 'docker-compose.common.yml';
const COMPOSED = ['docker-compose.yml', 'docker-compose.prod.yml'];
const UPSTREAMS = ['nginx/upstreams.conf', 'nginx/prod/upstreams.conf'];
/** The first node's port on the host; the next ones follow. */
const FIRST_PORT = 8081;

/** The one list. Throws for one that is missing or cannot be read. */
export function composedNodes(common: string): ComposedNode[] {
  const list = /^ +EVOLUTION_NODES: (.+)$/m.exec(common)?.[1];
  if (!list) throw new Error(`${LIST} has no EVOLUTION_NODES`);
  return list.split(',').map((pair) => {
    const [, name, host, port] = /^([\w.-]+)=http:\/\/([\w.-]+):(\d+)$/.exec(pair.trim()) ?? [];
    if (!name || !host || !port) throw new Error(`${LIST}: "${pair}" is not name=http://host:port`);
    return { name, host, port };
  });
}

const service = ({ name, host, port }: ComposedNode, index: number): string => `  ${host}:
    <<: *node
    environment: { DATABASE_CONNECTION_CLIENT_NAME: ${name} }
    ports: ['127.0.0.1:${FIRST_PORT + index}:${port}']
`;

/** A compose file with these nodes in place of those it has. */
export const withServices = (compose: string, nodes: readonly ComposedNode[]): string =>
  compose.replace(/( {2}[\w-]+:\n {4}<<: \*node\n(?: {4}.*\n)*\n?)+/, `${nodes.map(service).join('\n')}\n`);

/** nginx's upstreams with these nodes in place of those they have. */
export const withServers = (upstreams: string, nodes: readonly ComposedNode[]): string =>
  upstreams.replace(
    /(upstream evolution_backend \{\n +least_conn;\n)(?: +server .*\n)+/,
    (_all, head: string) =>
      head +
      nodes
        .map(({ host, port }) => `    server ${host}:${port} max_fails=3 fail_timeout=30s resolve;\n`)
        .join(''),
  );

/** Every file that follows from the list, by its path from the root. */
export function nodeFiles(read: (path: string) => string): Record<string, string> {
  const nodes = composedNodes(read(LIST));
  return Object.fromEntries([
    ...COMPOSED.map((path) => [path, withServices(read(path), nodes)]),
    ...UPSTREAMS.map((path) => [path, withServers(read(path), nodes)]),
  ]);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const files = nodeFiles((path) => readFileSync(`${root}/${path}`, 'utf8'));
  for (const [path, text] of Object.entries(files)) writeFileSync(`${root}/${path}`, text);
  console.log(`written: ${Object.keys(files).join(', ')}`);
}
