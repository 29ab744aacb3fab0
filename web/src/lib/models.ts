// Models at work: what the pages need of them. Pure: words come from the caller.
import type { components } from './api/schema';
import type { Key } from './i18n/index.svelte';

type Schemas = components['schemas'];
export type Model = Schemas['ScoringModel'];
export type Version = Schemas['ModelVersion'];
export type Card = Schemas['ModelCard'];
export type VersionWithCard = Schemas['ModelVersionWithCard'];
export type Overview = Schemas['ValueOverview'];
export type Cell = Schemas['ValueCell'];
export type Cohort = Schemas['ValueCohort'];
export type Group = Schemas['ValueGroup'];
export type Sure = Schemas['ModelSure'];
export type Scored = Schemas['ScoredPerson'];
export type Score = Schemas['PersonScore'];
export type Reason = Schemas['ValueReason'];
export type Hold = Schemas['ModelHold'];
export type Verdict = Schemas['ModelVerdict'];
export type ValueSettings = Schemas['ValueSettings'];
export type ChurnSettings = Schemas['ChurnSettings'];
export type Risks = Schemas['ChurnOverview'];
export type RiskReason = Schemas['ForetoldReason'];
export type Chances = Schemas['PropensityOverview'];
/** What is foretold of people, by the words that it is spoken of with. */
export type Foretold = 'churn' | 'propensity';
type Spoken = 'levels' | 'level' | 'people' | 'expect' | 'bands' | 'band' | 'bands.say' | 'risk' | 'why' | 'why.say' | 'why.none' | 'cause' | 'size' | 'main' | 'along' | 'along.say' | 'reliability' | 'reliability.say' | 'sure.sum' | 'sure.auc' | 'cannot.why' | 'cannot.act' | 'cannot.season' | 'cannot.one';
/** The words for something of it. */
export const spoken = (of: Foretold, word: Spoken): Key => (of === 'churn' ? `churn.${word}` : `propensity.${word}`);
/** What the pages of all that is foretold show. */
export type Reasoned = Pick<Risks, 'levels' | 'bands' | 'causes' | 'associated' | 'reliability' | 'currency'>;
/** How the levels of a risk are coloured: a loss is bad where it is likely. */
export const CHURN_TONES: Record<string, string> = { high: 'bad', medium: 'warn', low: 'good', lost: '' };
/** And those of what is wanted. */
export const LEVEL_TONES: Record<string, string> = { high: 'good', medium: 'on', low: '' };

type Say = (key: Key, params?: Record<string, string | number>) => string;

/** Whether a job of anything that is learnt is under way, and so asked again soon. */
export const isBusy = (model: Pick<Standing, 'fit' | 'scoring'>): boolean => [model.fit, model.scoring].some((job) => job?.state === 'queued' || job?.state === 'running');

/** The matrix as rows of purchases, each with its cells of weeks, as the server orders them. */
export function matrix(cells: Cell[]): { purchases: number; cells: Cell[] }[] {
	const rows: { purchases: number; cells: Cell[] }[] = [];
	for (const cell of cells) {
		const row = rows.find((it) => it.purchases === cell.purchases);
		if (row) row.cells.push(cell);
		else rows.push({ purchases: cell.purchases, cells: [cell] });
	}
	return rows;
}

/** A class by where it begins: "4 to 7" before the next, "52 and more" for the last. */
export function span(from: number, next: number | undefined, say: Say, step = 0): string {
	if (next === undefined) return say('value.matrix.more', { n: from });
	return next - step === from ? String(from) : say('value.matrix.to', { from, to: next - step });
}

/** A reason in the reader's words; one that this console does not know yet as the server says it. */
export function reason(it: Reason, say: Say, figure: { number: (value: number) => string; money: (value: number) => string }): string {
	const [a = 0, b = 0, c = 0] = it.numbers;
	switch (it.code) {
		case 'once':
			return say('score.reason.once', { days: figure.number(a) });
		case 'often':
			return say('score.reason.often', { n: figure.number(a), days: figure.number(b), gap: figure.number(c) });
		case 'on_time':
			return say('score.reason.on_time', { days: figure.number(a) });
		case 'late':
			return say('score.reason.late', { days: figure.number(a), gap: figure.number(b) });
		case 'spends_more':
		case 'spends_less':
			return say(`score.reason.${it.code}`, { own: figure.money(a), all: figure.money(b) });
		case 'spends_as_usual':
			return say('score.reason.spends_as_usual', { own: figure.money(a) });
		default:
			return it.text;
	}
}

/** What is shown of any model before its figures: a job under way, a version that waits, why there is none. */
export interface Standing {
	live?: { version: number } | null;
	held?: { version: number; held: Hold[] } | null;
	verdict?: Verdict | null;
	fit?: Model['fit'];
	scoring?: Model['scoring'];
}

const VERDICTS = ['too_few_people', 'too_few_again', 'too_few_lately', 'not_identified', 'no_horizon', 'too_few_lost', 'too_few_stayed', 'tells_nothing', 'too_little_time', 'too_few_asked', 'too_few_subscribers', 'too_few_did', 'too_few_did_not'] as const;
const OFFER_VERDICTS = ['too_few_people', 'too_few_items', 'too_few_taken', 'too_little_time'] as const;
/** Why there is no version, in the reader's words. */
export function verdict(it: Verdict, say: Say, offers = false): string {
	const offered = offers && OFFER_VERDICTS.find((known) => known === it.code);
	if (offered) return say(`offers.verdict.${offered}`, { have: it.have, need: it.need });
	const code = VERDICTS.find((known) => known === it.code);
	return code ? say(`models.verdict.${code}`, { have: it.have, need: it.need }) : it.text;
}

type Figure = { number: (value: number, digits?: number) => string; percent: (value: number) => string; money: (value: number) => string };
const SHARES = ['regularity', 'reduced', 'alive'];
const PARTS = ['lateness', 'spend_last', 'sentiment_last'];
const AMOUNTS = ['spend_mean', 'spend_90', 'spend_365'];

/** A value of a thing that is known of people, as people read it. */
export function featureValue(feature: string, value: number, figure: Figure): string {
	if (SHARES.includes(feature)) return figure.percent(value);
	if (AMOUNTS.includes(feature)) return figure.money(value);
	if (PARTS.includes(feature)) return figure.number(value, 1);
	return feature.endsWith('_trend') && value > 0 ? `+${figure.number(Math.round(value))}` : figure.number(Math.round(value));
}

/** Why a risk is what it is, in the reader's words; what this console does not know yet as the server says it. */
export function riskReason(it: RiskReason, say: Say, has: (key: string) => boolean, figure: Figure): string {
	const feature = it.code.replace('unknown.', '');
	if (!has(`churn.reason.${feature}`)) return it.text;
	if (it.code !== feature) return say('churn.reason.unknown', { name: say(`churn.feature.${feature}` as Key) });
	return say(`churn.reason.${feature}` as Key, { n: featureValue(feature, it.numbers[0] ?? 0, figure) });
}

/** What happened, of a trigger of loss: `complained:category=delivery` is a complaint of delivery. What this console does not know yet as the server says it. */
export function happened(word: string, say: Say, has: (key: string) => boolean, name: (key: string) => string): string {
	const [kind = '', why] = word.split(/:(.*)/s);
	const key = `churn.happened.${kind}`;
	if (!has(key)) return word;
	if (kind === 'bought' && why === 'discount') return say('churn.happened.discount');
	const what = why === undefined ? '' : name(why.slice(why.indexOf('=') + 1));
	return what ? say('churn.happened.of', { what: say(key as Key), why: what }) : say(key as Key);
}

/** A trigger in words: steps in their order, what happened on one day together. */
export const triggerWords = (steps: string[][], say: Say, has: (key: string) => boolean, name: (key: string) => string): string =>
	steps.map((step) => step.map((word) => happened(word, say, has, name)).join(say('churn.happened.and'))).join(say('churn.happened.then'));

/** The steps of a trigger by its key. */
export const triggerSteps = (key: string): string[][] => key.split(' > ').map((step) => step.split(' + '));

/** Why a version is held, in the reader's words. */
export function hold(it: Hold, say: Say, figure: { number: (value: number, digits?: number) => string; percent: (value: number) => string }): string {
	switch (it.code) {
		case 'foretells_worse':
			return say('models.held.foretells_worse', { now: figure.number(-it.now, 3) });
		case 'people_missing':
			return say('models.held.people_missing', { now: figure.number(it.now), before: figure.number(it.before) });
		case 'sum_far_off':
			return say('models.held.sum_far_off', { now: figure.percent(it.now), before: figure.percent(it.before) });
		case 'features_moved':
			return say('models.held.features_moved', { n: figure.number(it.now) });
		case 'offers_worse':
			return say('offers.held.offers_worse', { now: figure.number(-it.now, 3) });
		case 'items_missing':
			return say('offers.held.items_missing', { now: figure.number(it.now), before: figure.number(it.before) });
		default:
			return it.text;
	}
}

/** What of the address says whose scores are shown, and how the list is asked for. */
export interface Behind {
	part?: string;
	tenth?: number;
	cohort?: string;
	from?: number;
	to?: number;
	/** A group by `source` or `market`, with its name. */
	of?: string;
	group?: string;
	/** Whom a trigger of loss happened to lately, by its key. */
	trigger?: string;
	/** Who has waited so long that hardly anybody still buys again, or soon will have. */
	lapse?: (typeof LAPSES)[number];
}
const LAPSES = ['lapsed', 'lapsing'] as const;
export function behind(params: URLSearchParams): Behind | null {
	const number = (key: string) => (params.has(key) && Number.isFinite(Number(params.get(key))) ? Number(params.get(key)) : undefined);
	const found: Behind = { part: params.get('part') ?? undefined, tenth: number('tenth'), cohort: params.get('cohort') ?? undefined, from: number('from'), to: number('to'), trigger: params.get('trigger') ?? undefined, lapse: LAPSES.find((it) => it === params.get('lapse')) };
	const [of, group] = [params.get('of'), params.get('group')];
	if (of && group !== null) Object.assign(found, { of, group });
	return Object.values(found).some((value) => value !== undefined) ? found : null;
}

/** The part of the address that says which people are looked at. */
export const addressed = (next: Behind | null): Record<string, string | null> => ({ part: null, tenth: null, cohort: null, from: null, to: null, of: null, group: null, trigger: null, lapse: null, ...Object.fromEntries(Object.entries(next ?? {}).map(([key, value]) => [key, value === undefined ? null : String(value)])) });
