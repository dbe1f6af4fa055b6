import { afterAll, beforeAll, describe, it, expect } from '@jest/globals';
import { webhookClient } from '../../src/clients/webhook.client.js';
import { networksOf } from '../../src/clients/address.js';
import { ConnectFailure, dial, guardedAgents } from '../../src/clients/webhook.connect.js';
import { until } from '../support/until.js';
import { httpPlace, tcpPlace, type Place } from './place.js';
import { LOOPBACK, MALFORMED, NOT_PUBLIC } from './spellings.js';

/** Global unicast space that IANA has given to nobody: it passes for public, and nobody is there. */
const PUBLIC = '3000::1';

type Client = ReturnType<typeof webhookClient>;
const settings = { timeoutMs: 3000, maxAnswerBytes: 1024 };

/** Does the work with a receiver on every address of this machine, and ends everything. */
async function atHome<T>(work: (home: Place & { requests: unknown[] }) => Promise<T>): Promise<T> {
  const home = await httpPlace((res) => res.end('inside'), '::').catch(() =>
    httpPlace((res) => res.end('inside'), '0.0.0.0'),
  );
  try {
    return await work(home);
  } finally {
    await home.stop();
  }
}

async function withClient<T>(client: Client, work: (client: Client) => Promise<T>): Promise<T> {
  try {
    return await work(client);
  } finally {
    client.close();
  }
}

describe('the first wall', () => {
  describe('with no allowed network', () => {
    it.each([...LOOPBACK, ...NOT_PUBLIC, ...MALFORMED])('%j is blocked, and nobody is reached', (host) =>
      atHome((home) =>
        withClient(webhookClient({ allowedPrivateNetworks: [], ...settings }), async ({ post }) => {
          expect(await post(`http://${host}:${home.port}/hook`, '{}', {})).toMatchObject({
            ok: false,
            status: null,
            errorClass: 'blocked',
            retryAfterMs: null,
          });
          expect(home.connections).toBe(0);
        }),
      ),
    );
  });

  describe('with loopback allowed', () => {
    it.each(LOOPBACK)('%j does lead here, so that the wall is what stopped it', (host) =>
      atHome((home) =>
        withClient(
          webhookClient({ allowedPrivateNetworks: ['127.0.0.0/8'], ...settings }),
          async ({ post }) => {
            expect(await post(`http://${host}:${home.port}/hook`, '{}', {})).toMatchObject({
              ok: true,
              body: 'inside',
            });
            expect(home.connections).toBe(1);
          },
        ),
      ),
    );
  });
});

describe('the second wall', () => {
  const bad = [
    ['loopback', ['127.0.0.1']],
    ['loopback after a public address', [PUBLIC, '127.0.0.1']],
    ['loopback before a public address', ['127.0.0.1', PUBLIC]],
    [
      'loopback behind many public addresses',
      [...Array.from({ length: 20 }, (_, i) => `3000::${i + 1}`), '127.0.0.1'],
    ],
    ['mapped loopback', ['::ffff:127.0.0.1']],
    ['IPv6 loopback', ['::1']],
    ['the metadata service', ['169.254.169.254']],
    ['the metadata service over IPv6', ['fd00:ec2::254']],
    ['a private address', ['10.1.2.3']],
    ['any address', ['0.0.0.0']],
    ['NAT64', ['64:ff9b::7f00:1']],
    ['6to4', ['2002:7f00:1::']],
    ['a link-local address with its zone', ['fe80::1%lo']],
    ['a spelling that no DNS server gives', ['0x7f000001']],
    ['another name', ['localhost']],
  ] as const;

  it.each(bad)('a name that resolves to %s › is blocked, and nobody is reached', (_what, addresses) =>
    atHome((home) =>
      withClient(
        webhookClient({ allowedPrivateNetworks: [], ...settings, lookup: async () => [...addresses] }),
        async ({ post }) => {
          const answer = await post(`http://hooks.example.com:${home.port}/`, '{}', {});
          expect(answer).toMatchObject({ ok: false, status: null, errorClass: 'blocked' });
          expect(home.connections).toBe(0);
          for (const address of addresses) expect(answer.detail).not.toContain(address);
        },
      ),
    ),
  );

  it('an answer that flips from public to loopback › is asked once, and nobody here is reached', () =>
    atHome(async (home) => {
      let asked = 0;
      const lookup = async () => (asked++ === 0 ? [PUBLIC] : ['127.0.0.1']);
      const client = webhookClient({ allowedPrivateNetworks: [], ...settings, timeoutMs: 500, lookup });
      await withClient(client, async ({ post }) => {
        const first = await post(`http://flip.example.com:${home.port}/`, '{}', {});
        expect(['connect', 'timeout']).toContain(first.errorClass);
        expect(asked).toBe(1);
        const second = await post(`http://flip.example.com:${home.port}/`, '{}', {});
        expect(second.errorClass).toBe('blocked');
        expect(home.connections).toBe(0);
      });
    }));

  it('an answer that flips between a permitted and another address › goes to the permitted one only', async () => {
    const permitted = await httpPlace(
      (res) => res.writeHead(200, { connection: 'close' }).end(),
      '127.0.0.2',
    );
    let asked = 0;
    const lookup = async () => (asked++ === 0 ? ['127.0.0.2'] : ['127.0.0.1']);
    const client = webhookClient({ allowedPrivateNetworks: ['127.0.0.2/32'], ...settings, lookup });
    await withClient(client, async ({ post }) => {
      expect((await post(`http://flip.example.com:${permitted.port}/`, '{}', {})).ok).toBe(true);
      expect((await post(`http://flip.example.com:${permitted.port}/`, '{}', {})).errorClass).toBe('blocked');
      expect(permitted.connections).toBe(1);
    }).finally(permitted.stop);
  });

  it.each(['127.0.0.1', '2130706433', '::1', '::ffff:127.0.0.1', 'localhost', '10.0.0.1'])(
    'asked for %s directly, past the first wall › is blocked',
    async (hostname) => {
      const agents = guardedAgents({
        allowed: networksOf([]),
        timeoutMs: 1000,
        lookup: async (name) => [name],
      });
      const failure = await new Promise<Error | null>((resolve) =>
        (agents.httpAgent as any).createConnection({ host: hostname, port: 1 }, resolve),
      );
      expect(failure).toBeInstanceOf(ConnectFailure);
      expect(failure).toMatchObject({ errorClass: 'blocked' });
      agents.close();
    },
  );
});

describe('the third wall', () => {
  let place: Place;
  beforeAll(async () => {
    place = await tcpPlace((socket) => socket.resume());
  });
  afterAll(() => place.stop());

  it('a socket that is connected to another place than it should › is destroyed before a byte is sent', async () => {
    const before = place.connections;
    // As if both other walls had let it pass.
    const target = { hostname: 'hooks.example.com', port: place.port, addresses: ['127.0.0.1'] };
    await expect(dial(target, { allowed: networksOf([]), timeoutMs: 1000 })).rejects.toMatchObject({
      errorClass: 'blocked',
    });
    await until('the connection is seen', () => place.connections === before + 1);
    await until('the connection is gone', () => place.open() === 0);
    expect(place.received()).toBe(0);
  });

  it('a socket that is connected to a permitted place › is handed over', async () => {
    const target = { hostname: 'hooks.example.com', port: place.port, addresses: ['127.0.0.1'] };
    const socket = await dial(target, { allowed: networksOf(['127.0.0.0/8']), timeoutMs: 1000 });
    expect(socket.remoteAddress).toBe('127.0.0.1');
    socket.destroy();
  });
});
