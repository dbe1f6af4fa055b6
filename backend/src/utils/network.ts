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
  return from === -1 ? hops.at(-1) : hops[from];
}
