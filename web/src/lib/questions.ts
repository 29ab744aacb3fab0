// Questions as the server takes them, their first state in the editor, and their way into and out of the address bar. Pure.
import { finished, type Condition, type Period } from './conditions';
import { isTree, readyTree, toDraft, type Tree } from './condition-tree';

export type Interval = 'hour' | 'day' | 'week' | 'month' | 'quarter' | 'year';
export type Measure = 'count' | 'people' | 'sum' | 'average' | 'minimum' | 'maximum' | 'median';
export type Kind = 'trend' | 'funnel' | 'retention' | 'rfm';
export type Breakdown = { property: string } | { trait: string } | { fact: string };

export interface EventSelector {
	event: string;
	where: Condition | null;
}
export interface Series extends EventSelector {
	measure: Measure;
	property?: string;
}
interface Common {
	period: Period;
	/** Any condition a segment can have. */
	who: Tree | null;
	compare: boolean;
}
export interface Trend extends Common {
	kind: 'trend';
	series: Series[];
	interval: Interval;
	breakdown?: Breakdown;
	breakdown_limit?: number;
}
export interface Funnel extends Common {
	kind: 'funnel';
	steps: EventSelector[];
	window: string;
	order: 'ordered' | 'strict' | 'any';
	exclude?: EventSelector[];
	breakdown?: Breakdown;
}
export interface Retention extends Common {
	kind: 'retention';
	start: EventSelector;
	back: EventSelector;
	interval: Interval;
	first_time: boolean;
	on_or_after: boolean;
	intervals: number;
}
export interface RfmQuestion extends Common {
	kind: 'rfm';
	event: string;
	as_of?: string;
}
export type Question = Trend | Funnel | Retention | RfmQuestion;

export const KINDS: Kind[] = ['trend', 'funnel', 'retention', 'rfm'];
export const INTERVALS: Interval[] = ['hour', 'day', 'week', 'month', 'quarter', 'year'];
export const MEASURES: Measure[] = ['count', 'people', 'sum', 'average', 'median', 'minimum', 'maximum'];
export const PERIODS = ['7d', '30d', '90d', '365d'] as const;

/** Only these can show the period before beside theirs. */
export const mayCompare = (kind: Kind): boolean => kind === 'trend' || kind === 'funnel';
export const needsProperty = (measure: Measure): boolean => measure !== 'count' && measure !== 'people';

const ORDER = 'Order Completed';

/** The first question of a kind. What the kinds share (period, who, compare) is carried over from the one before. */
export function firstQuestion(kind: Kind, before?: Question): Question {
	const common: Common = { period: before?.period ?? { last: '90d' }, who: before?.who ?? null, compare: before?.compare ?? false };
	switch (kind) {
		case 'trend':
			return { kind, ...common, series: [{ event: ORDER, where: null, measure: 'count' }], interval: 'week' };
		case 'funnel': {
			const steps = ['Product Viewed', 'Product Added', 'Checkout Started', ORDER].map((event) => ({ event, where: null }));
			return { kind, ...common, steps, window: '14d', order: 'ordered' };
		}
		case 'retention': {
			const order = { event: ORDER, where: null };
			return { kind, ...common, compare: false, period: before ? common.period : { last: '365d' }, start: order, back: { ...order }, interval: 'month', first_time: true, on_or_after: false, intervals: 12 };
		}
		case 'rfm':
			return { kind, ...common, compare: false, period: { last: '365d' }, event: ORDER };
	}
}

const selector = <S extends EventSelector>(step: S): S => ({ ...step, where: finished(step.where) });

/** The question as it can be asked now: unfinished conditions left out. Null while something it needs is missing. */
export function askable(question: Question): Question | null {
	const who = question.who ? readyTree(toDraft(question.who)) : null;
	switch (question.kind) {
		case 'trend': {
			const series = question.series.filter((s) => s.event && (!needsProperty(s.measure) || s.property)).map(selector);
			return series.length ? { ...question, who, series } : null;
		}
		case 'funnel': {
			const steps = question.steps.filter((s) => s.event).map(selector);
			const exclude = question.exclude?.filter((s) => s.event).map(selector);
			return steps.length >= 2 ? { ...question, who, steps, ...(exclude?.length ? { exclude } : {}) } : null;
		}
		case 'retention':
			if (!question.start.event || !question.back.event) return null;
			return { ...question, who, start: selector(question.start), back: selector(question.back) };
		case 'rfm':
			return question.event ? { ...question, who } : null;
	}
}

export const encodeQuestion = (question: Question): string => JSON.stringify(question);

/** A question from an address. Addresses are typed by people and cut by chat programs, so anything odd gives null. */
export function decodeQuestion(text: string | null): Question | null {
	if (!text) return null;
	try {
		const value = JSON.parse(text) as Partial<Question> | null;
		if (!value || typeof value !== 'object' || !KINDS.includes(value.kind as Kind)) return null;
		return { ...firstQuestion(value.kind as Kind), ...value, who: isTree(value.who) ? value.who : null } as Question;
	} catch {
		return null;
	}
}

export const sameQuestion = (a: Question, b: Question): boolean => canonical(a) === canonical(b);

/** JSON with sorted keys: what the server stores may come back in another order. Null and absent are the same. */
function canonical(value: unknown): string {
	return JSON.stringify(value, (_key, inner) => {
		if (inner && typeof inner === 'object' && !Array.isArray(inner)) {
			return Object.fromEntries(Object.entries(inner).filter(([, v]) => v !== null && v !== undefined).sort(([a], [b]) => (a < b ? -1 : 1)));
		}
		return inner;
	});
}

export type SpanUnit = 's' | 'm' | 'h' | 'd' | 'w';

/** "14d" as number and unit; the server's durations are always of this form. */
export function readSpan(text: string): { count: number; unit: SpanUnit } {
	const match = /^(\d+)([smhdw])$/.exec(text);
	return match ? { count: Number(match[1]), unit: match[2] as SpanUnit } : { count: 14, unit: 'd' };
}
