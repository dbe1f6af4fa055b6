import { readFileSync } from 'node:fs';

function parentOf(pid: number): number {
  try {
    return Number(/\) \S (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1] ?? 0);
  } catch {
    return 0;
  }
}

const nameOf = (pid: number): string => {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
  } catch {
    return '';
  }
};

/**
 * `npm start` that is killed with SIGKILL cannot tell us, and we would run on with nobody to stop us. So whoever runs
 * below npm looks whether npm is still there; started without npm, nothing is watched, as a shell may well leave.
 */
export function watchParent(gone: () => void): void {
  if (!process.env['npm_lifecycle_event']) return;
  const parent = process.ppid;
  // npm runs us through a shell, which may have made way for us (dash does) or still stand between.
  const between = /sh$/.test(nameOf(parent));
  const npm = between ? parentOf(parent) : parent;
  const timer = setInterval(() => {
    if (process.ppid === parent && (!between || parentOf(parent) === npm)) return;
    clearInterval(timer);
    gone();
  }, 250);
  timer.unref();
}
