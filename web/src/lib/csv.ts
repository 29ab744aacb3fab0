// Tables as CSV (RFC 4180), safe to open in a spreadsheet: a cell that would start a formula is quoted as text.
import { save } from './picture';

export type Cell = string | number | boolean | null | undefined;

function cell(value: Cell): string {
	if (value === null || value === undefined) return '';
	let text = String(value);
	if (typeof value === 'string' && /^[=+\-@\t\r]/.test(text) && !/^-?\d+(\.\d+)?$/.test(text)) text = `'${text}`;
	return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

export const toCsv = (head: string[], rows: Cell[][]): string => [head, ...rows].map((row) => row.map(cell).join(',')).join('\r\n') + '\r\n';

export function saveCsv(name: string, head: string[], rows: Cell[][]): void {
	// The mark at the front tells spreadsheets that this is UTF-8.
	save(new Blob(['\uFEFF', toCsv(head, rows)], { type: 'text/csv;charset=utf-8' }), `${name}.csv`);
}

/** Reads CSV (RFC 4180) up to a number of rows; for files of the server's own making. */
export function parseCsv(text: string, limit = Infinity): string[][] {
	const rows: string[][] = [];
	let row: string[] = [];
	let field = '';
	let quoted = false;
	for (let i = 0; i < text.length && rows.length < limit; i++) {
		const c = text[i];
		if (quoted) {
			if (c !== '"') field += c;
			else if (text[i + 1] === '"') field += text[++i];
			else quoted = false;
		} else if (c === '"') quoted = true;
		else if (c === ',') {
			row.push(field);
			field = '';
		} else if (c === '\n') {
			rows.push([...row, field]);
			[row, field] = [[], ''];
		} else if (c !== '\r') field += c;
	}
	if (rows.length < limit && (field || row.length)) rows.push([...row, field]);
	return rows;
}
