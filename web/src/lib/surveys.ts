// Surveys as their pages work on them: the shapes on the wire, what a definition is made of, and what comes next for a survey. All of it pure.
import type { components } from '$lib/api/schema';
import type { CustomerRow } from '$lib/api/types';
import type { Condition } from '$lib/conditions';
import type { IconName } from '$lib/icons';

type Schemas = components['schemas'];
export type SurveySummary = Schemas['SurveySummary'];
export type SurveyFinding = Schemas['SurveyFinding'];
export type SurveyVersion = Schemas['SurveyVersion'];
export type SurveySettings = Omit<Schemas['SurveySettings'], 'floor_days'> & { floor_days: Record<string, number> };
export type SurveyDetail = Omit<Schemas['SurveyDetail'], 'definition'> & { definition: Definition };
export type SurveyTemplate = Omit<Schemas['SurveyTemplate'], 'name' | 'purpose' | 'definition'> & { name: Texts; purpose: Texts; definition?: Definition };
export type Results = Schemas['ResultsShape'];
export type Series = Schemas['SeriesShape'];
export type Cell = Schemas['CellShape'];
export type GroupCell = Schemas['GroupShape'];
export type PeriodCell = Schemas['PeriodShape'];
export type Score = Schemas['ScoreShape'];
export type Difference = Schemas['DifferenceShape'];
export type Funnel = Schemas['FunnelShape'];
export type Estimate = Schemas['EstimateShape'];

export const KINDS = ['relationship', 'touchpoint', 'research', 'exit'] as const;
export type Kind = (typeof KINDS)[number];
export const STATES = ['draft', 'open', 'paused', 'closed'] as const;
export type State = (typeof STATES)[number];
export const STATE_TONES: Record<State, string> = { draft: '', open: 'good', paused: 'warn', closed: '' };
export const STATE_ICONS: Record<State, IconName> = { draft: 'pencil', open: 'radio', paused: 'clock', closed: 'archive' };

/** A text by language. */
export type Texts = Record<string, string>;
export interface Choice {
	key: string;
	text: Texts;
	value?: number;
	exclusive?: boolean;
}
export interface Test {
	question: string;
	part?: string;
	is?: string[];
	at_least?: number;
	at_most?: number;
	answered?: boolean;
}
export type Show = { all: Show[] } | { any: Show[] } | { not: Show } | Test;
export type Answer =
	| { kind: 'nps'; low?: Texts; high?: Texts }
	| { kind: 'csat'; points?: number; low?: Texts; high?: Texts }
	| { kind: 'ces'; points?: number; direction?: Direction; low?: Texts; high?: Texts }
	| { kind: 'scale'; from: number; to: number; direction?: Direction; low?: Texts; high?: Texts; no_opinion?: boolean }
	| { kind: 'kano'; functional: Texts; dysfunctional: Texts; labels?: Texts[] }
	| { kind: 'single'; choices: Choice[]; other?: boolean; shuffle?: boolean }
	| { kind: 'multiple'; choices: Choice[]; other?: boolean; shuffle?: boolean; most?: number }
	| { kind: 'matrix'; rows: Choice[]; columns: Choice[]; shuffle?: boolean }
	| { kind: 'ranking'; choices: Choice[]; shuffle?: boolean }
	| { kind: 'text'; long?: boolean; letters?: number }
	| { kind: 'number'; from: number; to: number }
	| { kind: 'date'; from?: string; to?: string }
	| { kind: 'hidden' }
	| { kind: 'consent' };
export type Direction = 'up' | 'down';
export type AnswerKind = Answer['kind'];
export const ANSWER_KINDS = ['nps', 'csat', 'ces', 'scale', 'single', 'multiple', 'matrix', 'ranking', 'kano', 'text', 'number', 'date', 'consent', 'hidden'] as const satisfies readonly AnswerKind[];
/** The five answers to both halves of a wish, the best first. */
export const KANO = ['like', 'must_be', 'neutral', 'live_with', 'dislike'] as const;
export interface Question {
	key: string;
	text: Texts;
	hint?: Texts;
	required?: boolean;
	show_if?: Show;
	answer: Answer;
}
export interface Page {
	title?: Texts;
	questions: Question[];
}
export interface Quota {
	key: string;
	when?: Show;
	most: number;
}
export interface End {
	when?: Show;
	text: Texts;
	link?: { text: Texts; url: string };
}
/** After what people are asked by themselves. */
export type When = { event: { name: string; where?: Condition | null; key?: string; after?: string } } | { entered: { segment: string; after?: string } } | { members: { segment: string; per_day: number } };
/** The templates of its own by which it asks, by channel. */
export type Letters = Record<string, { invitation?: string; reminder?: string }>;
export interface Asking {
	kind?: Kind;
	when?: When;
	channels?: string[];
	basis?: 'service' | 'marketing';
	topic?: string;
	letters?: Letters;
	remind_after_days?: number;
	sample_percent?: number;
	floor_days?: number;
	touchpoint?: string;
	valid_days?: number;
}
export interface Definition {
	title: Texts;
	introduction?: Texts;
	default_language: string;
	pages: Page[];
	quotas?: Quota[];
	ends?: End[];
	asking?: Asking;
}

/** The text for a reader: in their language, else in the survey's own, else any. */
export const inWords = (texts: Texts | undefined, language: string, standard = 'en'): string => texts?.[language] || texts?.[standard] || Object.values(texts ?? {})[0] || '';

export const questionsOf = (definition: Definition): Question[] => definition.pages.flatMap((page) => page.questions);
export const languagesOf = (definition: Definition): string[] => [definition.default_language, ...Object.keys(definition.title).filter((it) => it !== definition.default_language).sort()];
export const SCALES: readonly AnswerKind[] = ['nps', 'csat', 'ces', 'scale'];

/** The kind of a row that is the share of those who chose something. */
export const CHOICE = 'choice';

/** The score that stands for a survey: of its first question on a scale that has answers. */
export function headline(results: Results | undefined): { series: Series; score: Score } | undefined {
	const series = results?.rows.find((row) => row.kind !== CHOICE && row.total.scores.length > 0);
	return series && { series, score: series.total.scores[0] };
}

/** With fewer answers an interval stands before the score. */
export const ENOUGH = 30;

export type Next = 'finish' | 'publish' | 'share' | 'wait' | 'continue' | 'follow' | 'read' | 'none';
/** What would be done next with a survey. */
export function nextStep(row: SurveySummary): Next {
	if (row.state === 'draft') return 'finish';
	if (row.state === 'paused') return 'continue';
	if (row.published !== null && row.published !== undefined && row.version > row.published) return 'publish';
	if (row.completed === 0) return row.state === 'open' ? 'share' : 'none';
	if (row.completed < ENOUGH && row.state === 'open') return 'wait';
	return row.state === 'open' ? 'follow' : 'read';
}

/** A key from a name, as addresses and events have it. */
export function keyFrom(name: string): string {
	const plain = name.normalize('NFKD').replace(/[\u0300-\u036f]/g, '').toLowerCase();
	return plain.replace(/[^a-z0-9]+/g, '_').replace(/^_+|_+$/g, '').slice(0, 60);
}
export const isKey = (text: string): boolean => /^[a-z0-9_-]{1,60}$/.test(text);

/** The least that can be asked: the beginning of a survey of one's own. */
export function blank(title: string, question: string, thanks: string, language: string): Definition {
	return {
		title: { [language]: title },
		default_language: language,
		pages: [{ questions: [{ key: 'satisfied', text: { [language]: question }, required: true, answer: { kind: 'csat', points: 5 } }] }],
		ends: [{ text: { [language]: thanks } }],
		asking: { kind: 'touchpoint', sample_percent: 100, valid_days: 30 }
	};
}

export type Response = Omit<Schemas['ResponseShape'], 'customer'> & { customer?: CustomerRow | null };
export type AnswerPart = Schemas['AnswerShape'];
export type Wishes = Schemas['WishesShape'];
export type Wish = Schemas['WishShape'];
export type Wished = Schemas['WishedShape'];
export type Drivers = Schemas['DriversShape'];
export type Driver = Schemas['DriverShape'];
export type Behaviour = Schemas['BehaviourShape'];
export type Weighted = Schemas['WeightedShape'];
export type Benchmark = Schemas['Benchmark'];
export type BenchmarkBody = Schemas['BenchmarkBody'];
export type Gap = Schemas['GapShape'];

export const GROUPINGS = ['channel', 'touchpoint', 'product', 'agent', 'segment', 'language', 'source', 'wave', 'version'] as const;
export type Grouping = (typeof GROUPINGS)[number];
export const INTERVALS = ['day', 'week', 'month', 'quarter', 'year'] as const;
/** The share of false findings up to which a difference is called one. */
export const FINDING = 0.05;
export const isFinding = (difference: Difference | null | undefined): difference is Difference => !!difference && difference.q <= FINDING;

/** The ends of a measure. */
export function ends(measure: string, series: Pick<Series, 'low' | 'high'>): [number, number] {
	if (measure === 'nps') return [-100, 100];
	return measure === 'mean' ? [series.low, series.high] : [0, 1];
}
export type Invited = Schemas['Invited'];
export type OpenLink = Schemas['OpenLink'];
export type SurveyPreview = Schemas['SurveyPreview'];
