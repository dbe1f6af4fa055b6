#!/bin/sh
# A receiver of webhooks for any server that speaks CGI, with openssl: WEBHOOK_SECRET=whsec_… in its environment, the
# headers in HTTP_WEBHOOK_ID, HTTP_WEBHOOK_TIMESTAMP and HTTP_WEBHOOK_SIGNATURE, the body on standard input.
set -eu
TOLERANCE=300 # seconds that clocks may differ, and a post may be old
body=$(mktemp)
trap 'rm -f "$body"' EXIT
cat >"$body" # to the byte: a shell variable would lose line ends and NULs

refuse() {
  printf 'Status: 401 Unauthorized\r\n\r\n'
  exit 0
}
id=${HTTP_WEBHOOK_ID:-} timestamp=${HTTP_WEBHOOK_TIMESTAMP:-} signatures=${HTTP_WEBHOOK_SIGNATURE:-}
case $timestamp in '' | *[!0-9]* | ????????????????*) refuse ;; esac
at=${timestamp#"${timestamp%%[!0]*}"} # without leading zeros, which would make it octal
age=$((${NOW:-$(date +%s)} - ${at:-0}))
[ -n "$id" ] && [ "$age" -le $TOLERANCE ] && [ "$age" -ge -$TOLERANCE ] || refuse

key=$(printf %s "${WEBHOOK_SECRET#whsec_}" | openssl base64 -d -A | od -An -v -tx1 | tr -d ' \n')
wanted=$({ printf '%s.%s.' "$id" "$timestamp"; cat "$body"; } | openssl dgst -sha256 -mac HMAC -macopt "hexkey:$key" -binary | openssl base64 -A)
# Digests are compared, not the signatures: how long that takes tells nothing of them.
digest() { printf %s "$1" | openssl dgst -sha256 -r; }
genuine=
set -f
for one in $signatures; do
  if [ "$(digest "$one")" = "$(digest "v1,$wanted")" ]; then genuine=yes; fi
done
[ -n "$genuine" ] || refuse

cat "$body" >&2 # here it is; the same id may come again
printf 'Status: 204 No Content\r\n\r\n' # any 2xx, within 15 seconds: do what takes longer after it
