import type { AxiosResponse } from 'axios';
import type { Look } from './evolution.look.js';
import { isObject, object, text } from './evolution.value.js';

/** Something that a node holds, by its name there. */
export interface NodePhone {
  name: string;
  /** The number that is paired, as E.164; null where none is. */
  owner: string | null;
  profileName: string | null;
  isOpen: boolean;
}

export interface NodeAbout {
  version: string | null;
  /** Rows of the shared database with this name are this node's; two nodes with one name fight for ever. */
  clientName: string | null;
}

interface Door {
  get(url: string, more?: { auth?: { username: string; password: string } }): Promise<AxiosResponse>;
  look<T>(call: Promise<AxiosResponse>, read: (body: unknown) => T): Promise<Look<T>>;
  metrics: { username: string; password: string };
}

const phoneOf = (row: unknown): NodePhone | null => {
  const { name, ownerJid, profileName, connectionStatus } = object(row);
  const jid = text(ownerJid);
  const named = text(name);
  return named === null
    ? null
    : {
        name: named,
        owner: jid && `+${jid.replace(/[:@].*$/, '')}`,
        profileName: text(profileName),
        isOpen: connectionStatus === 'open',
      };
};

/** What a node says of itself. */
export const nodeCalls = ({ get, look, metrics }: Door) => ({
  /** All that it holds; dear, as the node counts every message of each. Recorded: instance_fetchInstances.json. */
  phones: (nodeUrl: string): Promise<Look<NodePhone[]>> =>
    look(get(`${nodeUrl}/instance/fetchInstances`), (body) =>
      (Array.isArray(body) ? body : []).filter(isObject).flatMap((row) => phoneOf(row) ?? []),
    ),

  /** To be asked rarely: the node calls out to the internet for it. Recorded: get_root.json. */
  about: (nodeUrl: string): Promise<Look<NodeAbout>> =>
    look(get(`${nodeUrl}/`), (body) => {
      const { version, clientName } = object(body);
      return { version: text(version), clientName: text(clientName) };
    }),

  /** How many its process really holds; null where its metrics are off or not to be had. Recorded: metrics.json. */
  async heldCount(nodeUrl: string): Promise<number | null> {
    if (!metrics.username) return null;
    const count = await look(get(`${nodeUrl}/metrics`, { auth: metrics }), (body) =>
      /^evolution_instances_total (\d+)$/m.exec(String(body)),
    );
    return count.kind === 'ok' && count.value ? Number(count.value[1]) : null;
  },
});
