import { describe, it, expect } from '@jest/globals';
import { checkUrl } from '../../src/clients/webhook.client.js';
import { isPermitted, networksOf } from '../../src/clients/address.js';
import { LOOPBACK, MALFORMED, NOT_PUBLIC } from './spellings.js';

describe('checkUrl', () => {
  it('the tables of this test › have at least 60 forms, none twice', () => {
    const all = [...LOOPBACK, ...NOT_PUBLIC, ...MALFORMED];
    expect(all.length).toBeGreaterThanOrEqual(60);
    expect(new Set(all).size).toBe(all.length);
  });

  describe.each(['http://', 'https://', 'HTTP://'])('a host that is not public, after %s', (scheme) => {
    it.each([...LOOPBACK, ...NOT_PUBLIC, ...MALFORMED])('%j is refused', (host) => {
      for (const rest of ['', '/', '/hook', ':8080/hook', '?q=1']) {
        expect(checkUrl(`${scheme}${host}${rest}`, [])).toEqual({ ok: false, reason: expect.any(String) });
      }
    });
  });

  describe('a public host', () => {
    it.each([
      'https://hooks.example.com/evolution?token=1',
      'http://example.com:8080/',
      'https://example.com',
      'https://example.com.',
      'https://xn--bcher-kva.example/',
      'https://bücher.example/',
      'https://under_score.example.com/',
      'https://a-b--c.example.com/x',
      'http://8.8.8.8/',
      'http://134744072/',
      'http://[2606:4700:4700::1111]/',
      'http://[::ffff:8.8.8.8]/',
      'https://localhost.example.com/',
      'https://example.com/path/with/@/at',
      'https://example.com/?next=http://127.0.0.1/',
      'https://127.0.0.1.example.com/',
      'https://10.example.com:65535/',
    ])('%s is taken', (url) => {
      expect(checkUrl(url, [])).toEqual({ ok: true });
    });
  });

  describe('another scheme', () => {
    it.each([
      'file:///etc/passwd',
      'ftp://example.com/',
      'gopher://example.com:70/1',
      'javascript:alert(1)',
      'data:text/plain,x',
      'ws://example.com/',
      'unix:/var/run/docker.sock',
      '//example.com/',
      'example.com/hook',
      'http:example.com',
      'http:/example.com',
      'http:///example.com',
      'http://',
      ' http://example.com/',
      '',
    ])('%j is refused', (url) => {
      expect(checkUrl(url, []).ok).toBe(false);
    });
  });

  describe('the rest of a URL', () => {
    it.each([
      ['port 0', 'http://example.com:0/'],
      ['a port beyond 65535', 'http://example.com:65536/'],
      ['a port that is no number', 'http://example.com:8o/'],
      ['a fragment', 'https://example.com/#x'],
      ['an empty fragment', 'https://example.com/#'],
      ['a line break', 'https://example.com/\r\nx: y'],
      ['a NUL', 'https://example.com/\u0000'],
      ['a backslash', 'https://example.com\\hook'],
    ])('with %s is refused', (_what, url) => {
      expect(checkUrl(url, []).ok).toBe(false);
    });

    it('of 2048 characters is taken, of 2049 refused', () => {
      const url = (length: number) => 'https://example.com/'.padEnd(length, 'x');
      expect(checkUrl(url(2048), []).ok).toBe(true);
      expect(checkUrl(url(2049), []).ok).toBe(false);
    });
  });

  describe('an allowed network', () => {
    it.each(LOOPBACK)('of loopback takes %j', (host) => {
      expect(checkUrl(`http://${host}:8080/`, ['127.0.0.0/8'])).toEqual({ ok: true });
    });

    it.each([
      '10.0.0.1',
      '169.254.169.254',
      '[::1]',
      '[::127.0.0.1]',
      '[64:ff9b::127.0.0.1]',
      '0.0.0.0',
      '128.0.0.256',
    ])('of loopback does not take %j', (host) => {
      expect(checkUrl(`http://${host}/`, ['127.0.0.0/8']).ok).toBe(false);
    });

    it('of containers takes their names, but not localhost', () => {
      expect(checkUrl('http://n8n:5678/', ['172.16.0.0/12']).ok).toBe(true);
      expect(checkUrl('http://n8n.internal:5678/', ['172.16.0.0/12']).ok).toBe(true);
      expect(checkUrl('http://localhost:5678/', ['172.16.0.0/12']).ok).toBe(false);
    });

    it('of IPv6 takes its addresses, mapped IPv4 not among them', () => {
      expect(checkUrl('http://[::1]/', ['::1/128']).ok).toBe(true);
      expect(checkUrl('http://localhost/', ['::1/128']).ok).toBe(true);
      expect(checkUrl('http://127.0.0.1/', ['::1/128', '::/0']).ok).toBe(false);
    });

    it('that is no CIDR throws', () => {
      for (const cidr of ['127.0.0.0', '127.0.0.0/33', 'localhost/8', '']) {
        expect(() => checkUrl('http://example.com/', [cidr])).toThrow();
      }
    });
  });
});

describe('isPermitted', () => {
  it('spellings that no socket and no DNS server gives › are refused, whatever they mean', () => {
    const everything = networksOf(['0.0.0.0/0', '::/0']);
    for (const text of [
      '127.1',
      '0x7f000001',
      '2130706433',
      'fe80::1%eth0',
      'localhost',
      '8.8.8.8 ',
      '[::1]',
      '',
    ]) {
      expect(isPermitted(text, everything)).toBe(false);
    }
  });
});
