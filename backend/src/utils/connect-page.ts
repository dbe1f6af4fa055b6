import { createHash } from 'node:crypto';

const style = `
body { margin: 0; min-height: 100vh; display: grid; place-items: center; background: #f4f6f8; color: #17202a;
  font: 16px/1.5 system-ui, sans-serif; }
main { background: #fff; padding: 2rem; border-radius: 12px; max-width: 22rem; text-align: center;
  box-shadow: 0 2px 16px rgb(0 0 0 / 8%); }
h1 { font-size: 1.25rem; margin: 0 0 1rem; overflow-wrap: anywhere; }
img { width: 16rem; height: 16rem; image-rendering: pixelated; }
code { display: block; font-size: 1.75rem; letter-spacing: 0.15em; margin: 1rem 0; }
ol { text-align: left; padding-left: 1.25rem; }
[hidden] { display: none; }
@media (prefers-color-scheme: dark) {
  body { background: #10151a; color: #e8edf2; } main { background: #1b232b; } img { background: #fff; padding: 8px; }
}`;

/** Asks every two seconds what to show. Everything is set as text, so that no name can become markup. */
const script = `
const at = (id) => document.getElementById(id);
const show = (id, isShown) => { at(id).hidden = !isShown; };
const state = new URL(location.pathname.replace(/\\/$/, '') + '/state' + location.search, location.origin);
async function look() {
  let again = 2000;
  try {
    const answer = await fetch(state, { cache: 'no-store' });
    if (answer.status === 404) {
      again = 0;
      at('title').textContent = 'This link has expired';
      at('words').textContent = 'Ask whoever sent it to you for a new one.';
      ['steps', 'qr', 'code'].forEach((id) => show(id, false));
    } else if (answer.ok) {
      const now = await answer.json();
      at('title').textContent = now.isConnected ? 'Connected' : 'Connect ' + now.deviceName + ' to WhatsApp';
      at('words').textContent = now.isConnected ? 'You can close this page.'
        : now.image ? '' : 'One moment, the code is being made.';
      show('steps', !now.isConnected && Boolean(now.image));
      show('qr', !now.isConnected && Boolean(now.image));
      if (now.image) at('qr').src = now.image;
      show('code', !now.isConnected && Boolean(now.pairingCode));
      at('code').textContent = now.pairingCode || '';
      if (now.isConnected) again = 0;
    }
  } catch { at('words').textContent = 'No connection. Trying again.'; }
  document.documentElement.dataset.ready = 'yes';
  if (again) setTimeout(look, again);
}
look();`;

const hash = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

/** Nothing runs, loads or is asked on this page but what is written here. */
export const connectPagePolicy = [
  `default-src 'none'`,
  `script-src ${hash(script)}`,
  `style-src ${hash(style)}`,
  `img-src data:`,
  `connect-src 'self'`,
  `base-uri 'none'`,
  `form-action 'none'`,
  `frame-ancestors 'none'`,
].join('; ');

/** The page on which a customer scans. The same for every phone: what it shows, it asks for by the link's own signature. */
export const connectPage = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer"><meta name="robots" content="noindex">
<title>Connect a phone to WhatsApp</title><style>${style}</style>
</head>
<body>
<main>
<h1 id="title">Connect a phone to WhatsApp</h1>
<p id="words" role="status" aria-live="polite">One moment.</p>
<img id="qr" alt="The QR code to scan" hidden>
<code id="code" hidden></code>
<ol id="steps" hidden>
<li>Open WhatsApp on the phone.</li>
<li>Go to Settings, then Linked devices.</li>
<li>Choose Link a device, and scan the code; or choose Link with phone number, and type it.</li>
</ol>
</main>
<script>${script}</script>
</body>
</html>
`;
