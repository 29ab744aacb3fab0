// Groups of customers and their personas: what the page needs of them. Pure: words come from the caller.
import type { components } from './api/schema';
import type { Key } from './i18n/index.svelte';

type Schemas = components['schemas'];
export type GroupModel = Schemas['GroupModel'];
export type GroupVersion = Schemas['GroupVersion'];
export type CustomerGroup = Schemas['CustomerGroup'];
export type Trait = Schemas['CustomerGroupTrait'];
export type Figure = Schemas['CustomerGroupFigure'];
export type Sizes = Schemas['CustomerGroupSizes'];
export type Size = Schemas['CustomerGroupSize'];
export type GroupedPerson = Schemas['GroupedPerson'];
export type Tried = Schemas['GroupsTried'];
type Verdict = Schemas['ModelVerdict'];
type Hold = Schemas['ModelHold'];

type Say = (key: Key, params?: Record<string, string | number>) => string;
/** How numbers are written for the reader. */
export interface Write {
	number: (value: number, digits?: number) => string;
	percent: (value: number) => string;
	money: (value: number) => string;
}

/** A measure: what it is of, and the name that it carries (of a category, a market, a source). */
export function measureOf(key: string): { kind: string; name: string } {
	const at = key.indexOf(':');
	return at < 0 ? { kind: key, name: '' } : { kind: key.slice(0, at), name: key.slice(at + 1) };
}

const KINDS = ['recency', 'purchases', 'average', 'spent', 'cycle', 'tenure', 'reduced', 'returned', 'once', 'category', 'market', 'source'] as const;
type Kind = (typeof KINDS)[number];
const known = (key: string): Kind | undefined => KINDS.find((it) => it === measureOf(key).kind);
const SHARES: Kind[] = ['reduced', 'returned', 'once', 'category', 'market', 'source'];

/** What a measure is called; one that this console does not know yet as the server calls it. */
export function measureName(key: string, say: Say): string {
	const kind = known(key);
	return kind ? say(`personas.measure.${kind}`, { name: measureOf(key).name }) : key;
}

/** A value of a measure, as it is written. */
export function measured(key: string, value: number, write: Write): string {
	const kind = known(key);
	if (kind && SHARES.includes(kind)) return write.percent(value);
	if (kind === 'average' || kind === 'spent') return write.money(value);
	return write.number(value, kind === 'purchases' ? 1 : 0);
}

/** What sets a group apart, in the reader's words. */
export function traitWords(it: Trait, say: Say, write: Write): string {
	const kind = known(it.key);
	if (!kind) return it.text;
	return say(`personas.trait.${kind}`, { name: measureOf(it.key).name, own: measured(it.key, it.value, write), all: measured(it.key, it.overall, write) });
}

/** Where a bar of an over-index ends, from −1 (none of it) over 0 (as usual) to 1 (four times as much, or more): twice is as long as half. */
export function indexBar(index: number | null | undefined): number {
	if (index == null || index <= 0) return index == null ? 0 : -1;
	return Math.max(-1, Math.min(1, Math.log2(index / 100) / 2));
}

/** How well a group comes again: surely, well enough, or not. */
export const steady = (stability: number): 'surely' | 'enough' | 'not' => (stability >= 0.85 ? 'surely' : stability >= 0.75 ? 'enough' : 'not');

/** The condition of a segment of a group's people. By number: a name may change. */
export const inGroup = (number: number) => ({ fact: { key: 'group.number', op: 'equals', value: number } });

const VERDICTS = ['too_few_people', 'nothing_to_group_by', 'groups_not_stable', 'groups_not_parted', 'groups_too_small', 'groups_by_chance'] as const;
/** Why there are no groups, in the reader's words. */
export function noGroups(it: Verdict, say: Say): string {
	const code = VERDICTS.find((one) => one === it.code);
	return code ? say(`personas.verdict.${code}`, { have: it.have, need: it.need }) : it.text;
}

/** Why a version is held, in the reader's words. */
export function held(it: Hold, say: Say, write: Write): string {
	if (it.code === 'people_missing') return say('models.held.people_missing', { now: write.number(it.now), before: write.number(it.before) });
	return it.code === 'people_move' ? say('personas.held.people_move', { now: write.percent(it.now) }) : it.text;
}

/** A point of the picture: where the middle of a group lies, how far half of it reaches, how large it is. */
export interface Bubble {
	number: number;
	name: string;
	x: number;
	y: number;
	left: number;
	right: number;
	top: number;
	bottom: number;
	r: number;
}

/** The picture in a box: amounts and counts by their logarithm, shares as they are. Empty where the version does not say what the two measures are. */
export function bubbles(version: GroupVersion, [width, height]: [number, number], people: (number: number) => number): Bubble[] {
	const [across, up] = version.axes;
	const at = (group: CustomerGroup, key: string) => group.figures.find((it) => it.key === key);
	const rows = version.groups.flatMap((group) => {
		const x = at(group, across);
		const y = at(group, up);
		return x && y ? [{ group, x, y }] : [];
	});
	if (rows.length === 0) return [];
	const bend = (key: string) => {
		const kind = known(key);
		return kind && SHARES.includes(kind) ? (value: number) => value : (value: number) => Math.log1p(Math.max(0, value));
	};
	const scale = (key: string, figures: Figure[], size: number) => {
		const to = bend(key);
		const all = figures.flatMap((it) => [it.low, it.high, it.value]).map(to);
		const [low, high] = [Math.min(...all), Math.max(...all)];
		const margin = 44;
		return (value: number) => margin + ((to(value) - low) / (high - low || 1)) * (size - 2 * margin);
	};
	const toX = scale(across, rows.map((it) => it.x), width);
	const toY = scale(up, rows.map((it) => it.y), height);
	const most = Math.max(...rows.map((it) => people(it.group.number)), 1);
	return rows.map(({ group, x, y }) => ({
		number: group.number,
		name: group.name,
		x: toX(x.value),
		y: height - toY(y.value),
		left: toX(x.low),
		right: toX(x.high),
		top: height - toY(y.high),
		bottom: height - toY(y.low),
		r: 6 + 22 * Math.sqrt(people(group.number) / most)
	}));
}
