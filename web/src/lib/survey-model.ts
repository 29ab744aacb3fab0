// A model of causes as it is drawn: blocks in the order of their paths, and each path as an arc that leaves room for its words. Pure.
import type { components } from '$lib/api/schema';
import { SCALES, type Question } from '$lib/surveys';

type Schemas = components['schemas'];
export type Model = Schemas['ModelShape'];
export type ModelBlock = Schemas['BlockShape'];
export type ModelPath = Schemas['PathShape'];
export type Figure = Schemas['FigureShape'];
export type LeftOut = Schemas['LeftOutShape'];
export type Whole = Schemas['WholeShape'];
export type People = Schemas['ModelPeople'];
export type ModelPerson = Schemas['ModelPerson'];
export type Styles = Schemas['StylesShape'];
export type Styled = Schemas['StyledShape'];
/** A model as somebody draws it. */
export interface Drawn {
	blocks: { key: string; questions: string[] }[];
	paths: { from: string; to: string }[];
}
export const DIMENSIONS = ['language', 'channel', 'touchpoint', 'product', 'agent', 'source', 'wave', 'version'] as const;
/** From here on two blocks can hardly be told apart, or a block holds together. */
export const APART = 0.85;
export const RELIABLE = 0.7;
export const EXTRACTED = 0.5;

/** What a model can be made of: points on a scale, and yes or no that stand for 1 and 0. */
export function isOfModels({ answer }: Question): boolean {
	if (SCALES.includes(answer.kind)) return true;
	return answer.kind === 'single' && !answer.other && answer.choices.map((it) => it.value).sort().join() === '0,1';
}
/** The question of a drawn model that fewest answered, where that is less than half of all: without it the model would rest on more. */
export function costliest({ answers, incomplete, blocks }: Model): { question: string; answered: number } | undefined {
	const [least] = blocks.flatMap((it) => it.questions).sort((a, b) => a.answered - b.answered);
	return least && least.answered < (answers + incomplete) / 2 ? least : undefined;
}

/** Its interval holds zero, or it is not known. */
export const isUnsure = (it: Figure): boolean => it.low === null || it.low === undefined || it.high === null || it.high === undefined || (it.low <= 0 && it.high >= 0);

/** Causes before what they cause; of several that could be next the one that was named first. What goes in a circle comes last, as it was named. */
export function ordered(keys: readonly string[], paths: readonly { from: string; to: string }[]): string[] {
	const done: string[] = [];
	while (done.length < keys.length) {
		const left = keys.filter((key) => !done.includes(key));
		done.push(left.find((key) => paths.every((path) => path.to !== key || !left.includes(path.from))) ?? left[0]);
	}
	return done;
}

export interface Arc {
	path: ModelPath & { path: Figure };
	/** How many places it leads on; less than 0 where it leads back. */
	span: number;
	/** Where it begins and ends, along the row of blocks. */
	start: number;
	end: number;
	/** How far it goes out, which is where its words stand: longer ones further. */
	out: number;
}
export interface Measures {
	/** Between the middles of two neighbours. */
	step: number;
	/** How much of a block's side arcs may use. */
	side: number;
	/** How far out an arc between neighbours goes, and each place more. */
	first: number;
	more: number;
}
/** Arcs of the same length have their words side by side, longer ones beyond them: no two words stand in one place. */
export function arcs(order: readonly string[], paths: readonly ModelPath[], { step, side, first, more }: Measures): Arc[] {
	const drawn = paths.filter((it): it is Arc['path'] => !!it.path);
	const place = (key: string) => order.indexOf(key);
	const length = (it: ModelPath) => place(it.to) - place(it.from);
	const middle = (at: number) => step * at + step / 2;
	/** Those of one block side by side, the short ones at its edge, so that they do not cross. */
	const offset = (own: Arc['path'], mine: Arc['path'][]) => (side * (mine.length - mine.indexOf(own))) / (mine.length + 1);
	return drawn.map((path) => {
		const span = length(path);
		const sameWay = (it: Arc['path']) => length(it) > 0 === span > 0;
		const short = (a: Arc['path'], b: Arc['path']) => Math.abs(length(a)) - Math.abs(length(b));
		const leaving = drawn.filter((it) => it.from === path.from && sameWay(it)).sort(short);
		const coming = drawn.filter((it) => it.to === path.to && sameWay(it)).sort(short);
		const way = span > 0 ? 1 : -1;
		return { path, span, start: middle(place(path.from)) + way * offset(path, leaving), end: middle(place(path.to)) - way * offset(path, coming), out: first + more * (Math.abs(span) - 1) };
	});
}

/** What was drawn in an address, as far as it can be. */
export function readDrawn(text: string | null, questions: readonly string[]): Drawn | null {
	try {
		const found = JSON.parse(text ?? '') as Drawn;
		const blocks = found.blocks.map((it) => ({ key: String(it.key).slice(0, 60), questions: it.questions.filter((own) => questions.includes(own)) })).filter((it) => it.key && it.questions.length);
		const has = (key: string) => blocks.some((it) => it.key === key);
		const paths = found.paths.filter((it) => has(it.from) && has(it.to) && it.from !== it.to).map(({ from, to }) => ({ from, to }));
		return blocks.length ? { blocks, paths } : null;
	} catch {
		return null;
	}
}
/** A question goes to a block of this name, which comes about or goes as it does. */
export function inBlock(drawn: Drawn, question: string, key: string): Drawn {
	const name = key.trim();
	const without = drawn.blocks.map((it) => ({ ...it, questions: it.questions.filter((own) => own !== question) }));
	const has = without.some((it) => it.key === name);
	const blocks = (has ? without.map((it) => (it.key === name ? { ...it, questions: [...it.questions, question] } : it)) : name ? [...without, { key: name, questions: [question] }] : without).filter((it) => it.questions.length);
	const there = (it: string) => blocks.some((block) => block.key === it);
	return { blocks, paths: drawn.paths.filter((it) => there(it.from) && there(it.to)) };
}
export function withPath(drawn: Drawn, from: string, to: string, is: boolean): Drawn {
	const others = drawn.paths.filter((it) => !(it.from === from && it.to === to));
	// Of two blocks one leads to the other.
	return { ...drawn, paths: is ? [...others.filter((it) => !(it.from === to && it.to === from)), { from, to }] : others };
}
/** Every block must be on a path before it can be fitted. */
export const isWhole = (drawn: Drawn): boolean => drawn.blocks.length > 1 && drawn.blocks.every((block) => drawn.paths.some((it) => it.from === block.key || it.to === block.key));

/** Whose index of a block is looked for: at least, and less than. */
export interface Bound {
	block: string;
	from?: number;
	to?: number;
}
/** From here on an index is high, below the other it is low. */
export const HIGH = 67;
export const LOW = 50;

/** The bounds as they stand in an address, `satisfaction:67:,loyalty::50`; only of blocks that there are. */
export function readBounds(text: string | null, blocks: readonly string[]): Bound[] {
	const number = (part: string | undefined) => (part && Number.isFinite(Number(part)) ? Math.max(0, Math.min(100, Number(part))) : undefined);
	return (text ?? '').split(',').flatMap((part) => {
		const [name = '', from, to] = part.split(':');
		const block = blocks.find((key) => encodeURIComponent(key) === name);
		const bound = { from: number(from), to: number(to) };
		return block !== undefined && (bound.from !== undefined || bound.to !== undefined) ? [{ block, ...bound }] : [];
	});
}
export const writeBounds = (bounds: readonly Bound[]): string => bounds.map((it) => `${encodeURIComponent(it.block)}:${it.from ?? ''}:${it.to ?? ''}`).join(',');

/** What one would ask of a path: who has what leads somewhere and is not there, and who is there without it. Paths that may be none, or lead down, say nothing of that. */
export function ways(paths: readonly ModelPath[]): Bound[][] {
	const sure = paths.filter((it) => it.path && !isUnsure(it.path) && it.path.estimate > 0);
	return sure.map((it) => [{ block: it.from, from: HIGH }, { block: it.to, to: LOW }]);
}
