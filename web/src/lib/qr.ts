// QR codes (ISO/IEC 18004) of short texts such as links: bytes, error correction M, versions 1 to 20. Pure.

/** Error correction words of a block, and blocks, of level M by version (table 9 of the standard). */
const CORRECTION = [0, 10, 16, 26, 18, 24, 16, 18, 22, 22, 26, 30, 22, 22, 24, 24, 28, 28, 26, 26, 26];
const BLOCKS = [0, 1, 1, 1, 2, 2, 4, 4, 4, 5, 5, 5, 8, 9, 9, 10, 10, 11, 13, 14, 16];
const MOST_VERSION = 20;

/** How many modules hold data in a version. */
function room(version: number): number {
	let bits = (16 * version + 128) * version + 64;
	if (version >= 2) {
		const align = Math.floor(version / 7) + 2;
		bits -= (25 * align - 10) * align - 55;
		if (version >= 7) bits -= 36;
	}
	return bits;
}
const dataWords = (version: number) => Math.floor(room(version) / 8) - CORRECTION[version] * BLOCKS[version];

function times(x: number, y: number): number {
	let z = 0;
	for (let i = 7; i >= 0; i--) {
		z = (z << 1) ^ ((z >>> 7) * 0x11d);
		z ^= ((y >>> i) & 1) * x;
	}
	return z;
}
function divisor(degree: number): number[] {
	const out = Array(degree).fill(0);
	out[degree - 1] = 1;
	let root = 1;
	for (let i = 0; i < degree; i++) {
		for (let j = 0; j < degree; j++) {
			out[j] = times(out[j], root);
			if (j + 1 < degree) out[j] ^= out[j + 1];
		}
		root = times(root, 2);
	}
	return out;
}
function remainder(data: number[], by: number[]): number[] {
	const out = by.map(() => 0);
	for (const word of data) {
		const factor = word ^ out.shift()!;
		out.push(0);
		by.forEach((it, i) => (out[i] ^= times(it, factor)));
	}
	return out;
}

function words(bytes: Uint8Array, version: number): number[] {
	const bits: number[] = [];
	const put = (value: number, length: number) => {
		for (let i = length - 1; i >= 0; i--) bits.push((value >>> i) & 1);
	};
	put(4, 4);
	put(bytes.length, version < 10 ? 8 : 16);
	bytes.forEach((it) => put(it, 8));
	const most = dataWords(version) * 8;
	put(0, Math.min(4, most - bits.length));
	put(0, (8 - (bits.length % 8)) % 8);
	for (let pad = 0xec; bits.length < most; pad ^= 0xec ^ 0x11) put(pad, 8);
	const out: number[] = [];
	for (let i = 0; i < bits.length; i += 8) out.push(bits.slice(i, i + 8).reduce((sum, bit) => (sum << 1) | bit, 0));
	return out;
}

/** The words with their correction, block by block woven together. */
function woven(data: number[], version: number): number[] {
	const [count, length] = [BLOCKS[version], CORRECTION[version]];
	const all = Math.floor(room(version) / 8);
	const short = count - (all % count);
	const own = Math.floor(all / count) - length;
	const by = divisor(length);
	let at = 0;
	const blocks = Array.from({ length: count }, (_, i) => {
		const part = data.slice(at, (at += own + (i < short ? 0 : 1)));
		return { part, correction: remainder(part, by) };
	});
	const out: number[] = [];
	for (let i = 0; i <= own; i++) for (const { part } of blocks) if (i < part.length) out.push(part[i]);
	for (let i = 0; i < length; i++) for (const { correction } of blocks) out.push(correction[i]);
	return out;
}

type Square = (boolean | null)[][];

function alignments(version: number): number[] {
	if (version === 1) return [];
	const count = Math.floor(version / 7) + 2;
	const step = Math.ceil((version * 4 + 4) / (count * 2 - 2)) * 2;
	return [6, ...Array.from({ length: count - 1 }, (_, i) => version * 4 + 10 - (count - 2 - i) * step)];
}

function frame(version: number): Square {
	const size = version * 4 + 17;
	const square: Square = Array.from({ length: size }, () => Array(size).fill(null));
	const set = (x: number, y: number, on: boolean) => {
		if (x >= 0 && y >= 0 && x < size && y < size) square[y][x] = on;
	};
	for (let i = 0; i < size; i++) {
		set(6, i, i % 2 === 0);
		set(i, 6, i % 2 === 0);
	}
	for (const [cx, cy] of [[3, 3], [size - 4, 3], [3, size - 4]]) for (let dy = -4; dy <= 4; dy++) for (let dx = -4; dx <= 4; dx++) set(cx + dx, cy + dy, ![2, 4].includes(Math.max(Math.abs(dx), Math.abs(dy))));
	const centres = alignments(version);
	const last = centres.length - 1;
	centres.forEach((cx, i) =>
		centres.forEach((cy, j) => {
			if ((i === 0 && j === 0) || (i === 0 && j === last) || (i === last && j === 0)) return;
			for (let dy = -2; dy <= 2; dy++) for (let dx = -2; dx <= 2; dx++) set(cx + dx, cy + dy, Math.max(Math.abs(dx), Math.abs(dy)) !== 1);
		})
	);
	return square;
}

/** What is said of mask and level, and of the version; placed twice each. */
function inform(square: Square, version: number, mask: number): void {
	const size = square.length;
	let rest = mask;
	for (let i = 0; i < 10; i++) rest = (rest << 1) ^ ((rest >>> 9) * 0x537);
	const bits = ((mask << 10) | rest) ^ 0x5412;
	const bit = (i: number) => ((bits >>> i) & 1) === 1;
	for (let i = 0; i <= 5; i++) square[i][8] = bit(i);
	square[7][8] = bit(6);
	square[8][8] = bit(7);
	square[8][7] = bit(8);
	for (let i = 9; i < 15; i++) square[8][14 - i] = bit(i);
	for (let i = 0; i < 8; i++) square[8][size - 1 - i] = bit(i);
	for (let i = 8; i < 15; i++) square[size - 15 + i][8] = bit(i);
	square[size - 8][8] = true;
	if (version < 7) return;
	let over = version;
	for (let i = 0; i < 12; i++) over = (over << 1) ^ ((over >>> 11) * 0x1f25);
	const own = (version << 12) | over;
	for (let i = 0; i < 18; i++) {
		const on = ((own >>> i) & 1) === 1;
		const [a, b] = [size - 11 + (i % 3), Math.floor(i / 3)];
		square[b][a] = on;
		square[a][b] = on;
	}
}

const MASKS: ((x: number, y: number) => boolean)[] = [
	(x, y) => (x + y) % 2 === 0,
	(_, y) => y % 2 === 0,
	(x) => x % 3 === 0,
	(x, y) => (x + y) % 3 === 0,
	(x, y) => (Math.floor(x / 3) + Math.floor(y / 2)) % 2 === 0,
	(x, y) => ((x * y) % 2) + ((x * y) % 3) === 0,
	(x, y) => (((x * y) % 2) + ((x * y) % 3)) % 2 === 0,
	(x, y) => (((x + y) % 2) + ((x * y) % 3)) % 2 === 0
];

/** How hard a code is to read: long runs, blocks, what looks like a finder, and too much of one colour. */
function penalty(square: boolean[][]): number {
	const size = square.length;
	let sum = 0;
	const lines = [...square, ...square.map((_, x) => square.map((row) => row[x]))];
	for (const line of lines) {
		for (let i = 0; i < size; ) {
			let j = i;
			while (j < size && line[j] === line[i]) j++;
			if (j - i >= 5) sum += j - i - 2;
			i = j;
		}
		const text = line.map((it) => (it ? '1' : '0')).join('');
		for (const wrong of ['10111010000', '00001011101']) for (let at = text.indexOf(wrong); at >= 0; at = text.indexOf(wrong, at + 1)) sum += 40;
	}
	for (let y = 0; y + 1 < size; y++) for (let x = 0; x + 1 < size; x++) if (square[y][x] === square[y][x + 1] && square[y][x] === square[y + 1][x] && square[y][x] === square[y + 1][x + 1]) sum += 3;
	const dark = square.flat().filter(Boolean).length;
	return sum + Math.floor(Math.abs((dark * 20) / (size * size) - 10)) * 10;
}

/** The modules of a code, row by row; null of a text that is too long. */
export function qrCode(text: string): boolean[][] | null {
	const bytes = new TextEncoder().encode(text);
	const fits = (version: number) => 4 + (version < 10 ? 8 : 16) + bytes.length * 8 <= dataWords(version) * 8;
	let version = 1;
	while (version <= MOST_VERSION && !fits(version)) version++;
	if (version > MOST_VERSION) return null;
	const sent = woven(words(bytes, version), version);
	// What says mask and version is reserved first, so that no data falls on it.
	const reserved = frame(version);
	inform(reserved, version, 0);
	const size = reserved.length;
	const path: [number, number][] = [];
	for (let right = size - 1; right >= 1; right -= 2) {
		if (right === 6) right = 5;
		for (let vertical = 0; vertical < size; vertical++) {
			for (let j = 0; j < 2; j++) {
				const up = ((right + 1) & 2) === 0;
				const [x, y] = [right - j, up ? size - 1 - vertical : vertical];
				if (reserved[y][x] === null) path.push([x, y]);
			}
		}
	}
	const codes = MASKS.map((isOn, mask) => {
		const square = reserved.map((row) => [...row]);
		path.forEach(([x, y], i) => (square[y][x] = (((sent[i >>> 3] ?? 0) >>> (7 - (i & 7))) & 1) === 1 !== isOn(x, y)));
		inform(square, version, mask);
		return square as boolean[][];
	});
	return codes.reduce((best, it) => (penalty(it) < penalty(best) ? it : best));
}

/** The dark modules as one path of an SVG, with the quiet zone of four around it. */
export function qrPath(modules: boolean[][]): string {
	return modules.flatMap((row, y) => row.map((on, x) => (on ? `M${x + 4} ${y + 4}h1v1h-1z` : ''))).join('');
}
