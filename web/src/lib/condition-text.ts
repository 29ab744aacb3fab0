// The text form of a condition on the screen: where the server found an error, and the text in lines that can be compared. Pure.

export interface Spot {
	line: number;
	column: number;
}

/** "line 1, column 14: found ..., expected ..." as place and words; the place is null where the server names none. */
export function readSpot(detail: string): { spot: Spot | null; words: string } {
	const match = /^line (\d+), column (\d+): ([\s\S]*)$/.exec(detail);
	return match ? { spot: { line: Number(match[1]), column: Number(match[2]) }, words: match[3] } : { spot: null, words: detail };
}

/** The server counts letters, a text field counts UTF-16 units. */
export function offsetOf(text: string, { line, column }: Spot): number {
	const lines = text.split('\n');
	const before = lines.slice(0, line - 1).reduce((sum, one) => sum + one.length + 1, 0);
	const within = [...(lines[line - 1] ?? '')].slice(0, column - 1).join('').length;
	return Math.min(before + within, text.length);
}

/** The text with a line for each part: broken before "and" and "or", indented by parentheses, quotes and "between ... and" left whole. */
export function textLines(text: string): string[] {
	const words = text.match(/"(?:\\.|[^"\\])*"?|[()]|[^\s()"]+|\s+/g) ?? [];
	const lines: string[] = [];
	let line = '';
	let depth = 0;
	let between = false;
	for (const word of words) {
		if (/^\s+$/.test(word)) {
			if (line.trim()) line += ' ';
			continue;
		}
		if ((word === 'and' && !between) || word === 'or') {
			lines.push(line.trimEnd());
			line = '\t'.repeat(depth);
		}
		if (word === 'and') between = false;
		if (word === 'between') between = true;
		if (word === '(') depth += 1;
		if (word === ')') depth = Math.max(0, depth - 1);
		line += word;
	}
	return [...lines, line.trimEnd()].filter((one) => one.trim());
}

export interface DiffLine {
	change: 'same' | 'added' | 'removed';
	text: string;
}

/** What became of the lines: the longest common sequence stays, the rest was removed or added. */
export function lineDiff(before: string[], now: string[]): DiffLine[] {
	const common = Array.from({ length: before.length + 1 }, () => new Array<number>(now.length + 1).fill(0));
	for (let i = before.length - 1; i >= 0; i--) {
		for (let k = now.length - 1; k >= 0; k--) common[i][k] = before[i] === now[k] ? common[i + 1][k + 1] + 1 : Math.max(common[i + 1][k], common[i][k + 1]);
	}
	const lines: DiffLine[] = [];
	let [i, k] = [0, 0];
	while (i < before.length || k < now.length) {
		if (i < before.length && k < now.length && before[i] === now[k]) {
			lines.push({ change: 'same', text: now[k] });
			i += 1;
			k += 1;
		} else if (i < before.length && (k >= now.length || common[i + 1][k] >= common[i][k + 1])) {
			lines.push({ change: 'removed', text: before[i++] });
		} else {
			lines.push({ change: 'added', text: now[k++] });
		}
	}
	return lines;
}
