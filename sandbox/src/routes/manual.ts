/** What the control endpoints take; served at /sandbox, and explained in README.md. */

export const CONTROL: Record<string, string> = {
  'POST /sandbox/inbound':
    'a simulated contact writes, reacts, edits, revokes, calls, types, or acks: {to | instance, from, type, …}',
  'GET /sandbox/ledger':
    'all the network took, in order: ?after=seq&limit=&sender=&recipient=&kind=&instance=&text=',
  'POST /sandbox/faults': 'makes something go wrong on this node; see faults',
  'GET /sandbox/faults': 'the faults that are in force',
  'DELETE /sandbox/faults[/:id]': 'takes one fault, or all, back',
  'POST /sandbox/scan': 'a phone scans the code that an instance shows: {instance, number}',
  'POST /sandbox/accounts': "an owner's account: {number, online?, banned?}; online brings SERVER_ACK",
  'GET /sandbox/devices/:number': 'the devices linked to a number, and which node holds each',
};

export const FAULTS: Record<string, string> = {
  delayMs: 'the call waits that long before it is carried out (with after: its answer waits)',
  hang: 'the call is not carried out and never answered (with after: carried out, never answered)',
  status: '500 or 502 without carrying the call out (with after: instead of the true answer)',
  reset: 'the TCP connection is reset (with after: once the call is carried out)',
  die: 'the process kills itself, at once or, with calls, when such a call comes (with after: instead of its answer)',
  duplicateWebhooks: 'webhooks are sent twice; a number says how many extra copies',
  shuffleWebhooks: 'webhooks wait a random time up to 500 ms; a number says up to how many ms',
  dropWebhooks: 'webhooks are not sent',
  logout: '401: the phone removes the linked device; 403: the account is banned. At once',
  replaced: '440: another socket takes the session; with count, again each time it opens',
  unreachable: 'WhatsApp cannot be reached from this node, until taken back',
  wrongNumberScan: 'the next code is scanned by another phone: true, or its number',
  instance: 'scope: only this instance',
  calls: 'scope: only calls whose path starts like this',
  event: 'scope: only webhooks of this event',
  after: 'the call is carried out first, and then its answer is spoilt',
  count: 'how often it strikes; without it, until taken back',
};
