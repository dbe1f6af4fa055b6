import { writeFileSync } from 'node:fs';

/**
 * Counts what passed and failed over all projects; a suite that does not load counts as one failure. Under `npm test`
 * the numbers go to TALLY_FILE and are printed when everything has been stopped; jest alone prints them at its end.
 */
export default class Tally {
  onRunComplete(_contexts, results) {
    const broken = results.testResults.filter((suite) => suite.testExecError && suite.numFailingTests === 0);
    const interrupted = results.wasInterrupted ? 1 : 0;
    const tally = {
      passed: results.numPassedTests,
      failed: results.numFailedTests + broken.length + interrupted,
      skipped: results.numPendingTests + results.numTodoTests,
    };
    if (process.env.TALLY_FILE) writeFileSync(process.env.TALLY_FILE, JSON.stringify(tally));
    else process.on('exit', () => console.log(`${tally.passed} passed, ${tally.failed} failed`));
  }
}
