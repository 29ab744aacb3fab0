// Ends a run with one plain line, "N passed, N failed", for whoever counts over several runners.
import type { Reporter, TestModule } from 'vitest/node';

export default class PlainReporter implements Reporter {
	onTestRunEnd(modules: readonly TestModule[]): void {
		let [passed, failed] = [0, 0];
		for (const module of modules) {
			for (const test of module.children.allTests()) {
				if (test.result().state === 'passed') passed += 1;
				else if (test.result().state === 'failed') failed += 1;
			}
			// A file that cannot even be read is a failure of its own.
			if (module.state() === 'failed' && [...module.children.allTests('failed')].length === 0) failed += 1;
		}
		process.stdout.write(`${passed} passed, ${failed} failed\n`);
	}
}
