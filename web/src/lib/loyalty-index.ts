// The loyalty index: what the pages need of it. Pure: words come from the caller.
import type { components } from './api/schema';
import type { Key } from './i18n/index.svelte';
import type { Verdict } from './models';

type Schemas = components['schemas'];
export type IndexModel = Schemas['LoyaltyIndexModel'];
export type IndexVersion = Schemas['LoyaltyIndexVersion'];
export type IndexSettings = Schemas['LoyaltyIndexSettings'];
export type IndexOverview = Schemas['LoyaltyIndexOverview'];
export type IndexGroup = Schemas['LoyaltyIndexGroup'];
export type IndexDetail = Schemas['LoyaltyIndexDetail'];
export type Measure = Schemas['LoyaltyMeasure'];
export type Facet = Schemas['LoyaltyFacet'];
export type Kind = Schemas['LoyaltyKind'];
export type Effect = Schemas['LoyaltyEffect'];
type Hold = Schemas['ModelHold'];

type Say = (key: Key, params?: Record<string, string | number>) => string;

export const FACETS = ['product_quality', 'service_experience', 'brand', 'engagement', 'behaviour', 'attitude'] as const satisfies Facet[];
export const KINDS = ['loyal', 'said_only', 'done_only', 'neither'] as const satisfies Kind[];
/** What is built in, each as it is usually scaled. */
export const BUILT = ['stars', 'returns', 'complaints', 'requests', 'visits', 'opened', 'reviews', 'referrals', 'purchases', 'recency', 'tenure', 'spent'] as const;
type Built = (typeof BUILT)[number];
const FACT = 'fact:';
/** Facts that have a name of their own. */
const NAMED = { 'nps.last': 'nps', 'csat.last': 'csat', 'ces.last': 'ces', 'feeling.sentiment': 'sentiment' } as const;

/** What a measure is called; a fact without a name of its own by its key. */
export function measureName(of: string, say: Say): string {
	if (of.startsWith(FACT)) {
		const key = of.slice(FACT.length);
		return key in NAMED ? say(`loyal.measure.${NAMED[key as keyof typeof NAMED]}`) : key;
	}
	const built = BUILT.find((it) => it === of);
	return built ? say(`loyal.measure.${built}`) : of;
}

const USUAL: Record<Built, Omit<Measure, 'of' | 'weight'>> = {
	stars: { facet: 'product_quality', source: 'said', scaling: { between: { worst: 1, best: 5 } } },
	returns: { facet: 'product_quality', source: 'done', scaling: { between: { worst: 0.5, best: 0 } } },
	complaints: { facet: 'service_experience', source: 'done', scaling: { between: { worst: 3, best: 0 } } },
	requests: { facet: 'service_experience', source: 'done', scaling: { between: { worst: 5, best: 0 } } },
	visits: { facet: 'engagement', source: 'done', scaling: { half: 5 } },
	opened: { facet: 'engagement', source: 'done', scaling: { half: 5 } },
	reviews: { facet: 'engagement', source: 'done', scaling: { half: 1 } },
	referrals: { facet: 'engagement', source: 'done', scaling: { half: 1 } },
	purchases: { facet: 'behaviour', source: 'done', scaling: { half: 3 } },
	recency: { facet: 'behaviour', source: 'done', scaling: { between: { worst: 365, best: 0 } } },
	tenure: { facet: 'behaviour', source: 'done', scaling: { half: 365 } },
	spent: { facet: 'behaviour', source: 'done', scaling: { half: 100 } }
};

/** A measure to begin with. Of a fact nobody knows the ends: 0 to 10 is a start. */
export const newMeasure = (of: string): Measure => ({ of, weight: 1, ...(USUAL[of as Built] ?? { facet: 'attitude', source: 'said', scaling: { between: { worst: 0, best: 10 } } }) });

/** A measure as its fields are filled in: both scalings, of which one counts. */
export interface Filled {
	of: string;
	facet: Facet;
	source: Measure['source'];
	weight: number;
	by: 'between' | 'half';
	worst: number;
	best: number;
	half: number;
}
export function filled({ of, facet, source, weight, scaling }: Measure): Filled {
	const rest = { of, facet, source, weight };
	return 'half' in scaling ? { ...rest, by: 'half', worst: 0, best: 10, half: scaling.half } : { ...rest, by: 'between', ...scaling.between, half: 1 };
}
export const measured = ({ of, facet, source, weight, by, worst, best, half }: Filled): Measure => ({ of, facet, source, weight, scaling: by === 'half' ? { half } : { between: { worst, best } } });

/** The key of a fact as a measure; nothing where it is none. */
export const factMeasure = (key: string): string | null => (key.trim() ? `${FACT}${key.trim().replace(/^fact:/, '')}` : null);

/** The condition of a segment of people who are loyal in a way. */
export const inKind = (kind: Kind) => ({ fact: { key: 'loyalty_index.kind', op: 'equals', value: kind } });

/** What a change would do, in a sentence or two. */
export function effectWords(it: Effect, say: Say, number: (value: number) => string): string[] {
	const [before, after] = [number(it.before), number(it.after)];
	const said = [before === after && it.changed === 0 ? say('loyal.effect.same', { before }) : say('loyal.effect.say', { before, after, changed: it.changed, people: it.people })];
	if (it.lost) said.push(say('loyal.effect.lost', { n: it.lost }));
	if (it.is_window_changed) said.push(say('loyal.effect.window'));
	return said;
}

const VERDICTS = ['too_few_people', 'too_few_known', 'no_measures'] as const;
/** Why there is no index, in the reader's words. */
export function noIndex(it: Verdict, say: Say): string {
	const code = VERDICTS.find((one) => one === it.code);
	return code ? say(`loyal.verdict.${code}`, { have: it.have, need: it.need }) : it.text;
}

/** Why a version is held, in the reader's words. */
export function held(it: Hold, say: Say, write: { number: (value: number) => string; percent: (value: number) => string }): string {
	if (it.code === 'people_missing') return say('models.held.people_missing', { now: write.number(it.now), before: write.number(it.before) });
	return it.code === 'index_moves' ? say('loyal.held.index_moves', { now: write.percent(it.now) }) : it.text;
}

/** The facet on which most hangs: without it the index of all would move farthest. */
export function hangs(facets: IndexOverview['reading']['facets'], index: number): { facet: Facet; without: number } | null {
	const some = facets.flatMap((it) => (it.without == null ? [] : [{ facet: it.facet, without: it.without }]));
	return some.reduce<{ facet: Facet; without: number } | null>((most, it) => (most && Math.abs(most.without - index) >= Math.abs(it.without - index) ? most : it), null);
}
