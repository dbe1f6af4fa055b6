import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

/** Whether an address is in one of the networks (CIDRs); null: from anywhere. An IPv4 one may come as a mapped IPv6 one. */
export function isFromThere(address: string | undefined, networks: readonly string[] | null): boolean {
  if (networks === null) return true;
  if (!address || !ipaddr.isValid(address)) return false;
  const from = ipaddr.process(address);
  return networks.some((network) => {
    const [base, bits] = ipaddr.parseCIDR(network);
    return base.kind() === from.kind() && from.match([base, bits] as never);
  });
}

/**
 * An address or a network as PostgreSQL has it (`203.0.113.7/32`); null: it is none, or names a host in its network, or a
 * zone. An IPv4 address that is written as an IPv6 one is that IPv4 address.
 */
export function readNetwork(text: string): string | null {
  const [address = '', bits, ...rest] = text.split('/');
  // Not what ipaddr.js takes as well: 1.2.3, 0x7f.1, a zone.
  if (rest.length > 0 || address.includes('%') || isIP(address) === 0) return null;
  const isLong = ipaddr.parse(address).kind() === 'ipv6';
  const base = ipaddr.process(address);
  const most = base.kind() === 'ipv6' ? 128 : 32;
  if (bits === undefined) return `${base.toNormalizedString()}/${most}`;
  // A mapped network is one of IPv6, in which nobody is seen to be.
  const isMapped = isLong && most === 32;
  if (isMapped || !/^(0|[1-9]\d{0,2})$/.test(bits) || Number(bits) > most) return null;
  const cidr = `${base.toNormalizedString()}/${bits}`;
  const network =
    most === 32 ? ipaddr.IPv4.networkAddressFromCIDR(cidr) : ipaddr.IPv6.networkAddressFromCIDR(cidr);
  return network.toNormalizedString() === base.toNormalizedString() ? cidr : null;
}

/** An address as proxies may write it, with a port, brackets or a zone; undefined: it is none. */
export function plainAddress(text: string | undefined): string | undefined {
  const [, inBrackets] = /^\[([^\]]+)\](?::\d+)?$/.exec(text ?? '') ?? [];
  const [, withPort] = /^(\d+\.\d+\.\d+\.\d+):\d+$/.exec(text ?? '') ?? [];
  const address = (inBrackets ?? withPort ?? text ?? '').split('%')[0]!;
  return isIP(address) === 0 ? undefined : address;
}

/** Whether networks (CIDRs; null: everywhere) lie in others. */
export const areWithin = (networks: readonly string[] | null, others: readonly string[]): boolean =>
  networks !== null &&
  networks.every((network) => {
    const [base, bits] = ipaddr.parseCIDR(network);
    return others.some((other) => {
      const [from, most] = ipaddr.parseCIDR(other);
      return base.kind() === from.kind() && bits >= most && base.match([from, most] as never);
    });
  });

/** Whether a proxy at an address, so many hops away, is believed. */
export type Trust = (address: string, hops: number) => boolean;

/** Who asks, behind proxies that are believed: the nearest address that is none of theirs (as Express finds `req.ip`). */
export function clientAddress(
  { remote, forwarded }: { remote: string; forwarded: string | string[] | undefined },
  trust: Trust,
): string | undefined {
  const named = String(forwarded ?? '')
    .split(',')
    .map((one) => one.trim())
    .filter(Boolean);
  const hops = [remote, ...named.reverse()];
  const from = hops.findIndex((address, i) => !trust(address, i));
  return plainAddress(from === -1 ? hops.at(-1) : hops[from]);
}
