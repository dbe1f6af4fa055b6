"""A complete journey with Python's standard library: the answer comes back as a signed webhook. Needs `npm start`."""
import base64, hashlib, hmac, http.server, json, os, threading, time, urllib.request

GATEWAY = os.environ.get("GATEWAY_URL", "http://localhost:8080")
TAG = f"{time.time_ns()}"
state = {"token": "", "secret": None, "events": []}

def call(method, path, body=None):
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {state['token']}"}
    data = json.dumps(body).encode() if body is not None else None
    with urllib.request.urlopen(urllib.request.Request(GATEWAY + path, data, headers, method=method)) as answer:
        return json.load(answer)

class Receiver(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        text = self.rfile.read(int(self.headers["Content-Length"]))
        signed = f"{self.headers['webhook-id']}.{self.headers['webhook-timestamp']}.".encode() + text
        key = base64.b64decode((state["secret"] or "").removeprefix("whsec_"))
        wanted = "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
        genuine = state["secret"] and any(hmac.compare_digest(wanted, one) for one in self.headers["webhook-signature"].split())
        if genuine: state["events"].append(json.loads(text))
        self.send_response(204 if genuine else 401); self.end_headers()  # not taken: it comes again
    def log_message(self, *_): pass

def until(what, find):
    for _ in range(300):
        if find(): return print(what, flush=True)
        time.sleep(0.1)
    raise SystemExit(f"gave up: {what}")

server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
threading.Thread(target=server.serve_forever, daemon=True).start()
state["token"] = call("POST", "/api/auth/register", {"username": f"py{TAG}", "email": f"py{TAG}@example.com", "password": "SecurePass123"})["token"]
hook = f"http://127.0.0.1:{server.server_port}/webhook"
phone = call("POST", "/api/phones", {"phoneNumber": os.environ.get("PHONE_NUMBER", "+6281234567892"), "deviceName": "Python", "webhookUrl": hook})
state["secret"] = phone["webhookSecret"]
until("connected", lambda: call("GET", f"/api/phones/{phone['id']}")["isConnected"])
message = call("POST", "/api/messages/send", {"phoneId": phone["id"], "to": "+6289876540007", "message": "Hello World!"})
until("read", lambda: call("GET", f"/api/messages/{message['id']}")["status"] == "read")
until("answered: echo: Hello World!", lambda: any(e["event"] == "message" and e["data"]["message"] == "echo: Hello World!" for e in state["events"]))
