#!/bin/sh
# A complete journey with curl: register, add a phone, send, read the answer. Needs a gateway (`npm start`).
set -eu
GATEWAY=${GATEWAY_URL:-http://localhost:8080}
TAG=$(date +%s)$$
json() { sed -n "s/.*\"$1\":\"\{0,1\}\([^\",}]*\).*/\1/p" | head -n 1; }
post() { curl -sS --fail-with-body "$GATEWAY$1" -H "Authorization: Bearer ${TOKEN:-}" -H 'Content-Type: application/json' -d "$2"; }
get() { curl -sS --fail-with-body "$GATEWAY$1" -H "Authorization: Bearer $TOKEN"; }
wait_for() { # path, what to find in the answer
  i=0
  until get "$1" | grep -q "$2"; do
    i=$((i + 1))
    [ "$i" -lt 60 ] || { echo "gave up waiting for $2 at $1" >&2; exit 1; }
    sleep 0.5
  done
}

TOKEN=$(post /api/auth/register "{\"username\":\"quick$TAG\",\"email\":\"quick$TAG@example.com\",\"password\":\"SecurePass123\"}" | json token)
echo "registered"

PHONE=$(post /api/phones "{\"phoneNumber\":\"${PHONE_NUMBER:-+6281234567893}\",\"deviceName\":\"Quickstart\"}" | sed 's/^{"id":\([0-9]*\).*/\1/')
echo "phone $PHONE: scan $GATEWAY/api/phones/$PHONE/qr (the sandbox scans it by itself)"
wait_for "/api/phones/$PHONE" '"isConnected":true'
echo "connected"

# An Idempotency-Key makes it safe to repeat: the same key is the same message.
MESSAGE=$(curl -sS --fail-with-body "$GATEWAY/api/messages/send" -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' \
  -H "Idempotency-Key: quick-$TAG" -d "{\"phoneId\":$PHONE,\"to\":\"+6289876540007\",\"message\":\"Hello World!\"}" | sed 's/^{"id":\([0-9]*\).*/\1/')
echo "message $MESSAGE accepted"
wait_for "/api/messages/$MESSAGE" '"status":"read"'
echo "read"
wait_for "/api/messages?phoneId=$PHONE&direction=in" 'echo: Hello World!'
echo "answered: echo: Hello World!"
