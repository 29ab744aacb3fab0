// Experiments as the pages work on them: a design as a draft with fields of its own, what numbers are called, and where the ends of
// intervals lie on a shared axis. All of it pure.
import type { components } from '$lib/api/schema';
import type { CustomerRow } from '$lib/api/types';
import type { Tree } from '$lib/condition-tree';
import type { IconName } from '$lib/icons';

type Schemas = components['schemas'];
export type ExperimentSummary = Schemas['ExperimentSummary'];
export type Readout = Schemas['Readout'];
export type Comparison = Schemas['ComparisonShape'];
export type Effect = Schemas['EffectShape'];
export type Metric = Schemas['MetricShape'];
export type KnownMetric = Schemas['KnownMetric'];
export type Group = Schemas['ExperimentGroup'];
export type PlanAnswer = Schemas['PlanAnswer'];
export type MetricBaseline = Schemas['MetricBaseline'];
export interface ExposedPeople {
	rows: { customer: CustomerRow; exposed_at: string; allocation: number; subject: string }[];
	next: string | null;
}
export type ExposureDay = Schemas['ExposureDay'];
export type Version = Schemas['ExperimentVersion'];
export interface ExperimentPage {
	summary: ExperimentSummary;
	design: Design;
	conditions: { key: string; name: string | null; condition: Tree; text: string; is_ready: boolean }[];
	change: string | null;
}

export const KINDS = ['experiment', 'flag', 'holdout'] as const;
/** Those that people make here; holdouts follow from the settings of sending. */
export const MADE_KINDS = ['experiment', 'flag'] as const satisfies readonly (typeof KINDS)[number][];
export type Kind = (typeof KINDS)[number];
export const STATES = ['draft', 'running', 'paused', 'stopped', 'decided'] as const;
export type State = (typeof STATES)[number];
export const VALUE_TYPES = ['text', 'boolean', 'number', 'object'] as const;
export type ValueType = (typeof VALUE_TYPES)[number];

export interface DesignMetric {
	key: string;
	name: string;
	direction?: string;
	form?: unknown;
}
export interface DesignVariant {
	key: string;
	name?: string;
	weight: number;
	value: unknown;
	is_control?: boolean;
}
export interface DesignRule {
	key: string;
	condition?: string | Tree | null;
	share?: number;
	serve: 'split' | { variant: string };
}
export interface Design {
	name: string;
	hypothesis?: string;
	kind: Kind;
	unit?: 'person' | 'anonymous';
	salt?: string;
	variants: DesignVariant[];
	rules?: DesignRule[];
	traffic?: number;
	group?: { group: string; from: number; to: number } | null;
	primary?: DesignMetric | null;
	guardrails?: { metric: DesignMetric; margin: number }[];
	secondary?: DesignMetric[];
	conversion_hours?: number;
	reading?: { method?: 'always' | 'once' | { always_near: number }; alpha?: number; scale?: 'relative' | 'absolute' };
	plan?: { effect: number; power?: number; units?: number | null } | null;
	[other: string]: unknown;
}

/** The parts of all in hundredths of a per cent, as the server counts them. */
export const WHOLE = 10_000;
/** The share of a group's places that no experiment has, 0 to 1. */
export const freeShare = (group: Group): number => group.places.filter((place) => !place.experiment).reduce((sum, place) => sum + place.to - place.from, 0) / WHOLE;
/** A design in a group: with its first free places. */
export function inGroup(design: Design, group: Group | undefined): Design {
	const free = group?.places.find((place) => !place.experiment);
	return group && free ? { ...design, unit: group.unit as Design['unit'], group: { group: group.key, from: free.from, to: free.to } } : design;
}

export const STATE_ICONS: Record<State, IconName> = { draft: 'pencil', running: 'play', paused: 'clock', stopped: 'circle-stop', decided: 'circle-check' };
export const STATE_TONES: Record<State, string> = { draft: '', running: 'on', paused: 'warn', stopped: '', decided: 'good' };
const VERDICT_TONES: Record<string, string> = { better: 'good', harmful: 'bad', worse: 'bad', untrustworthy: 'bad', no_difference: '' };
export const verdictTone = (word: string): string => VERDICT_TONES[word] ?? '';
const CALL_TONES: Record<string, string> = { better: 'good', safe: 'good', worse: 'bad', breached: 'bad' };
export const callTone = (call: string): string => CALL_TONES[call] ?? '';

/** A design to begin with. */
export const blank = (kind: Kind = 'experiment'): Design =>
	kind === 'flag'
		? { name: '', kind, variants: [{ key: 'on', weight: 1, value: true }, { key: 'off', weight: 0, value: false, is_control: true }] }
		: {
				name: '',
				kind,
				variants: [
					{ key: 'control', weight: 1, value: '', is_control: true },
					{ key: 'new', weight: 1, value: '' }
				],
				primary: { key: 'conversion', name: 'buyers' },
				conversion_hours: 14 * 24
			};

/** A copy of a design for a new experiment: other people, and nobody in it yet. */
export const copied = (design: Design, name: string): Design => ({ ...design, name, salt: '' });

export const typeOf = (value: unknown): ValueType =>
	typeof value === 'boolean' ? 'boolean' : typeof value === 'number' ? 'number' : typeof value === 'object' && value !== null ? 'object' : 'text';

/** The value in another type, as near as it gets. */
export function asType(value: unknown, type: ValueType, isControl: boolean): unknown {
	if (typeOf(value) === type) return value;
	if (type === 'boolean') return !isControl;
	if (type === 'number') return Number(value) || 0;
	if (type === 'object') return {};
	return typeof value === 'string' ? value : '';
}

/** The share of each variant, 0 to 1. */
export function shares(variants: { weight: number }[]): number[] {
	const total = variants.reduce((sum, it) => sum + (it.weight || 0), 0);
	return variants.map((it) => (total > 0 ? (it.weight || 0) / total : 0));
}

/** A key made of a name: what an address and an event can carry. */
export const keyOf = (name: string): string =>
	name
		.normalize('NFKD')
		.toLowerCase()
		.replace(/[^a-z0-9]+/g, '-')
		.replace(/^-+|-+$/g, '')
		.slice(0, 64);

/** A key that none of the others has. */
export function freeKey(wanted: string, others: string[]): string {
	const base = wanted || 'variant';
	if (!others.includes(base)) return base;
	let at = 2;
	while (others.includes(`${base}-${at}`)) at += 1;
	return `${base}-${at}`;
}

/** The design with the conditions of its rules as trees, for the builder. */
export function withTrees(page: ExperimentPage): Design {
	const tree = (key: string): Tree => {
		const found = page.conditions.find((it) => it.key === key);
		return found && found.name === null ? found.condition : ({ segment: { key } } as Tree);
	};
	const rules = (page.design.rules ?? []).map((rule) => (typeof rule.condition === 'string' ? { ...rule, condition: tree(rule.condition) } : rule));
	return { ...page.design, rules };
}

/** What keeps a draft from being saved, as a word; empty when nothing does. */
export function missing(design: Design): string {
	if (!design.name.trim()) return 'name';
	const keys = design.variants.map((it) => it.key);
	if (keys.some((key) => !/^[a-z0-9._-]{1,64}$/.test(key)) || new Set(keys).size < keys.length) return 'variant_key';
	if (shares(design.variants).every((share) => share === 0)) return 'weights';
	return '';
}

/** Fields of the planner that a design answers itself. */
export function planOf(design: Design): { effect: number; power: number; scale: string; method: string; alpha: number; control: number; treatments: number } {
	const parts = shares(design.variants);
	const control = design.variants.findIndex((it) => it.is_control);
	const open = parts.filter((share) => share > 0).length;
	const lower = design.primary?.direction === 'lower';
	const effect = Math.abs(design.plan?.effect ?? 0.05);
	return {
		effect: lower ? -effect : effect,
		power: design.plan?.power ?? 0.8,
		scale: design.reading?.scale ?? 'relative',
		method: design.reading?.method === 'once' ? 'once' : 'always',
		alpha: design.reading?.alpha ?? 0.05,
		control: Math.min(0.999, Math.max(0.001, parts[Math.max(control, 0)] || 0.5)),
		treatments: Math.max(1, open - 1)
	};
}

/** An effect that people would say, at or above one that was computed: of two digits at most. */
export function sensible(effect: number): number {
	const power = 10 ** (Math.floor(Math.log10(effect)) - 1);
	return Number((Math.ceil(effect / power - 1e-9) * power).toPrecision(2));
}

/** A round number at or above: what an axis ends with. */
export function roundUp(value: number): number {
	if (!(value > 0)) return 1;
	const power = 10 ** Math.floor(Math.log10(value));
	return [1, 2, 5, 10].map((step) => step * power).find((step) => step >= value * (1 - 1e-9)) ?? value;
}

/** The end of the axis that relative effects share: as wide as the estimates need, and as their intervals, up to five times that. */
export function axisOf(effects: (Effect | null | undefined)[]): number {
	const known = effects.filter((it): it is Effect => !!it);
	if (known.length === 0) return 1;
	const estimates = Math.max(...known.map((it) => Math.abs(it.estimate)), 0.01);
	const ends = Math.max(...known.map((it) => Math.max(Math.abs(it.low), Math.abs(it.high))));
	return roundUp(Math.min(Math.max(ends, 0.01), 5 * estimates));
}

/** Where a value lies on an axis from -end to end, 0 to 1; and whether it lies beyond. */
export function placed(value: number, end: number): { at: number; beyond: boolean } {
	const at = 0.5 + value / (2 * end);
	return { at: Math.min(1, Math.max(0, Number.isNaN(at) ? 0.5 : at)), beyond: at < 0 || at > 1 };
}

/** Exposures of each day, all variants together, in order. */
export function byDay(rows: ExposureDay[]): { day: string; exposed: number }[] {
	const sums = new Map<string, number>();
	for (const row of rows) sums.set(row.day, (sums.get(row.day) ?? 0) + row.exposed);
	return [...sums].sort(([a], [b]) => (a < b ? -1 : 1)).map(([day, exposed]) => ({ day, exposed }));
}
