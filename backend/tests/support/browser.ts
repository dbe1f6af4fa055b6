import { chromium, type Browser } from 'playwright-core';
import { findProgram } from '../../../dev/src/programs.js';

/** A real Chromium, without a window. */
export async function startBrowser(): Promise<Browser> {
  const executablePath = findProgram('chromium', 'chromium-browser', 'google-chrome');
  if (!executablePath) throw new Error('Chromium is not installed: apt-get install chromium');
  return chromium.launch({
    executablePath,
    args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'],
  });
}
