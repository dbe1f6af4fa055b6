"""A receiver of webhooks with Python's standard library: `WEBHOOK_SECRET=whsec_… python3 receiver.py`, then POST to :9000."""
import base64, hashlib, hmac, http.server, json, os, time

TOLERANCE = 300  # seconds that clocks may differ, and a post may be old

def is_genuine(secret, headers, body, now=None):
    """Whether a post is genuine. `body`: its bytes as they came, before any parsing. `now`: seconds."""
    name, timestamp, signatures = (headers.get(f"webhook-{part}") or "" for part in ("id", "timestamp", "signature"))
    is_number = timestamp.isascii() and timestamp.isdigit()
    if not name or not is_number or abs((time.time() if now is None else now) - int(timestamp)) > TOLERANCE:
        return False
    key = base64.b64decode(secret.removeprefix("whsec_"))
    wanted = base64.b64encode(hmac.new(key, f"{name}.{timestamp}.".encode() + body, hashlib.sha256).digest())
    return any(hmac.compare_digest(b"v1," + wanted, one.encode()) for one in signatures.split(" "))

class Receiver(http.server.BaseHTTPRequestHandler):
    seen = set()  # of the last posts; in earnest, a unique column in your database

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        genuine = is_genuine(os.environ.get("WEBHOOK_SECRET", ""), self.headers, body)
        if genuine:
            event = json.loads(body)
            if event["id"] not in self.seen:
                print(event["event"], json.dumps(event["data"]), flush=True)
            self.seen.add(event["id"])
        self.send_response(204 if genuine else 401)  # any 2xx, within 15 seconds: do what takes longer after it
        self.end_headers()

    def log_message(self, *_):
        pass

if __name__ == "__main__":
    http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT", "9000"))), Receiver).serve_forever()
