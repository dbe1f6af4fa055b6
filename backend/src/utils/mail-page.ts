import { createHash } from 'node:crypto';

const style = `
body { margin: 0; min-height: 100vh; display: grid; place-items: center; background: #f4f6f8; color: #17202a;
  font: 16px/1.5 system-ui, sans-serif; }
main { background: #fff; padding: 2rem; border-radius: 12px; width: 20rem; box-shadow: 0 2px 16px rgb(0 0 0 / 8%); }
h1 { font-size: 1.25rem; margin: 0 0 1rem; }
label { display: block; margin-bottom: 1rem; }
input { display: block; width: 100%; box-sizing: border-box; font: inherit; padding: 0.5rem; margin-top: 0.25rem; }
button { font: inherit; padding: 0.5rem 1rem; }
[hidden] { display: none; }
@media (prefers-color-scheme: dark) { body { background: #10151a; color: #e8edf2; } main { background: #1b232b; } }`;

/** Sends the token when its button is pressed, never by being looked at. Everything is set as text. */
const script = `
const at = (id) => document.getElementById(id);
const isReset = location.pathname.replace(/\\/$/, '').endsWith('/password/reset');
const token = new URLSearchParams(location.search).get('token');
history.replaceState(null, '', location.pathname);
at('title').textContent = isReset ? 'Set a new password' : 'Confirm your e-mail address';
at('send').textContent = isReset ? 'Set it' : 'Confirm';
at('new').hidden = !isReset;
at('password').required = isReset;
at('form').addEventListener('submit', async (event) => {
  event.preventDefault();
  at('send').disabled = true;
  const code = at('code').value.trim();
  const body = isReset ? { token, newPassword: at('password').value, ...(code ? { code } : {}) } : { token };
  const path = location.pathname.replace(/\\/$/, '') + (isReset ? '' : '/confirm');
  try {
    const answer = await fetch(path, { method: 'POST', headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body) });
    const said = await answer.json().catch(() => ({}));
    if (said.code === 'second_factor_required') at('factor').hidden = false;
    at('words').textContent = answer.ok
      ? (isReset ? 'Your password is set. You can sign in with it.' : 'Your e-mail address is confirmed.')
      : (said.detail || said.title || 'That did not work. Try again.');
    at('form').hidden = answer.ok;
  } catch { at('words').textContent = 'No connection. Try again.'; }
  at('send').disabled = false;
});
document.documentElement.dataset.ready = 'yes';`;

const hash = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

/** Nothing runs, loads or is asked on this page but what is written here. */
export const mailPagePolicy = [
  `default-src 'none'`,
  `script-src ${hash(script)}`,
  `style-src ${hash(style)}`,
  `connect-src 'self'`,
  `base-uri 'none'`,
  `form-action 'none'`,
  `frame-ancestors 'none'`,
].join('; ');

/** What the links in our mails open: a button that confirms an address, or a form for a new password. */
export const mailPage = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>Your account</title>
<style>${style}</style>
</head>
<body>
<main>
<h1 id="title"></h1>
<p id="words" role="status" aria-live="polite"></p>
<form id="form">
<label id="new" hidden>New password
<input id="password" type="password" autocomplete="new-password" minlength="8" maxlength="200"></label>
<label id="factor" hidden>Code of your authenticator app, or a recovery code
<input id="code" autocomplete="one-time-code" maxlength="40"></label>
<button id="send"></button>
</form>
</main>
<script>${script}</script>
</body>
</html>
`;
