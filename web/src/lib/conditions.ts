// The one condition tree, as the server stores it, and what the builder does to it: make, edit at a path, prune what is not
// finished yet. Pure: nothing here knows about the screen.

export type Scalar = string | number | boolean;

export const OPERATORS = [
	'equals', 'not_equals', 'in', 'not_in', 'contains', 'not_contains', 'starts_with', 'ends_with',
	'at_least', 'more_than', 'at_most', 'less_than', 'between', 'exists', 'not_exists', 'is_true', 'is_false', 'before', 'after',
	'in_last', 'in_next'
] as const;
export type Operator = (typeof OPERATORS)[number];

export interface Test {
	op: Operator;
	value?: Scalar;
	/** For in and not_in: the list. For between: lower and upper bound, both included. */
	values?: Scalar[];
}
export type Times = { at_least: number } | { at_most: number } | { exactly: number } | { between: [number, number] };
/** Without a beginning or an end, a period is open there. */
export type Period = { last: string } | { from?: string; to?: string } | { all: true };
export interface Performed {
	event: string;
	where: Condition | null;
	times: Times;
	within: Exclude<Period, { all: true }> | null;
}
export type Condition =
	| { all: Condition[] }
	| { any: Condition[] }
	| { not: Condition }
	| { property: Test & { path: string } }
	| { fact: Test & { key: string } }
	| { performed: Performed };

export type ValueType = 'text' | 'number' | 'boolean' | 'time';

/** What an operator takes: nothing, one value, two (between), a list, or a length of time. */
export function operands(op: Operator): 'none' | 'one' | 'two' | 'list' | 'span' {
	if (op === 'exists' || op === 'not_exists' || op === 'is_true' || op === 'is_false') return 'none';
	if (op === 'between') return 'two';
	if (op === 'in' || op === 'not_in') return 'list';
	if (op === 'in_last' || op === 'in_next') return 'span';
	return 'one';
}

const BY_TYPE: Record<ValueType, Operator[]> = {
	text: ['equals', 'not_equals', 'in', 'not_in', 'contains', 'not_contains', 'starts_with', 'ends_with', 'exists', 'not_exists'],
	number: ['equals', 'not_equals', 'at_least', 'more_than', 'at_most', 'less_than', 'between', 'exists', 'not_exists'],
	boolean: ['is_true', 'is_false', 'exists', 'not_exists'],
	time: ['after', 'before', 'between', 'exists', 'not_exists']
};
export const operatorsFor = (type: ValueType): Operator[] => BY_TYPE[type];

/** Facts can be compared with the present, too. A fact that looks like text may hold anything, so everything is offered. */
export function factOperators(type: ValueType): Operator[] {
	if (type === 'time') return [...BY_TYPE.time, 'in_last', 'in_next'];
	return type === 'text' ? [...new Set<Operator>([...BY_TYPE.text, ...BY_TYPE.number, 'after', 'before', 'in_last', 'in_next'])] : BY_TYPE[type];
}

/** The builder's type for a property, from the types seen in the data. Mixed types are edited as text. */
export function valueType(types: readonly string[]): ValueType {
	const seen = types.filter((type) => type !== 'null');
	const every = (...names: string[]) => seen.length > 0 && seen.every((type) => names.includes(type));
	if (every('integer', 'number', 'float', 'decimal', 'money', 'double', 'long')) return 'number';
	if (every('boolean', 'bool')) return 'boolean';
	if (every('time', 'timestamp', 'date', 'datetime')) return 'time';
	return 'text';
}

/** A typed-in text as the value the tree stores. Numbers stay numbers; what is not one is kept as text. */
export function readValue(text: string, type: ValueType): Scalar {
	if (type !== 'number') return text;
	const number = Number(text.trim().replace(',', '.'));
	return text.trim() !== '' && Number.isFinite(number) ? number : text;
}

/** The same test with another operator, keeping the values that still make sense. */
export function withOperator(test: Test, op: Operator): Test {
	const first = test.value ?? test.values?.[0];
	switch (operands(op)) {
		case 'none':
			return { op };
		case 'one':
			return first === undefined || operands(test.op) === 'span' ? { op } : { op, value: first };
		case 'two':
			return { op, values: test.values ?? (first === undefined ? [] : [first]) };
		case 'list':
			return { op, values: test.values ?? (first === undefined ? [] : [first]) };
		case 'span':
			return { op, value: operands(test.op) === 'span' && first !== undefined ? first : '30d' };
	}
}

export function testIsReady(test: Test): boolean {
	const filled = (value: Scalar | undefined) => value !== undefined && value !== '';
	switch (operands(test.op)) {
		case 'none':
			return true;
		case 'one':
		case 'span':
			return filled(test.value);
		case 'two':
			return test.values?.length === 2 && test.values.every(filled);
		case 'list':
			return (test.values?.filter(filled).length ?? 0) > 0;
	}
}

/** The tree without what is not filled in yet; null when nothing is left. The live answer uses this while one types. */
export function finished(condition: Condition | null | undefined): Condition | null {
	if (!condition) return null;
	if ('all' in condition || 'any' in condition) {
		const items = ('all' in condition ? condition.all : condition.any).map(finished).filter((item) => item !== null);
		if (items.length === 0) return null;
		return 'all' in condition ? { all: items } : { any: items };
	}
	if ('not' in condition) {
		const inner = finished(condition.not);
		return inner && { not: inner };
	}
	if ('property' in condition) return condition.property.path && testIsReady(condition.property) ? condition : null;
	if ('fact' in condition) return condition.fact.key && testIsReady(condition.fact) ? condition : null;
	if (!condition.performed.event) return null;
	return { performed: { ...condition.performed, where: finished(condition.performed.where), within: finishedSpan(condition.performed.within) } };
}

/** Dates that are not chosen yet leave the span open on that side; without any it is all of the past. */
function finishedSpan(within: Performed['within']): Performed['within'] {
	if (within === null || 'last' in within) return within;
	const { from, to } = within;
	return from || to ? { ...(from ? { from } : {}), ...(to ? { to } : {}) } : null;
}

// The builder works on a group at the root; these keep the stored tree as small as what it says.

export interface Group {
	kind: 'all' | 'any';
	items: Condition[];
}

export function asGroup(condition: Condition | null | undefined): Group {
	if (!condition) return { kind: 'all', items: [] };
	if ('all' in condition) return { kind: 'all', items: condition.all };
	if ('any' in condition) return { kind: 'any', items: condition.any };
	return { kind: 'all', items: [condition] };
}

export function fromGroup(group: Group): Condition | null {
	if (group.items.length === 0) return null;
	return group.kind === 'all' ? { all: group.items } : { any: group.items };
}

export function replaceAt(group: Group, index: number, item: Condition | null): Group {
	const items = [...group.items];
	if (item === null) items.splice(index, 1);
	else items[index] = item;
	return { ...group, items };
}

/** Turns "is" into "is not" and back. */
export function negated(condition: Condition): Condition {
	return 'not' in condition ? condition.not : { not: condition };
}

export function timesOf(times: Times): { how: 'at_least' | 'at_most' | 'exactly' | 'between'; low: number; high: number } {
	if ('at_least' in times) return { how: 'at_least', low: times.at_least, high: times.at_least };
	if ('at_most' in times) return { how: 'at_most', low: times.at_most, high: times.at_most };
	if ('exactly' in times) return { how: 'exactly', low: times.exactly, high: times.exactly };
	return { how: 'between', low: times.between[0], high: times.between[1] };
}

export function makeTimes(how: 'at_least' | 'at_most' | 'exactly' | 'between', low: number, high = low): Times {
	if (how === 'between') return { between: [Math.min(low, high), Math.max(low, high)] };
	if (how === 'at_least') return { at_least: low };
	if (how === 'at_most') return { at_most: low };
	return { exactly: low };
}

/** How many leaves a tree has: what the editor shows beside a folded filter. */
export function size(condition: Condition | null | undefined): number {
	if (!condition) return 0;
	if ('all' in condition) return condition.all.reduce((sum, item) => sum + size(item), 0);
	if ('any' in condition) return condition.any.reduce((sum, item) => sum + size(item), 0);
	if ('not' in condition) return size(condition.not);
	return 1;
}
