import { createHmac } from 'node:crypto';
import { describe, it, expect } from '@jest/globals';
import fc from 'fast-check';
import { Webhook } from 'standardwebhooks';
import {
  publicId,
  randomToken,
  safeEqual,
  sealer,
  sha256,
  signWebhook,
  webhookSecret,
} from '../../src/utils/crypto.js';

const anyText = fc.string({ unit: 'binary', maxLength: 200 });

describe('sealer', () => {
  const { seal, open } = sealer('a secret of the gateway');

  describe('the same secret and context', () => {
    it('opens to any text that was sealed', () => {
      fc.assert(
        fc.property(anyText, anyText, (plain, context) => open(seal(plain, context), context) === plain),
      );
    });

    it('never seals the same text alike', () => {
      const sealed = new Set(Array.from({ length: 1000 }, () => seal('same', 'context')));
      expect(sealed.size).toBe(1000);
    });

    it('hides the text and names version and key', () => {
      const [version, keyId, iv, rest] = seal('whsec_hidden', 'webhook:1').split('.');
      expect(version).toBe('v1');
      expect(keyId).toMatch(/^[\w-]{11}$/);
      expect(Buffer.from(iv!, 'base64url')).toHaveLength(12);
      expect(Buffer.from(rest!, 'base64url')).toHaveLength(16 + 'whsec_hidden'.length);
    });
  });

  describe('another context', () => {
    it('does not open', () => {
      fc.assert(
        fc.property(anyText, anyText, anyText, (plain, context, other) => {
          fc.pre(Buffer.compare(Buffer.from(context), Buffer.from(other)) !== 0);
          const sealed = seal(plain, context);
          expect(() => open(sealed, other)).toThrow();
        }),
      );
    });
  });

  describe('a changed text', () => {
    it('does not open, whichever character is another', () => {
      const characters = fc.constantFrom(...'ABCZabcz0189-_.+/= v1');
      fc.assert(
        fc.property(anyText, fc.nat(), characters, (plain, where, character) => {
          const sealed = seal(plain, 'context');
          const at = where % sealed.length;
          fc.pre(sealed[at] !== character);
          expect(() => open(sealed.slice(0, at) + character + sealed.slice(at + 1), 'context')).toThrow();
        }),
        { numRuns: 1000 },
      );
    });

    it('does not open when cut, longer or empty', () => {
      const sealed = seal('plain', 'context');
      for (const text of [
        '',
        sealed.slice(0, -1),
        `${sealed}A`,
        `${sealed}\n`,
        ` ${sealed}`,
        `v2${sealed.slice(2)}`,
      ]) {
        expect(() => open(text, 'context')).toThrow();
      }
    });

    it('says nothing of the content', () => {
      const sealed = seal('the hidden content', 'context');
      expect(() => open(sealed, 'other')).toThrow(/^(?!.*hidden).*$/);
    });
  });

  describe('a rotated secret', () => {
    it('opens what the previous one sealed, and seals with the new one', () => {
      const rotated = sealer('the next secret', 'a secret of the gateway');
      const old = seal('plain', 'context');
      expect(rotated.open(old, 'context')).toBe('plain');
      expect(rotated.seal('plain', 'context').split('.')[1]).not.toBe(old.split('.')[1]);
      expect(sealer('the next secret').open(rotated.seal('plain', 'context'), 'context')).toBe('plain');
    });

    it('does not open what neither sealed', () => {
      const sealed = sealer('a third secret').seal('plain', 'context');
      expect(() => sealer('the next secret', 'a secret of the gateway').open(sealed, 'context')).toThrow(
        /another JWT_SECRET/,
      );
    });
  });
});

describe('randomToken', () => {
  it('by default › is 32 bytes in base64url, never twice the same', () => {
    const tokens = Array.from({ length: 1000 }, () => randomToken());
    expect(new Set(tokens).size).toBe(1000);
    for (const token of tokens) expect(token).toMatch(/^[\w-]{43}$/);
  });
});

describe('publicId', () => {
  it('many made at once › each is another, and of one shape', () => {
    const ids = Array.from({ length: 20_000 }, () => publicId('evt'));
    expect(new Set(ids).size).toBe(ids.length);
    for (const id of ids) expect(id).toMatch(/^evt_[0-7][0-9a-hjkmnp-tv-z]{25}$/);
  });

  it('made in different milliseconds › sorts by time', async () => {
    const ids: string[] = [];
    while (ids.length < 20) {
      const now = Date.now();
      ids.push(publicId('dlv'));
      while (Date.now() === now) await new Promise((resolve) => setImmediate(resolve));
    }
    expect([...ids].sort()).toEqual(ids);
  });

  it('the time in it › is that of its making', () => {
    const alphabet = '0123456789abcdefghjkmnpqrstvwxyz';
    const before = Date.now();
    const text = publicId('plc').slice('plc_'.length, 'plc_'.length + 10);
    const time = [...text].reduce((sum, character) => sum * 32 + alphabet.indexOf(character), 0);
    expect(time).toBeGreaterThanOrEqual(before);
    expect(time).toBeLessThanOrEqual(Date.now());
  });
});

describe('safeEqual', () => {
  it('any two buffers › agrees with a plain comparison, also for different lengths', () => {
    const bytes = fc.uint8Array({ maxLength: 4, max: 2 });
    fc.assert(
      fc.property(bytes, bytes, (a, b) => {
        expect(safeEqual(Buffer.from(a), Buffer.from(b))).toBe(Buffer.from(a).equals(Buffer.from(b)));
      }),
    );
  });
});

describe('sha256', () => {
  it('a known text › gives the digest of FIPS 180-2', () => {
    expect(sha256('abc').toString('hex')).toBe(
      'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
    );
  });
});

describe('signWebhook', () => {
  const now = () => Math.floor(Date.now() / 1000);
  const headers = (id: string, time: number, signature: string) => ({
    'webhook-id': id,
    'webhook-timestamp': String(time),
    'webhook-signature': signature,
  });

  it('any body › is verified by the standardwebhooks package', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 3 }), (body) => {
        const [secret, id, time] = [webhookSecret(), publicId('evt'), now()];
        const verified = new Webhook(secret).verify(
          body,
          headers(id, time, signWebhook([secret], id, time, body)),
        );
        expect(verified).toEqual(JSON.parse(body));
      }),
    );
  });

  it('two live secrets › each verifies, a third does not', () => {
    const [first, second, third] = [webhookSecret(), webhookSecret(), webhookSecret()];
    const signed = headers('evt_1', now(), signWebhook([first, second], 'evt_1', now(), '{"a":"é"}'));
    expect(new Webhook(first).verify('{"a":"é"}', signed)).toEqual({ a: 'é' });
    expect(new Webhook(second).verify('{"a":"é"}', signed)).toEqual({ a: 'é' });
    expect(() => new Webhook(third).verify('{"a":"é"}', signed)).toThrow();
  });

  it('another id, time or body › is not verified', () => {
    const [secret, time] = [webhookSecret(), now()];
    const signature = signWebhook([secret], 'evt_1', time, '{}');
    const webhook = new Webhook(secret);
    expect(webhook.verify('{}', headers('evt_1', time, signature))).toEqual({});
    expect(() => webhook.verify('{}', headers('evt_2', time, signature))).toThrow();
    expect(() => webhook.verify('{}', headers('evt_1', time - 1, signature))).toThrow();
    expect(() => webhook.verify('{} ', headers('evt_1', time, signature))).toThrow();
  });

  it('the content › is id, time and body, joined by dots', () => {
    const expected = createHmac('sha256', Buffer.from('0123456789abcdef01234567')).update(
      'evt_9.1700000000.{}',
    );
    const secret = `whsec_${Buffer.from('0123456789abcdef01234567').toString('base64')}`;
    expect(signWebhook([secret], 'evt_9', 1_700_000_000, '{}')).toBe(`v1,${expected.digest('base64')}`);
  });

  it('a secret of another kind › throws', () => {
    expect(() => signWebhook(['c2VjcmV0'], 'evt_1', 1, '{}')).toThrow(/whsec_/);
  });
});

describe('webhookSecret', () => {
  it('each one › has 24 to 64 random bytes', () => {
    const secret = webhookSecret();
    const bytes = Buffer.from(secret.slice('whsec_'.length), 'base64');
    expect(secret.startsWith('whsec_')).toBe(true);
    expect(bytes.length).toBeGreaterThanOrEqual(24);
    expect(bytes.length).toBeLessThanOrEqual(64);
    expect(webhookSecret()).not.toBe(secret);
  });
});
