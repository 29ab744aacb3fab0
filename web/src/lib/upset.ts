// Which people are in exactly these segments and in none of the others: an UpSet picture as columns. Pure.
import type { Tree } from './condition-tree';

const MOST_COLUMNS = 16;

export interface UpsetColumn {
	keys: string[];
	people: number;
	/** Height of the bar, 1 for the largest. */
	height: number;
	/** For each row whether it is in. */
	dots: boolean[];
	/** The first and the last row with a dot: between them a line is drawn. */
	from: number;
	to: number;
}

/** Rows are the segments as given; columns the intersections with people in them, largest first, as many as fit. */
export function upsetColumns(rows: { keys: string[]; people: number }[], order: string[], most = MOST_COLUMNS): { columns: UpsetColumn[]; left: number } {
	const known = rows.filter((row) => row.people > 0 && row.keys.length > 0 && row.keys.every((key) => order.includes(key))).sort((a, b) => b.people - a.people);
	const largest = known[0]?.people ?? 1;
	const columns = known.slice(0, most).map(({ keys, people }) => {
		const dots = order.map((key) => keys.includes(key));
		return { keys: order.filter((key) => keys.includes(key)), people, height: people / largest, dots, from: dots.indexOf(true), to: dots.lastIndexOf(true) };
	});
	return { columns, left: known.slice(most).length };
}

/** In all of these and, said after that, in none of the rest. */
export function exactly(keys: string[], order: string[]): Tree {
	const within = order.filter((key) => keys.includes(key)).map((key): Tree => ({ segment: { key } }));
	const without = order.filter((key) => !keys.includes(key)).map((key): Tree => ({ not: { segment: { key } } }));
	const leaves = [...within, ...without];
	return leaves.length === 1 ? leaves[0] : { all: leaves };
}
