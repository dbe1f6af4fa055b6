import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

type Address = ipaddr.IPv4 | ipaddr.IPv6;
export type Networks = readonly [Address, number][];

/** From CIDRs such as `127.0.0.0/8`; throws for any other text. */
export const networksOf = (cidrs: readonly string[]): Networks => cidrs.map((cidr) => ipaddr.parseCIDR(cidr));

/** RFC 4291, 2.4: all of today's global unicast IPv6. What lies outside (NAT64, IPv4-compatible, …) leads elsewhere. */
const GLOBAL_UNICAST = networksOf(['2000::/3']);
/** Public by its number, but answered by the cloud's own host: Azure's metadata and DHCP service. */
const METADATA = networksOf(['168.63.129.16/32']);

/** Takes the plain spellings only, as DNS and sockets give them; a mapped IPv6 address is the IPv4 one it leads to. */
function parse(text: string): Address | null {
  return isIP(text) === 0 || text.includes('%') ? null : ipaddr.process(text);
}

const isWithin = (address: Address, networks: Networks): boolean =>
  networks.some((network) => network[0].kind() === address.kind() && address.match(network as never));

/** ipaddr.js calls `unicast` what is in none of IANA's special-purpose ranges (RFC 6890), old and new. */
function isPublic(address: Address): boolean {
  if (address.range() !== 'unicast') return false;
  return address.kind() === 'ipv4' ? !isWithin(address, METADATA) : isWithin(address, GLOBAL_UNICAST);
}

/** Whether we may connect to it on a tenant's word: it is public, or in one of the `allowed` networks. */
export function isPermitted(text: string, allowed: Networks): boolean {
  const address = parse(text);
  return address !== null && (isPublic(address) || isWithin(address, allowed));
}
