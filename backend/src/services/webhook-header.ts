/** Headers that a webhook's owner adds to every post. */
export type Headers = Record<string, string>;

const NAME = /^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}$/;
/** They frame the request, choose whom it reaches, or are what receivers trust. */
const OURS =
  /^(host|content-length|content-type|transfer-encoding|connection|keep-alive|expect|upgrade|te|trailer|proxy-.*|webhook-.*|user-agent)$/i;
const MOST_LENGTH = 1024;

/** Why a header may not be added, or null. What a value may hold: RFC 9110, 5.5. */
export function refusedHeader(name: string, value: string): string | null {
  if (!NAME.test(name)) return `${JSON.stringify(name)} is not the name of a header`;
  if (OURS.test(name)) return `${name} is set by the gateway`;
  if (value.length > MOST_LENGTH) return `${name} is longer than ${MOST_LENGTH} characters`;
  return /^[\t\x20-\x7e\x80-\xff]*$/.test(value)
    ? null
    : `${name} contains line breaks or other characters that no header may`;
}

/** What is shown of them: enough to tell one from another. */
export const maskedHeaders = (headers: Headers): Headers =>
  Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, value.length > 12 ? `${value.slice(0, 4)}…` : '…']),
  );
