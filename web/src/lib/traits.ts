// What sets the members of a segment apart: names, the condition behind each row, and where its bar lies. Pure.
import type { TraitRow } from './api/segments';
import { factName, type Speaker } from './condition-sentence';
import type { Scalar, Test, ValueType } from './conditions';
import type { Leaf, Tree } from './condition-tree';
import { valueName } from './facts';

const MOST_LIFT = 10;

/** "Country: DE", "Did “Order Refunded”". */
export function traitName(row: Pick<TraitRow, 'kind' | 'key' | 'value'>, speaker: Speaker): string {
	const { t } = speaker;
	const upper = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);
	if (row.kind === 'did') return upper(t('traits.did', { event: row.key }));
	const name = factName(row.key, speaker);
	const value = readTrait(row.value, 'number');
	if (value === null) return upper(t('traits.known', { name }));
	if (typeof value === 'object') return upper(t('traits.at_least', { name, value: speaker.number(value.at_least) }));
	const said = typeof value === 'boolean' ? t(value ? 'value.yes' : 'value.no') : typeof value === 'number' ? speaker.number(value) : valueName(row.key, value, speaker);
	return upper(t('traits.fact', { name, value: said }));
}

/** Values come as text: amounts with a bound, truths and, where the fact holds numbers, numbers are read back. */
function readTrait(value: TraitRow['value'], type: ValueType): Scalar | { at_least: number } | null {
	if (typeof value !== 'string') return value;
	const bound = /^>= (-?\d+(?:\.\d+)?)$/.exec(value);
	if (bound) return { at_least: Number(bound[1]) };
	if (value === 'true' || value === 'false') return value === 'true';
	return type === 'number' && /^-?(0|[1-9]\d*)(\.\d+)?$/.test(value) ? Number(value) : value;
}

/** The members who have it, as a condition: the way to these people. What is known to be text stays text, though it look like a number. */
export function traitCondition(segment: string, { kind, key, value }: Pick<TraitRow, 'kind' | 'key' | 'value'>, type: ValueType = 'number'): Tree {
	const read = readTrait(value, type);
	const test = (): Test => {
		if (read === null) return { op: 'exists' };
		if (typeof read === 'object') return { op: 'at_least', value: read.at_least };
		if (typeof read === 'boolean') return { op: read ? 'is_true' : 'is_false' };
		return { op: 'equals', value: read };
	};
	const leaf: Leaf = kind === 'did' ? { performed: { event: key } } : { fact: { key, ...test() } };
	return { all: [{ segment: { key: segment } }, leaf] };
}

/** How far the picture reaches to either side of "as often": the furthest end of what is shown, twice at least, ten times at most. */
export function reach(rows: Pick<TraitRow, 'lift' | 'lift_low' | 'lift_high'>[]): number {
	const ends = rows.flatMap((row) => [row.lift, row.lift_low, row.lift_high]).filter((lift) => lift !== null && lift > 0) as number[];
	return Math.min(MOST_LIFT, Math.max(2, ...ends.map((lift) => Math.max(lift, 1 / lift))));
}

/** Where a lift lies, from 0 to 1 with "as often" in the middle: twice and half are equally far from it. Without a number it is beyond the end. */
export function place(lift: number | null, most: number): number {
	if (lift === null) return 1;
	if (lift <= 0) return 0;
	return Math.min(1, Math.max(0, 0.5 + Math.log(lift) / (2 * Math.log(most))));
}
