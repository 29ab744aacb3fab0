// A condition as a sentence, in the reader's language. The words come from the caller, so that this can be tested in both languages.
import { operands, type Condition, type Scalar, type Test, type Times } from './conditions';
import { boundTree, kindOf, listKey, timesOrOnce, type Changed, type Did, type Events, type Leaf, type Measured, type Sequence, type Tree, type Within } from './condition-tree';
import { valueName } from './facts';
import { humanize } from './formatting';
import { readSpan } from './questions';
import type { Key } from './i18n/index.svelte';
import type { Params } from './i18n/fill';

export interface Speaker {
	t: (key: Key, params?: Params) => string;
	has: (key: string) => key is Key;
	number: (value: number) => string;
	date: (iso: string) => string;
	/** What a segment is called. */
	segment: (key: string) => string;
	/** What a list is called. */
	list: (key: string) => string;
	/** What stands between words: a space, or nothing in Chinese. */
	gap: string;
}

/** Joins like a speaker does: "a and b", "a, b, and c". */
function listed(parts: string[], word: 'and' | 'or', { t }: Speaker): string {
	if (parts.length < 2) return parts.join('');
	if (parts.length === 2) return parts.join(t(`who.${word}`));
	return parts.slice(0, -1).join(t('who.comma')) + t(`who.${word}_last`) + parts[parts.length - 1];
}

/** The pieces that are there, each with the gap before it. */
const after = (piece: string, { gap }: Speaker) => (piece ? gap + piece : '');

function spanText(span: string, { t }: Speaker): string {
	const { count, unit } = readSpan(span);
	const names = { s: 'second', m: 'minute', h: 'hour', d: 'day', w: 'week' } as const;
	return t(`say.over.${names[unit]}`, { n: count });
}

function valueText(value: Scalar | undefined, speaker: Speaker): string {
	if (value === undefined || value === '') return '…';
	if (typeof value === 'boolean') return speaker.t(value ? 'value.yes' : 'value.no');
	if (typeof value === 'number') return speaker.number(value);
	return /^\d{4}-\d\d-\d\d(T|$)/.test(value) ? speaker.date(value) : value;
}

function testText(test: Test, speaker: Speaker): string {
	const { t } = speaker;
	const value = (at?: Scalar) => valueText(at, speaker);
	switch (operands(test.op)) {
		case 'none':
			return t(`who.op.${test.op}` as Key);
		case 'two':
			return t('who.op.between', { from: value(test.values?.[0]), to: value(test.values?.[1]) });
		case 'list':
			return t(`who.op.${test.op}` as Key, { value: (test.values ?? []).map(value).join(t('list.and')) || '…' });
		case 'span':
			return t(`who.op.${test.op}` as Key, { value: spanText(String(test.value ?? ''), speaker) });
		case 'one':
			return t(`who.op.${test.op}` as Key, { value: value(test.value) });
	}
}

/** A property has the name that its sender gave it, but for what every event has. */
export const propertyName = (path: string, { t, has }: Pick<Speaker, 't' | 'has'>): string => (has(`property.${path}`) ? t(`property.${path}` as Key) : path || '…');

/** What an event itself must be like. */
export function tests(condition: Condition, speaker: Speaker, nested = false): string {
	const { t, gap } = speaker;
	if ('not' in condition) return t('who.test_not', { what: tests(condition.not, speaker) });
	if ('property' in condition) return propertyName(condition.property.path, speaker) + gap + testText(named(condition.property, condition.property.path, speaker), speaker);
	if ('all' in condition || 'any' in condition) {
		const items = 'all' in condition ? condition.all : condition.any;
		const text = listed(items.map((item) => tests(item, speaker, items.length > 1)), 'all' in condition ? 'and' : 'or', speaker);
		return nested && items.length > 1 ? t('who.group', { what: text }) : text;
	}
	return JSON.stringify(condition);
}

function filter(condition: Condition | null | undefined, speaker: Speaker): string {
	const text = condition ? tests(condition, speaker) : '';
	return text ? after(speaker.t('who.where', { tests: text }), speaker) : '';
}

function eventText(events: Events, { t }: Speaker): string {
	if (events.event === '*') return t('who.anything');
	return t('who.event', { name: events.event || '…' });
}
/** An event by itself, with what it must be like. */
export const eventClause = (events: Events, speaker: Speaker): string => eventWith(events, speaker);
const eventWith = (events: Events, speaker: Speaker) => eventText(events, speaker) + filter(events.where, speaker);

function when(within: Within | null | undefined, speaker: Speaker): string {
	const { t } = speaker;
	if (!within) return '';
	if ('last' in within) return t('who.when.last', { span: spanText(within.last, speaker) });
	if ('first' in within) return t('who.when.first', { span: spanText(within.first, speaker) });
	const [from, to] = [within.from, within.to].map((day) => (day ? speaker.date(day) : ''));
	if (from && to) return t('who.when.dates', { from, to });
	return from ? t('who.when.since', { from }) : to ? t('who.when.before', { to }) : '';
}

function timesText(times: Times, { t }: Speaker): string {
	if ('at_least' in times) return times.at_least === 1 ? '' : t('who.times.at_least', { n: times.at_least });
	if ('at_most' in times) return t('who.times.at_most', { n: times.at_most });
	if ('exactly' in times) return t('who.times.exactly', { n: times.exactly });
	return t('who.times.between', { low: times.between[0], n: times.between[1] });
}

function did(value: Did, not: boolean, speaker: Speaker): string | null {
	const { t } = speaker;
	const window = when(value.within, speaker);
	if (value.which) {
		if (not) return null;
		const is = [window ? t('who.was', { when: window }) : '', value.having ? t('who.had', { tests: tests(value.having, speaker) }) : ''].filter(Boolean);
		return t(`who.${value.which}`, { event: eventWith(value, speaker), is: listed(is.length ? is : [t('who.is_known')], 'and', speaker) });
	}
	const times = timesOrOnce(value.times);
	const never = 'exactly' in times && times.exactly === 0;
	if (not && never) return null;
	const params = { event: eventText(value, speaker), times: never ? '' : after(timesText(times, speaker), speaker), when: after(window, speaker), where: filter(value.where, speaker) };
	return t(not || never ? 'who.did_not' : 'who.did', params);
}

function measured(value: Measured, speaker: Speaker): string {
	const { t } = speaker;
	const figure = t(`who.measure.${value.measure}`, { path: value.path || '…', event: eventText(value, speaker) });
	return t('who.measured', { figure, test: testText(value, speaker), when: after(when(value.within, speaker), speaker), where: filter(value.where, speaker) });
}

function sequence(value: Sequence, speaker: Speaker): string {
	const { t } = speaker;
	const parts = [
		value.steps.map((step) => eventWith(step, speaker)).join(t('who.then')),
		value.spanning ? t('who.spanning', { span: spanText(value.spanning, speaker) }) : '',
		value.same ? t('who.same', { path: value.same }) : '',
		value.without ? t('who.without', { event: eventWith(value.without, speaker), span: spanText(value.without.within, speaker) }) : ''
	];
	return t('who.sequence', { steps: parts.join(''), when: after(when(value.within, speaker), speaker) });
}

export function factName(key: string, { t, has }: Speaker): string {
	if (!key) return '…';
	const low = (text: string) => text.charAt(0).toLowerCase() + text.slice(1);
	if (key.startsWith('consent.')) {
		const channel = `identifier.${key.slice(8)}`;
		return t('who.consent', { channel: low(has(channel) ? t(channel) : humanize(key.slice(8))) });
	}
	if (has(`fact.${key}`)) return t(`fact.${key}` as Key);
	if (key.startsWith('account.')) return t('fact.of_account', { name: low(humanize(key.slice(8))) });
	const trait = key.replace(/^trait\./, '');
	const known = `trait.${trait}`;
	return low(has(known) ? t(known) : humanize(trait));
}

/** Values that the server made up, in the reader's words. */
function named(test: Test, key: string, speaker: Speaker): Test {
	const name = (value: Scalar): Scalar => (typeof value === 'string' ? valueName(key, value, speaker) : value);
	return { ...test, ...(test.value === undefined ? {} : { value: name(test.value) }), ...(test.values ? { values: test.values.map(name) } : {}) };
}

function changed(value: Changed, speaker: Speaker): string {
	const { t } = speaker;
	const said = (one: Scalar) => (typeof one === 'string' ? valueName(value.key, one, speaker) : one);
	const from = value.from === undefined ? '' : after(t('who.changed_from', { value: valueText(said(value.from), speaker) }), speaker);
	const to = value.to === undefined ? '' : after(t('who.changed_to', { value: valueText(said(value.to), speaker) }), speaker);
	return t('who.changed', { name: factName(value.key, speaker), from, to, when: after(when(value.within, speaker), speaker) });
}

/** One test; null where its opposite has no words of its own. */
function leafText(leaf: Leaf, not: boolean, speaker: Speaker): string | null {
	const { t } = speaker;
	if ('performed' in leaf) return did(leaf.performed, not, speaker);
	if ('segment' in leaf) {
		const { key } = leaf.segment;
		const span = leaf.segment.for ? after(t('who.for', { span: spanText(leaf.segment.for, speaker) }), speaker) : '';
		return t(not ? 'who.not_in_segment' : 'who.in_segment', { name: key ? speaker.segment(key) : '…', span });
	}
	if (kindOf(leaf) === 'list' && 'fact' in leaf) {
		const key = listKey(leaf.fact.key);
		return t(not ? 'who.not_in_list' : 'who.in_list', { name: key ? speaker.list(key) : '…' });
	}
	if (not) return null;
	if ('measured' in leaf) return measured(leaf.measured, speaker);
	if ('sequence' in leaf) return sequence(leaf.sequence, speaker);
	if ('overdue' in leaf) {
		const { factor, gaps } = leaf.overdue;
		return t('who.overdue', { event: eventWith(leaf.overdue, speaker), factor: speaker.number(Number(factor)), n: gaps ?? 3 });
	}
	if ('streak' in leaf) return t('who.streak', { event: eventWith(leaf.streak, speaker), intervals: t(`who.in_a_row.${leaf.streak.interval}`, { n: leaf.streak.at_least }) });
	if ('fact' in leaf) return t('who.fact', { name: factName(leaf.fact.key, speaker), test: testText(named(leaf.fact, leaf.fact.key, speaker), speaker) });
	if ('held' in leaf) return t('who.held', { name: factName(leaf.held.key, speaker), test: testText(named(leaf.held, leaf.held.key, speaker), speaker), span: spanText(leaf.held.for, speaker) });
	if ('changed' in leaf) return changed(leaf.changed, speaker);
	if ('bucket' in leaf) return t('who.bucket', { from: speaker.number(leaf.bucket.from), to: speaker.number(leaf.bucket.to), salt: leaf.bucket.salt || '…' });
	return t('who.other', { what: JSON.stringify(leaf) });
}

function clause(tree: Tree, not: boolean, nested: boolean, speaker: Speaker): string {
	const { t } = speaker;
	if ('not' in tree) return clause(tree.not, !not, nested, speaker);
	if ('all' in tree || 'any' in tree) {
		const items = 'all' in tree ? tree.all : tree.any;
		if (not) return t('who.not', { what: t('who.group', { what: clause(tree, false, false, speaker) }) });
		if (items.length === 0) return t('all' in tree ? 'who.anyone' : 'who.no_one');
		const text = listed(items.map((item) => clause(item, false, items.length > 1, speaker)), 'all' in tree ? 'and' : 'or', speaker);
		return nested && items.length > 1 ? t('who.group', { what: text }) : text;
	}
	return leafText(tree, not, speaker) ?? t('who.not', { what: leafText(tree, false, speaker)! });
}

export function conditionSentence(tree: Tree | null, speaker: Speaker): string {
	if (!tree) return speaker.t('who.nothing_yet');
	if ('all' in tree && tree.all.length === 0) return speaker.t('who.everyone');
	return speaker.t('who.sentence', { what: clause(boundTree(tree), false, false, speaker) });
}

/** One part by itself, without the customers it is said of. */
export const conditionClause = (tree: Tree, speaker: Speaker): string => clause(boundTree(tree), false, false, speaker);
