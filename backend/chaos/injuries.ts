import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { Member } from '../tests/support/fleet.js';
import type { TestNode } from '../tests/support/nodes.js';
import type { Injury } from './injury.js';
import type { Stage } from './stage.js';

/** A send's lease in milliseconds, with the settings of the stage. */
const LEASE_MS = 4000;
/** What nginx says when the process behind it is gone in the middle of a request, and what a client sees of nginx's end. */
const FRONT_DOOR = [502, 504];

async function kill(member: Member): Promise<() => Promise<void>> {
  await member.end('SIGKILL');
  // A claim that PostgreSQL was just carrying out is committed all the same.
  await delay(100);
  return () => member.start();
}

async function freeze(member: Member, ms: number): Promise<void> {
  member.signal('SIGSTOP');
  await delay(ms).finally(() => member.signal('SIGCONT'));
}

/** As a deployment does: told to end, told again for good measure, and started anew when it has ended. */
async function restart(member: Member): Promise<void> {
  member.signal('SIGTERM');
  const code = await member.end('SIGTERM');
  if (code !== 0) throw new Error(`${member.name} ended with ${code} after SIGTERM`);
  await member.start();
  // nginx asks a process that refused again after a second (nginx/upstreams.conf), and a deployment gives it that.
  await delay(1100);
}

/** Linux only. */
const childrenOf = (pid: number): number[] =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);

/** A fault of the node itself, for as long as it lasts. */
async function nodeFault(stage: Stage, node: TestNode, fault: { body: object; ms: number }): Promise<void> {
  await stage.nodes.call('/sandbox/faults', { method: 'POST', body: fault.body }, node.url);
  await delay(fault.ms);
  await stage.nodes.call('/sandbox/faults', { method: 'DELETE' }, node.url);
}

async function killNodes(nodes: readonly TestNode[], ms: number): Promise<void> {
  await Promise.all(nodes.map((node) => node.kill('SIGKILL')));
  await delay(ms);
  await Promise.all(nodes.map((node) => node.start()));
}

const processes: Injury[] = [
  {
    name: 'worker-killed',
    doubt: 'in flight',
    inflict: ({ fleet }, random) => kill(random.pick(fleet.workers)),
  },
  {
    name: 'worker-frozen',
    doubt: 'in flight',
    // Past its lease, and then it wakes: what it was sending may go out now, and is its last.
    inflict: ({ fleet }, random) => freeze(random.pick(fleet.workers), LEASE_MS + 1000 + random.below(1000)),
  },
  {
    name: 'worker-restarted',
    doubt: 'none',
    inflict: ({ fleet }, random) => restart(random.pick(fleet.workers)),
  },
  {
    name: 'api-killed',
    doubt: 'none',
    mayAnswer: FRONT_DOOR,
    inflict: ({ fleet }, random) => kill(random.pick(fleet.api)),
  },
  { name: 'api-restarted', doubt: 'none', inflict: ({ fleet }, random) => restart(random.pick(fleet.api)) },
  {
    name: 'nginx-worker-killed',
    doubt: 'none',
    // Nobody can answer for a worker of nginx that is gone in the middle of a request.
    mayAnswer: [0],
    inflict: async ({ fleet }) => {
      for (const pid of childrenOf(fleet.nginx.pid)) process.kill(pid, 'SIGKILL');
      await delay(100);
    },
  },
  {
    name: 'nginx-reloaded',
    doubt: 'none',
    // It closes the connections that idle; a request that is on its way on one at this moment is not read.
    mayAnswer: [0],
    inflict: async ({ fleet }) => {
      fleet.nginx.reload({});
      await delay(300);
    },
  },
];

const redis: Injury[] = [
  {
    name: 'redis-flushed',
    doubt: 'none',
    inflict: async ({ redis: it }) => void (await it.flush()),
  },
  {
    name: 'redis-killed',
    doubt: 'none',
    inflict: async ({ redis: it }, random) => {
      await it.kill();
      await delay(500 + random.below(1500));
      await it.start();
    },
  },
  {
    name: 'redis-frozen',
    doubt: 'none',
    inflict: async ({ redis: it }, random) => {
      it.freeze();
      await delay(1500 + random.below(1500)).finally(() => it.thaw());
    },
  },
  {
    name: 'redis-full',
    doubt: 'none',
    inflict: async ({ redis: it }, random) => {
      await it.fill();
      await delay(500 + random.below(1500));
      await it.empty();
    },
  },
  {
    name: 'redis-absent-at-start',
    doubt: 'none',
    inflict: async ({ redis: it, fleet }, random) => {
      await it.kill();
      await Promise.all([restart(random.pick(fleet.api)), restart(random.pick(fleet.workers))]);
      await it.start();
    },
  },
  {
    name: 'redis-silent',
    doubt: 'none',
    needs: ['proxied'],
    inflict: async ({ proxies }, random) => {
      proxies.redis!.silence();
      await delay(500 + random.below(1500));
      proxies.redis!.mend();
    },
  },
];

const postgres: Injury[] = [
  {
    name: 'postgres-backend-killed',
    doubt: 'in flight',
    needs: ['ownPostgres'],
    inflict: async ({ postgres: it }) => {
      await it!.killBackend();
      await delay(300);
    },
  },
  {
    name: 'postgres-crashed',
    doubt: 'in flight',
    needs: ['ownPostgres'],
    inflict: async ({ postgres: it }, random) => {
      await it!.crash();
      await delay(random.below(1000));
      await it!.start();
    },
  },
  {
    name: 'postgres-read-only',
    doubt: 'in flight',
    needs: ['ownPostgres'],
    inflict: async ({ postgres: it }, random) => {
      await it!.readOnly();
      await delay(500 + random.below(1000));
      await it!.writable();
    },
  },
  {
    name: 'postgres-exhausted',
    doubt: 'in flight',
    needs: ['ownPostgres'],
    inflict: async ({ postgres: it }, random) => {
      const giveBack = await it!.exhaust();
      await delay(500 + random.below(1000));
      await giveBack();
    },
  },
  {
    name: 'postgres-reset',
    doubt: 'in flight',
    needs: ['proxied'],
    inflict: async ({ proxies }, random) => {
      proxies.postgres!.cut();
      await delay(random.below(1000));
      proxies.postgres!.mend();
    },
  },
  {
    name: 'postgres-slow',
    doubt: 'none',
    needs: ['proxied'],
    inflict: async ({ proxies }, random) => {
      proxies.postgres!.slow(5 + random.below(20));
      await delay(1500);
      proxies.postgres!.mend();
    },
  },
  {
    name: 'postgres-half-open',
    doubt: 'in flight',
    needs: ['proxied'],
    inflict: async ({ proxies }) => {
      proxies.postgres!.halve();
      await delay(300);
    },
  },
];

const nodes: Injury[] = [
  {
    name: 'node-hung',
    doubt: 'in flight',
    inflict: (stage, random) =>
      nodeFault(stage, random.pick(stage.nodes.nodes), { body: { hang: true }, ms: 3000 }),
  },
  {
    name: 'node-502',
    doubt: 'in flight',
    inflict: (stage, random) =>
      nodeFault(stage, random.pick(stage.nodes.nodes), { body: { status: 502 }, ms: 1500 }),
  },
  {
    name: 'node-answers-lost',
    doubt: 'in flight',
    inflict: (stage, random) =>
      nodeFault(stage, random.pick(stage.nodes.nodes), { body: { reset: true, after: true }, ms: 1500 }),
  },
  {
    name: 'node-killed',
    doubt: 'in flight',
    inflict: (stage, random) => killNodes([random.pick(stage.nodes.nodes)], 500 + random.below(1000)),
  },
  {
    name: 'nodes-killed',
    doubt: 'in flight',
    inflict: (stage, random) => killNodes(stage.nodes.nodes, 500 + random.below(1000)),
  },
  {
    name: 'node-frozen',
    doubt: 'in flight',
    inflict: async (stage, random) => {
      const node = random.pick(stage.nodes.nodes);
      node.signal('SIGSTOP');
      await delay(3000).finally(() => node.signal('SIGCONT'));
    },
  },
  {
    name: 'node-reset',
    doubt: 'in flight',
    needs: ['proxied'],
    inflict: async ({ proxies }, random) => {
      const proxy = random.pick(proxies.nodes)!;
      proxy.cut();
      await delay(random.below(1000));
      proxy.mend();
    },
  },
  {
    name: 'node-silent',
    doubt: 'in flight',
    needs: ['proxied'],
    inflict: async ({ proxies }, random) => {
      const proxy = random.pick(proxies.nodes)!;
      proxy.silence();
      await delay(3000);
      proxy.mend();
    },
  },
];

/** Every fault of the table of reliability on processes, Redis, PostgreSQL, nodes and nginx that can be inflicted at will. */
export const injuries: readonly Injury[] = [...processes, ...redis, ...postgres, ...nodes];

/** @throws Error naming what there is */
export function injury(name: string): Injury {
  const found = injuries.find((one) => one.name === name);
  if (!found) throw new Error(`no fault ${name}; there are ${injuries.map((one) => one.name).join(', ')}`);
  return found;
}

/** Those that can be inflicted here. */
export const possible = ({ options }: Pick<Stage, 'options'>): Injury[] =>
  injuries.filter(({ needs = [] }) => needs.every((need) => options[need]));
