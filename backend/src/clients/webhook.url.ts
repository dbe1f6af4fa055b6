import { isIP } from 'node:net';
import { isPermitted, networksOf, type Networks } from './address.js';

export type UrlCheck = { ok: true } | { ok: false; reason: string };

const MAX_LENGTH = 2048;
const HOSTNAME =
  /^(?=.{1,253}$)[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)*$/;

/** The names of this machine itself (RFC 6761, 6.3), whatever a DNS server says. */
export const isLocalhost = (hostname: string): boolean => /(^|\.)localhost$/.test(hostname);

/** Names that only an inner network knows: one label, mDNS (RFC 6762), .internal (ICANN, 2024), home.arpa (RFC 8375). */
export const isInnerName = (hostname: string): boolean =>
  !hostname.includes('.') || /\.(local|internal|home\.arpa)$/.test(hostname);

/** The host as DNS and TLS want it: no brackets around IPv6, no dot at the end. */
export const hostnameOf = (url: URL): string => url.hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '');

/** Why a host may not be called, or null. What a name resolves to is checked when it is called. */
function hostFault(hostname: string, allowed: Networks): string | null {
  if (isIP(hostname)) return isPermitted(hostname, allowed) ? null : 'its address is not public';
  if (!HOSTNAME.test(hostname)) return 'its host is not a valid name';
  if (isLocalhost(hostname)) {
    return ['127.0.0.1', '::1'].some((it) => isPermitted(it, allowed))
      ? null
      : 'its host is this machine itself';
  }
  if (isInnerName(hostname) && allowed.length === 0) return 'its host is not a public name';
  return null;
}

/** The URL parser mends much in silence; what it would mend is refused here, before somebody else reads it otherwise. */
function textFault(text: string): string | null {
  if (text.length > MAX_LENGTH) return `it is longer than ${MAX_LENGTH} characters`;
  // eslint-disable-next-line no-control-regex -- control characters are what is looked for
  if (/[\u0000-\u0020\u007f\\]/.test(text)) return 'it contains spaces, control characters or backslashes';
  if (!/^https?:\/\/[^/]/i.test(text)) return 'it must start with http:// or https:// and a host';
  return null;
}

/** The URL, when it may be called; otherwise why not. */
export function judgeUrl(text: string, allowed: Networks): { url: URL } | { reason: string } {
  const fault = textFault(text);
  if (fault) return { reason: fault };
  if (!URL.canParse(text)) return { reason: 'it is not a valid URL' };
  const url = new URL(text);
  if (url.username || url.password || /^https?:\/\/[^/?#]*@/i.test(text))
    return { reason: 'it carries credentials' };
  if (text.includes('#')) return { reason: 'it has a fragment, which is never sent' };
  if (url.port === '0') return { reason: 'its port is 0' };
  const reason = hostFault(hostnameOf(url), allowed);
  return reason ? { reason } : { url };
}

/**
 * Whether a URL may be saved as a webhook's: http or https, at most 2048 characters, any port, no credentials, no
 * fragment, and a host that is not, in any spelling, an address outside the public internet or a name of an inner
 * network, unless `allowedPrivateNetworks` (CIDRs) has it. `reason` completes "The URL is refused: …".
 */
export function checkUrl(url: string, allowedPrivateNetworks: readonly string[]): UrlCheck {
  const verdict = judgeUrl(url, networksOf(allowedPrivateNetworks));
  return 'url' in verdict ? { ok: true } : { ok: false, reason: verdict.reason };
}

/** Whether a phone may be connected through a proxy at this host: a public address in its plain spelling, as names can flip. */
export function checkHost(host: string, allowedPrivateNetworks: readonly string[]): UrlCheck {
  if (isIP(host) === 0) return { ok: false, reason: 'must be an IP address' };
  const isAllowed = isPermitted(host, networksOf(allowedPrivateNetworks));
  return isAllowed ? { ok: true } : { ok: false, reason: 'must be a public IP address' };
}
