import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { mend, missingPlatforms, type PackageLock } from '../src/mend-lock.js';
import { root } from '../src/settings.js';

const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));

describe('package-lock.json', () => {
  it('for every platform › has the entries npm ci asks for (else run npm run mend-lock)', () => {
    expect(missingPlatforms(lock)).toEqual([]);
  });

  it('with a foreign binary left out › gets an entry that npm passes over here', () => {
    const cut: PackageLock = {
      packages: {
        'node_modules/tool': {
          version: '1.2.3',
          dev: true,
          optionalDependencies: { '@tool/core-darwin-arm64': '1.2.3', fsevents: '^2.0.0' },
        },
      },
    };
    const mended = mend(cut);
    expect(mended.packages['node_modules/@tool/core-darwin-arm64']).toEqual({
      version: '1.2.3',
      cpu: ['arm64'],
      dev: true,
      optional: true,
      os: ['darwin'],
    });
    expect(missingPlatforms(mended).map(({ name }) => name)).toEqual(['fsevents']);
  });
});
