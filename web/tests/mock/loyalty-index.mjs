// The loyalty index of the invented shop, with a version that is held and a fact with a long key.
const NOW = Date.parse('2026-11-21T21:00:00Z');
const ago = (days) => new Date(NOW - days * 86_400_000).toISOString();
const sure = (value, half) => ({ value, low: value - half, high: value + half });
const mean = (people, value, half = 0.8) => ({ people, mean: sure(value, half) });
const LONG = 'fact:trait.how_satisfied_with_the_delivery_of_large_goods_in_the_last_survey_by_telephone';
const between = (worst, best) => ({ between: { worst, best } });
const measure = (of, facet, source, scaling, weight = 1) => ({ of, facet, source, scaling, weight });
const measures = [
	measure('stars', 'product_quality', 'said', between(1, 5)), measure('returns', 'product_quality', 'done', between(0.5, 0)), measure('fact:csat.last', 'service_experience', 'said', between(1, 5)),
	measure('complaints', 'service_experience', 'done', between(3, 0)), measure('visits', 'engagement', 'done', { half: 4 }), measure('purchases', 'behaviour', 'done', { half: 3 }), measure('recency', 'behaviour', 'done', between(365, 0)), measure('fact:nps.last', 'attitude', 'said', between(0, 10))
];
const ones = { product_quality: 1, service_experience: 1, brand: 1, engagement: 1, behaviour: 1, attitude: 1 };
const FACETS = [['product_quality', 0.2, 81.4, 3_210, 54.1], ['service_experience', 0.2, 77, 3_508, 55.2], ['brand', 0, null, 0, null], ['engagement', 0.2, 34.1, 3_508, 66.8], ['behaviour', 0.2, 47.9, 3_508, 62.4], ['attitude', 0.2, 61.2, 602, 60.1]];
const kinds = [['loyal', 221, 0.367], ['said_only', 164, 0.272], ['done_only', 108, 0.179], ['neither', 109, 0.181]].map(([kind, people, share]) => ({ kind, people, share: sure(share, 0.035) }));
const reading = {
	all: mean(3_508, 58.3), complete: mean(588, 63.9, 1.7), unknown: 12, facets: FACETS.map(([facet, weight, value, people, without]) => ({ facet, weight, mean: value == null ? null : mean(people, value), without })), said: mean(2_204, 74.2), done: mean(3_508, 56.1),
	together: { value: 0.31, low: 0.24, high: 0.38 }, kinds
};
const HELD = [{ code: 'index_moves', before: 58.3, now: 0.34, text: 'The index of 1193 of 3508 people would move.' }];
const version = (number, state, days, more = {}) => ({
	version: number, state, fitted_at: ago(days), fitted_by: number === 2 ? 'Ada Lovelace' : null, as_of: ago(days), people: 3_500 + number, measures, is_proposed: true, weights: ones, least_known: 0.5, cut: 50, window_days: 365, reading, held: [],
	against: number > 1 ? { version: number - 1, before: 61.2, now: 58.3, moved: 412, both: 3_490, people_before: 3_480, people: 3_508, is_chosen: number === 2 } : null, decided_at: null, decided_by: null, decided_why: null, ...more
});
const versions = [version(3, 'held', 0, { held: HELD, measures: [...measures, measure(LONG, 'brand', 'said', between(0, 10))] }), version(2, 'live', 9), version(1, 'retired', 40)];
const job = (done) => ({ state: 'done', done, total: done });
const model = {
	settings: { measures: null, weights: ones, least_known: 0.5, cut: 50, window_days: 365, fit_days: 7, score_hours: 24 }, is_paused: false, live: versions[1], held: versions[0], verdict: null, fit_at: ago(-5), score_at: ago(-1), scored_at: ago(0.2), scored_version: 2, fit: job(4), scoring: job(3_508)
};
const overview = {
	as_of: '2026-11-20', reading, median: 57.8, bands: [4, 21, 88, 240, 512, 1_010, 904, 480, 201, 48].map((people, at) => ({ from: 10 * at, to: 10 * (at + 1), people })),
	weakest: [['service_experience', 204], ['engagement', 2_110], ['behaviour', 1_004], ['attitude', 161]].map(([facet, people]) => ({ facet, people })),
	past: Array.from({ length: 13 }, (_, at) => ({ day: ago(30 * (12 - at) + 1).slice(0, 10), people: 1_200 + 192 * at, mean: sure(55.1 + 0.27 * at, 0.9), said: at < 3 ? null : sure(70.2 + 0.33 * at, 1.8), done: sure(54 + 0.18 * at, 0.8) })), cut: 50, measures, left_out: 14
};
const card = {
	title: 'Loyalty index, 0 to 100', data_from: '2024-11-22', data_until: '2026-11-20', people: 3_502, purchases: 11_902, left_out: ['12 people who bought, of whom less than 50 % is known.'], features: ['stars: product quality, said; 0 at 1, 100 at 5; weight 1'], method: 'Each measure is moved to 0 to 100.',
	parameters: [{ name: 'weight of behaviour', value: 0.2, standard_error: null, low: 0.2, high: 0.2 }], judged_on: ['', ''], measures: [{ key: 'index', label: 'The index of all', value: sure(58.3, 0.8) }], calibration: [], groups: [], limits: ['It foretells nothing: who will be lost says the model of churn.']
};
/** What the index says of somebody: of every third nothing was said. */
export const indexOf = (at) => {
	const said = at % 3 === 2 ? null : 91.2 - 3 * at;
	const known = said == null ? 0.8 : 1;
	const value = 83.1 - 2.1 * at;
	return {
		model: 'loyalty_index', name: null, version: 2, scored_at: ago(0.2), score: value.toFixed(6), low: (value * known).toFixed(6), high: (value * known + 100 * (1 - known)).toFixed(6), currency: 'EUR', tenth: 10, part: said == null ? '' : 'loyal', cohort: 'engagement', detail: null, risk: null, chance: null, group: null,
		index: {
			index: value, said, done: 71.4, kind: said == null ? null : 'loyal', known, facets: [['product_quality', 87.5], ['service_experience', 100], ['engagement', 44.4], ['behaviour', 81], ['attitude', said]].map(([facet, of]) => ({ facet, value: of, weight: 0.2 })),
			measures: [{ of: 'stars', value: 4.5, scaled: 87.5 }, { of: 'complaints', value: 0, scaled: 100 }, { of: 'purchases', value: 9, scaled: 75 }, { of: 'tenure', value: 402, scaled: null }, ...(said == null ? [] : [{ of: 'fact:nps.last', value: 9, scaled: 90 }])]
		}
	};
};
const groups = { source: ['google', 'newsletter', 'instagram', 'friend'], market: ['DE', 'AT', 'SE'], segment: ['frequent', 'lapsing'] };
function effect({ settings }) {
	const same = JSON.stringify(settings.weights) === JSON.stringify(ones) && settings.measures === null;
	const own = settings.measures ?? measures;
	return { people: 3_508, before: 58.3, after: same ? 58.3 : 61.4, changed: same ? 0 : 120, lost: 0, measures: own.map((it, at) => ({ measure: it, people: it.of === LONG ? 0 : 3_508 - 300 * at, scaled: it.of === LONG ? null : 62 })), reading, is_window_changed: settings.window_days !== 365 };
}

export function loyaltyIndexRoutes() {
	return [
		['GET', /^\/models\/loyalty_index$/, () => model],
		['PUT', /^\/models\/loyalty_index$/, () => model],
		['POST', /^\/models\/loyalty_index\/fit$/, () => model],
		['POST', /^\/models\/loyalty_index\/effect$/, (match, query, body) => effect(body)],
		['GET', /^\/models\/loyalty_index\/overview$/, () => overview],
		['GET', /^\/models\/loyalty_index\/groups$/, (match, query) => ({ rows: (groups[query.get('by')] ?? []).map((key, at) => ({ key, name: key, people: 900 - 150 * at, average: sure(62 - 3 * at, 1.5 + at) })) })],
		['GET', /^\/models\/loyalty_index\/versions$/, () => ({ rows: versions })],
		['GET', /^\/models\/loyalty_index\/versions\/(\d+)$/, ([number]) => ({ version: versions.find((it) => it.version === Number(number)), card })],
		['POST', /^\/models\/loyalty_index\/versions\/(\d+)\/use$/, ([number]) => versions.find((it) => it.version === Number(number))]
	];
}
