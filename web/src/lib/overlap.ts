// How many people segments have in common, as a square of numbers. Pure.
export const MOST_COMPARED = 8;

/** The keys in an address, each once. */
export const readKeys = (text: string | null): string[] => [...new Set((text ?? '').split(',').filter(Boolean))].slice(0, MOST_COMPARED);

/** The server names each pair once, in the order it likes. */
export function overlapOf(rows: { one: string; other: string; people: number }[], keys: string[]): number[][] {
	const pairs = new Map(rows.flatMap(({ one, other, people }) => [[`${one} ${other}`, people], [`${other} ${one}`, people]]));
	return keys.map((row) => keys.map((column) => pairs.get(`${row} ${column}`) ?? 0));
}

/** The pair with most people in both, seen from the smaller of the two; null where no two have anybody in common. */
export function largestOverlap(table: number[][]): { row: number; column: number; people: number } | null {
	let found: { row: number; column: number; people: number } | null = null;
	table.forEach((line, row) => line.forEach((people, column) => {
		if (row < column && people > (found?.people ?? 0)) found = table[row][row] <= table[column][column] ? { row, column, people } : { row: column, column: row, people };
	}));
	return found;
}
