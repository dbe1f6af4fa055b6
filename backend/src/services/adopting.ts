import type { EvolutionClient, NodePhone } from '../clients/evolution.client.js';
import type { Wake } from '../clients/wake.js';
import type { Models, Tenancy } from '../models/index.js';
import type { Node } from '../models/node.js';
import { randomToken, sha256 } from '../utils/crypto.js';
import { toE164 } from '../utils/number.js';
import { Problem } from '../utils/problem.js';
import { done } from './reach.js';

export interface Adoptable {
  name: string;
  /** Null while nothing is paired there: then there is nothing to adopt. */
  phoneNumber: string | null;
  profileName: string | null;
  isOpen: boolean;
  /** It is a phone of this gateway already. */
  isOurs: boolean;
}
export interface Adoption {
  name: string;
  userId: number;
  deviceName?: string;
}
export interface Adopted {
  name: string;
  phoneId: number | null;
  /** Why it was not adopted. */
  fault: string | null;
}

export type Adopting = ReturnType<typeof createAdopting>;

/**
 * Takes over numbers that are paired on a node already, without a QR (contract, "Adopting what is there"). They keep their
 * name and their node: the name there is the placement's id, so that every call finds them as it finds all others.
 */
export function createAdopting(deps: {
  tenancy: Pick<Tenancy, 'inTenant' | 'shared'>;
  evolution: Pick<EvolutionClient, 'phones' | 'settings'>;
  wake: Pick<Wake, 'hint'>;
}) {
  const { tenancy, evolution, wake } = deps;
  const { nodes, credentials } = tenancy.shared;

  async function nodeOf(id: number): Promise<Node> {
    const node = (await nodes.list()).find((one) => one.id === id);
    if (!node) throw new Problem('not_found', `There is no node ${id}`);
    return node;
  }

  const numberOf = ({ owner }: NodePhone): string | null => owner && toE164(owner);

  /** The rows of a phone that is there already: the next look tells its node where to post, and finds it open. */
  async function take(
    models: Models,
    node: Node,
    wanted: { there: NodePhone; number: string } & Adoption,
  ): Promise<Adopted> {
    const { there, userId, number, name } = wanted;
    const refuse = (fault: string): Adopted => ({ name, phoneId: null, fault });
    if (!(await models.users.findSecrets(userId))) return refuse(`there is no user ${userId}`);
    if (await models.phones.isTaken(userId, number)) return refuse('another user has this number');
    const phone = await models.phones.create({
      userId,
      phoneNumber: number,
      deviceName: wanted.deviceName ?? there.profileName ?? number,
      webhookUrl: null,
      token: sha256(randomToken()),
    });
    if (!phone) return refuse(`user ${userId} has this number already`);
    const settings = await evolution.settings({ nodeUrl: node.url, placementId: name });
    if (settings.kind === 'ok' && settings.value)
      await models.phones.setAdopted(phone.id, { settings: settings.value });
    await models.lanes.setOpen(userId, phone.id, false);
    await models.checks.ask(userId, phone.id);
    const secretHash = sha256(randomToken());
    await models.placements.create({ id: name, userId, phoneId: phone.id, nodeId: node.id, secretHash });
    await models.placements.setAdopted(name);
    return { name, phoneId: phone.id, fault: null };
  }

  return {
    /** What a node holds. Problems: not_found, unavailable. */
    async list(id: number): Promise<Adoptable[]> {
      const node = await nodeOf(id);
      const there = done(await evolution.phones(node.url));
      return Promise.all(
        there.map(async (one) => ({
          name: one.name,
          phoneNumber: numberOf(one),
          profileName: one.profileName,
          isOpen: one.isOpen,
          isOurs: (await credentials.findByPlacement(one.name)) !== null,
        })),
      );
    },

    /** Each by itself, and nothing is done twice. Problems: not_found, unavailable. */
    async adopt(id: number, wanted: readonly Adoption[]): Promise<Adopted[]> {
      const node = await nodeOf(id);
      const there = new Map(done(await evolution.phones(node.url)).map((one) => [one.name, one]));
      const results: Adopted[] = [];
      for (const one of wanted) {
        const found = there.get(one.name);
        const number = found ? numberOf(found) : null;
        const refuse = (fault: string) => results.push({ name: one.name, phoneId: null, fault });
        if (!found) refuse(`${node.name} holds nothing of this name`);
        else if (!number) refuse('no number is paired there');
        else if (await credentials.findByPlacement(one.name)) refuse('it was adopted already');
        else
          results.push(
            await tenancy.inTenant(one.userId, (models) =>
              take(models, node, { ...one, there: found, number }),
            ),
          );
      }
      wake.hint('check');
      return results;
    },
  };
}
