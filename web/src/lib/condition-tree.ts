// The whole condition tree of a segment, as the server stores it, and the draft that the builder edits: rows in groups, each row with
// an identity of its own, so that a field keeps its focus while others come and go. Every tree comes out of the draft as it went in:
// what the builder has no field for stays where it is. Pure.
import { finished, size, testIsReady, type Condition, type Test, type Times } from './conditions';
import { bound, parametersIn, type Parameters } from './parameters';

export const MEASURES = ['sum', 'average', 'smallest', 'largest', 'distinct', 'days'] as const;
export type Measure = (typeof MEASURES)[number];
export const STREAK_INTERVALS = ['day', 'week', 'month'] as const;
export type Within = { last: string } | { first: string } | { from?: string; to?: string };

export interface Events {
	event: string;
	where?: Condition | null;
}
/** Without `times` it is at least once; `which` looks at the first or last one only, and `having` tests that one. */
export interface Did extends Events {
	times?: Times;
	within?: Within | null;
	which?: 'first' | 'last';
	having?: Condition | null;
}
export interface Measured extends Events, Test {
	measure: Measure;
	path?: string;
	within?: Within | null;
}
export interface Sequence {
	steps: Events[];
	spanning?: string;
	same?: string;
	without?: Events & { within: string };
	within?: Within | null;
}
export interface Overdue extends Events {
	factor: number | string;
	gaps?: number;
}
export interface Streak extends Events {
	interval: (typeof STREAK_INTERVALS)[number];
	at_least: number;
}
export interface Changed {
	key: string;
	from?: string | number | boolean;
	to?: string | number | boolean;
	within?: Within | null;
}
export type Leaf =
	| { performed: Did }
	| { measured: Measured }
	| { sequence: Sequence }
	| { overdue: Overdue }
	| { streak: Streak }
	| { fact: Test & { key: string } }
	| { held: Test & { key: string; for: string } }
	| { changed: Changed }
	| { segment: { key: string; for?: string } }
	| { bucket: { salt: string; from: number; to: number } };
/** Only the outermost one says what its parameters are. */
export type Tree = ({ all: Tree[] } | { any: Tree[] } | { not: Tree } | Leaf) & { with?: Parameters };

export const LEAF_KINDS = ['performed', 'measured', 'sequence', 'overdue', 'streak', 'fact', 'held', 'changed', 'segment', 'list', 'bucket'] as const;
export type LeafKind = (typeof LEAF_KINDS)[number];

/** A tree, and what its parameters are. */
function apart(tree: Tree): [Tree, Parameters] {
	const { with: parameters, ...rest } = tree;
	return [rest as Tree, parameters ?? {}];
}

/** The same with the values of its parameters in their places. */
export function boundTree(tree: Tree): Tree {
	const [rest, parameters] = apart(tree);
	return bound(rest, parameters);
}

/** Whether something from an address has the shape of a tree. What its tests say, the server judges. */
export function isTree(value: unknown): value is Tree {
	if (!value || typeof value !== 'object' || !('with' in value)) return isPart(value);
	return typeof value.with === 'object' && value.with !== null && isPart(apart(value as Tree)[0]);
}

function isPart(value: unknown): value is Tree {
	if (!value || typeof value !== 'object' || Array.isArray(value) || Object.keys(value).length !== 1) return false;
	if ('all' in value) return Array.isArray(value.all) && value.all.every(isPart);
	if ('any' in value) return Array.isArray(value.any) && value.any.every(isPart);
	if ('not' in value) return isPart(value.not);
	const [inner] = Object.values(value);
	if ('sequence' in value && !Array.isArray((inner as Sequence | null)?.steps)) return false;
	return inner !== null && typeof inner === 'object';
}

/** Being in a list is a fact, "list.<key>", that is true. */
const LIST = 'list.';
export const listLeaf = (key: string): Leaf => ({ fact: { key: LIST + key, op: 'is_true' } });
/** The list of such a fact; empty while none is chosen. */
export const listKey = (fact: string): string => (fact.startsWith(LIST) ? fact.slice(LIST.length) : '');

/** Null for a kind that is newer than this console. */
export function kindOf(leaf: Leaf): LeafKind | null {
	if ('fact' in leaf && leaf.fact.key.startsWith(LIST) && leaf.fact.op === 'is_true') return 'list';
	return LEAF_KINDS.find((kind) => kind in leaf) ?? null;
}

export interface TestItem {
	id: number;
	/** How many times it is negated: twice is allowed, if odd. */
	nots: number;
	leaf: Leaf;
}
export interface GroupItem {
	id: number;
	nots: number;
	kind: 'all' | 'any';
	items: Item[];
}
export type Item = TestItem | GroupItem;
export interface Draft {
	/** The tree was no group of its own (or nothing at all): a single row comes out bare. */
	bare: boolean;
	group: GroupItem;
	/** What the parameters are. */
	parameters: Parameters;
}

let last = 0;
const id = () => ++last;

export const testItem = (leaf: Leaf): TestItem => ({ id: id(), nots: 0, leaf });
export const groupItem = (kind: 'all' | 'any', items: Item[]): GroupItem => ({ id: id(), nots: 0, kind, items });
export const isGroup = (item: Item): item is GroupItem => 'items' in item;

function toItem(tree: Tree): Item {
	let nots = 0;
	let inner = tree;
	while ('not' in inner) {
		nots += 1;
		inner = inner.not;
	}
	if ('all' in inner) return { ...groupItem('all', inner.all.map(toItem)), nots };
	if ('any' in inner) return { ...groupItem('any', inner.any.map(toItem)), nots };
	return { ...testItem(inner), nots };
}

function fromItem(item: Item): Tree {
	let tree: Tree = !isGroup(item) ? item.leaf : item.kind === 'all' ? { all: item.items.map(fromItem) } : { any: item.items.map(fromItem) };
	for (let i = 0; i < item.nots; i++) tree = { not: tree };
	return tree;
}

export function toDraft(whole: Tree | null): Draft {
	if (!whole) return { bare: true, group: groupItem('all', []), parameters: {} };
	const [tree, parameters] = apart(whole);
	const item = toItem(tree);
	if (isGroup(item) && item.nots === 0) return { bare: false, group: item, parameters };
	return { bare: true, group: groupItem('all', [item]), parameters };
}

/** Parameters that no row uses any more are left out. */
export function fromDraft({ bare, group, parameters }: Draft): Tree | null {
	if (bare && group.items.length === 0) return null;
	const tree = bare && group.items.length === 1 && group.nots === 0 ? fromItem(group.items[0]) : fromItem(group);
	const used = parametersIn(tree).filter((name) => name in parameters);
	return used.length ? { ...tree, with: Object.fromEntries(used.map((name) => [name, parameters[name]])) } : tree;
}

/** The group with one item exchanged or, for null, taken out. */
export function withItem(group: GroupItem, at: number, item: Item | null): GroupItem {
	return { ...group, items: group.items.flatMap((old, i) => (i === at ? (item ? [item] : []) : [old])) };
}

/** The whole draft with another root. Emptied by hand it says nothing, rather than "everyone". */
export const withGroup = (draft: Draft, group: GroupItem): Draft => ({ ...draft, bare: draft.bare || group.items.length === 0, group });

export const negate = <T extends Item>(item: T): T => ({ ...item, nots: item.nots % 2 === 1 ? item.nots - 1 : item.nots + 1 });
export const isNegated = (item: Item): boolean => item.nots % 2 === 1;

const ORDER = 'Order Completed';
const COMMON = { last: '90d' };

/** A first test of a kind, keeping the event or the fact that stood there before. */
export function firstLeaf(kind: LeafKind, before?: Leaf): Leaf {
	const inner = before ? (Object.values(before)[0] as Partial<Events & { key: string; steps: Events[] }>) : {};
	const events: Events = inner.steps?.[0] ?? (inner.event === undefined ? { event: ORDER } : { event: inner.event, ...(inner.where ? { where: inner.where } : {}) });
	const key = inner.key !== undefined && !(before && ('segment' in before || kindOf(before) === 'list')) ? inner.key : '';
	switch (kind) {
		case 'performed':
			return { performed: { ...events, within: COMMON } };
		case 'measured':
			return { measured: { measure: 'sum', path: 'revenue', ...events, within: { last: '365d' }, op: 'at_least', value: 500 } };
		case 'sequence':
			return { sequence: { steps: [events], without: { event: '', within: '1h' }, within: { last: '7d' } } };
		case 'overdue':
			return { overdue: { ...events, factor: 1.5, gaps: 3 } };
		case 'streak':
			return { streak: { ...events, interval: 'week', at_least: 3 } };
		case 'fact':
			return { fact: { key, op: 'equals' } };
		case 'held':
			return { held: { key, op: 'equals', for: '30d' } };
		case 'changed':
			return { changed: { key, within: { last: '30d' } } };
		case 'segment':
			return { segment: { key: '' } };
		case 'list':
			return listLeaf('');
		case 'bucket':
			return { bucket: { salt: 'default', from: 0, to: 10 } };
	}
}

const filled = (text: unknown) => typeof text === 'string' && text.trim() !== '';
const whole = (condition: Condition | null | undefined) => size(finished(condition)) === size(condition);
const named = (events: Events) => filled(events.event) && whole(events.where);
const placed = (within: Within | null | undefined) => !within || 'last' in within || 'first' in within || filled(within.from) || filled(within.to);

/** Whether a row says enough for the server. What this console does not know, the server judges. */
export function leafIsReady(leaf: Leaf): boolean {
	if (parametersIn(leaf).length > 0) return true;
	if ('performed' in leaf) return named(leaf.performed) && whole(leaf.performed.having) && placed(leaf.performed.within);
	if ('measured' in leaf) {
		const { measured } = leaf;
		return named(measured) && (measured.measure === 'days' || filled(measured.path)) && testIsReady(measured) && placed(measured.within);
	}
	if ('sequence' in leaf) {
		const { steps, without, within, spanning } = leaf.sequence;
		return steps.every(named) && (!without || named(without)) && (steps.length > 1 ? filled(spanning) : without !== undefined) && placed(within);
	}
	if ('overdue' in leaf) return named(leaf.overdue) && Number(leaf.overdue.factor) > 0;
	if ('streak' in leaf) return named(leaf.streak) && leaf.streak.at_least > 0;
	if ('fact' in leaf) return filled(leaf.fact.key) && leaf.fact.key !== LIST && testIsReady(leaf.fact);
	if ('held' in leaf) return filled(leaf.held.key) && testIsReady(leaf.held);
	if ('changed' in leaf) return filled(leaf.changed.key) && placed(leaf.changed.within);
	if ('segment' in leaf) return filled(leaf.segment.key);
	if ('bucket' in leaf) return filled(leaf.bucket.salt) && leaf.bucket.from < leaf.bucket.to;
	return true;
}

/** How many rows still miss something; an empty group to be joined by "or" counts, because it can never hold. */
export function unfinished(item: Item): number {
	if (!isGroup(item)) return leafIsReady(item.leaf) ? 0 : 1;
	return item.items.length === 0 && item.kind === 'any' ? 1 : item.items.reduce((sum, child) => sum + unfinished(child), 0);
}

function readyPart(item: Item): Item | null {
	if (!isGroup(item)) return leafIsReady(item.leaf) ? item : null;
	const items = item.items.map(readyPart).filter((child) => child !== null);
	return items.length === 0 && item.items.length > 0 ? null : { ...item, items };
}

/** The tree without the rows that are still being filled in; null when nothing is left. The live estimate asks for this. */
export function readyTree(draft: Draft): Tree | null {
	const group = readyPart(draft.group);
	if (!group || unfinished(group) > 0) return null;
	// One row that is ready among others that are not is no bare row: it comes out as it will be saved.
	return fromDraft({ ...draft, bare: draft.bare && draft.group.items.length < 2, group: group as GroupItem });
}

/** An object with a field set or, for undefined and null, without it. */
export function withField<T extends object, K extends keyof T>(value: T, field: K, next: T[K] | null | undefined): T {
	const { [field]: _, ...rest } = value;
	return (next === undefined || next === null ? rest : { ...rest, [field]: next }) as T;
}

/** The event and its filter exchanged, all else kept. */
export const withEvents = <T extends Events>(value: T, next: Events): T => withField({ ...value, event: next.event }, 'where', next.where);

/** The times as the fields show them: left out means at least once. */
export const timesOrOnce = (times: Times | undefined): Times => times ?? { at_least: 1 };
