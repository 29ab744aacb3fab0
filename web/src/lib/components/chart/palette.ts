// The colours of the page for a chart, read from the tokens in force now.
import type { Palette } from './timeOptions';

export function palette(): Palette {
	const style = getComputedStyle(document.documentElement);
	const token = (name: string) => style.getPropertyValue(name).trim();
	const eight = [1, 2, 3, 4, 5, 6, 7, 8];
	const series = eight.map((i) => token(`--s${i}`));
	return { series, text: eight.map((i) => token(`--s${i}-t`)), ink: token('--ink'), ink3: token('--ink-3'), grid: token('--grid'), line: token('--line-2'), surface: token('--surface'), font: token('--font') };
}
