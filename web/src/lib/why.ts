// Why somebody is in a segment, or is not: what each test finds now, in words, and the tests that stand between. The words come from
// the caller, so that this can be tested in both languages. Pure.
import type { Figure, WhyPart } from './api/segments';
import type { Leaf, Tree } from './condition-tree';
import type { Speaker } from './condition-sentence';
import { readSpan } from './questions';

type Words = Pick<Speaker, 't' | 'number' | 'date'>;

const UNITS = [['day', 86_400], ['hour', 3600], ['minute', 60], ['second', 1]] as const;

/** Seconds in the unit in which what is needed is still two or more. */
function passed(value: number, needed: number | undefined, { t, number }: Words): string {
	const [unit, seconds] = UNITS.find(([, length]) => (needed ?? value) >= 2 * length) ?? UNITS[3];
	const count = (of: number) => Math.floor(of / seconds);
	const over = (n: number) => t(`say.over.${unit}`, { n });
	if (needed === undefined) return over(count(value));
	const all = Math.ceil(needed / seconds);
	return value < needed ? t('why.figure.of', { n: number(count(value)), all: over(all) }) : t('why.figure.passed', { passed: over(count(value)), all: over(all) });
}

/** Days of a window that is counted in days: "4 of 7 days" says more than "4 days". */
function windowDays(leaf: Leaf): number | null {
	if (!('measured' in leaf) || !leaf.measured.within || !('last' in leaf.measured.within)) return null;
	const { count, unit } = readSpan(leaf.measured.within.last);
	return unit === 'd' ? count : unit === 'w' ? count * 7 : null;
}

function counted(n: number, leaf: Leaf | null, { t, number }: Words): string {
	if (!leaf) return number(n);
	if ('performed' in leaf) return t('why.figure.times', { n });
	if ('sequence' in leaf) return t('why.figure.of', { n: number(n), all: t('why.figure.steps', { n: Math.max(leaf.sequence.steps.length, n) }) });
	if ('streak' in leaf) return t('why.figure.in_a_row', { intervals: t(`who.in_a_row.${leaf.streak.interval}`, { n }) });
	if ('measured' in leaf && leaf.measured.measure === 'days') {
		const all = windowDays(leaf);
		return all === null ? t('say.over.day', { n }) : t('why.figure.of', { n: number(n), all: t('say.over.day', { n: all }) });
	}
	if ('measured' in leaf && leaf.measured.measure === 'distinct') return t('why.figure.different', { n });
	return number(n);
}

function known(value: string | number | boolean, leaf: Leaf | null, { t, number, date }: Words): string {
	if (leaf && 'fact' in leaf && leaf.fact.key.startsWith('list.')) return t(value ? 'why.figure.listed' : 'why.figure.not_listed');
	if (typeof value === 'boolean') return t(value ? 'value.yes' : 'value.no');
	if (typeof value === 'number') return number(value);
	return /^\d{4}-\d\d-\d\d(T|$)/.test(value) ? date(value) : value;
}

/** What a test finds now: "2 times", "4 of 7 days", "DE", "since 3 March". Without the test at hand a number stands alone. */
export function figureText({ kind, value, needed }: Figure, leaf: Leaf | null, words: Words): string {
	const { t } = words;
	if (kind === 'at') return value === null ? t('why.figure.never') : t(leaf && 'segment' in leaf ? 'why.figure.since' : 'why.figure.on', { date: words.date(String(value)) });
	if (kind === 'passed') return passed(Number(value ?? 0), needed, words);
	if (value === null) return kind === 'count' ? counted(0, leaf, words) : t('why.figure.unknown');
	if (kind === 'count') return counted(Number(value), leaf, words);
	if (kind === 'amount') return words.number(Number(value));
	if (kind === 'place') return t('why.figure.place', { n: words.number(Number(value)) });
	return known(value, leaf, words);
}

/** The part of a condition that belongs to the part of the reasons at the same place. */
export function childOf(parent: Tree | null, at: number): Tree | null {
	if (!parent) return null;
	if ('not' in parent) return at === 0 ? parent.not : null;
	return ('all' in parent ? parent.all[at] : 'any' in parent ? parent.any[at] : null) ?? null;
}

/** The tests of a condition by their text, as the reasons name them. */
export function testsByText(why: WhyPart, tree: Tree | null, found = new Map<string, Leaf>()): Map<string, Leaf> {
	const parts = why.parts ?? [];
	if (tree && parts.length === 0 && !('all' in tree) && !('any' in tree) && !('not' in tree)) found.set(why.text, tree);
	parts.forEach((part, i) => testsByText(part, childOf(tree, i), found));
	return found;
}

/** What would have to be so: a test that fails has to hold, and one that holds has to stop. */
export const wanted = (part: WhyPart, leaf: Leaf): Tree => (part.holds ? { not: leaf } : leaf);
