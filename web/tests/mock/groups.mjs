// Groups of customers as a server of the invented shop would show them. One name is long, one note hostile, a version is held.
const NOW = Date.parse('2026-11-21T21:00:00Z');
const ago = (days) => new Date(NOW - days * 86_400_000).toISOString();
const sure = (value, part = 0.08) => ({ value, low: value * (1 - part), high: value * (1 + part) });
const trait = (key, value, overall, effect, q = null) => ({ key, value, overall, over_index: (100 * value) / overall, effect, q, text: `${key} ${value}` });
const LONG = 'Outdoor clothing and equipment for cold days and long nights';
const MEASURES = ['recency', 'purchases', 'average', 'reduced', 'returned', `category:${LONG}`, 'category:Kitchen'];
const figure = (key, value, overall) => ({ key, value, low: value * 0.7, high: value * 1.4, overall });
const group = (number, people, revenue, [recency, purchases, average, reduced, returned, outdoor, kitchen], stability, traits, persona = null) => ({
	number, name: persona?.name ?? `Group ${number}`, persona, condition: `fact group.number = ${number}`, people, share: people / 3_480, spent: sure((revenue * 401_220) / people), revenue_share: revenue, stability, traits,
	figures: [figure('recency', recency, 84), figure('purchases', purchases, 3), figure('average', average, 48), figure('spent', average * purchases, 144), figure('cycle', 2 * recency, 61), figure('tenure', 300, 280), figure('reduced', reduced, 0.21), figure('returned', returned, 0.08), figure(`category:${LONG}`, outdoor, 0.35), figure('category:Kitchen', kitchen, 0.2)]
});
const persona = (name, note) => ({ name, note, changed_at: ago(3), changed_by: 'Ada Lovelace' });
const groups = [
	group(2, 1_510, 0.14, [96, 2, 21, 0.74, 0.06, 0.22, 0.31], 0.94, [trait('reduced', 0.74, 0.21, 1.6), trait('average', 21.4, 51.2, -0.9), trait('source:instagram', 0.41, 0.19, null, 0.0004), trait('category:Kitchen', 0.31, 0.2, 0.5)], persona('Bargain hunters who wait for the season’s end and for every single coupon', '<img src=x onerror=alert(1)> They come with a coupon and leave with a kettle.\nSpeak of what it costs, and until when.')),
	group(1, 1_102, 0.71, [16, 9, 92, 0.05, 0.12, 0.61, 0.09], 0.97, [trait('purchases', 8.9, 3.4, 1.7), trait('average', 92.3, 51.2, 1.1), trait(`category:${LONG}`, 0.61, 0.35, 0.8), trait('market:SE', 0.34, 0.2, null, 0.00001), trait('reduced', 0.05, 0.21, -0.6)], persona('Regulars', '')),
	group(4, 868, 0.15, [402, 1, 44, 0.11, 0.05, 0.33, 0.19], 0.79, [trait('recency', 402, 141, 1.8), trait('once', 0.83, 0.44, null), trait('tenure', 431, 288, 0.9), trait('source:friend', 0.12, 0.2, null, 0.01)])
];
const TRIED = [
	['everything', 2, 0.34, 0.91, 1_102, null, 'by_chance'], ['everything', 3, 0.41, 0.79, 868, 0.29, null], ['everything', 4, 0.36, 0.66, 301, null, 'not_stable'], ['everything', 5, 0.22, 0.52, 40, null, 'not_parted'], ['everything', 8, 0.27, 0.78, 12, null, 'too_small']
];
const tried = TRIED.map(([by, groups, silhouette, stability, smallest, by_chance, fault]) => ({ by, groups, silhouette, stability, smallest, by_chance: fault === 'by_chance' ? 0.35 : by_chance, fault, is_used: fault === null }));
const against = (version, staying) => ({ version, agreement: staying - 0.05, staying, kept: [1, 2], new: [4], gone: [3], people_before: 3_402, people: 3_480 });
const version = (number, state, days, held = []) => ({
	version: number, state, fitted_at: ago(days), fitted_by: null, as_of: ago(days), by: 'everything', measures: MEASURES, axes: ['recency', 'average'], people: 3_480 - number, learnt_on: ['2024-11-21', '2026-11-20'], groups,
	silhouette: 0.41, by_chance: 0.29, tried, held, against: number > 1 ? against(number - 1, held.length ? 0.38 : 0.91) : null, decided_at: null, decided_by: null, decided_why: null
});
const HELD = [{ code: 'people_move', before: 1, now: 0.38, text: 'Only 38 % would stay.' }];
const versions = [version(4, 'held', 0, HELD), version(3, 'live', 28), version(2, 'retired', 56), version(1, 'retired', 84)];
const model = {
	settings: { by: 'best', groups: null, least_people: 30, window_days: 730, fit_days: 28, place_hours: 24 }, is_paused: false, live: versions[1], held: versions[0], verdict: null, fit_at: ago(-27), place_at: ago(-1),
	placed_at: ago(0.2), placed_version: 3, fit: { state: 'done', done: 7, total: 7 }, scoring: { state: 'done', done: 3_480, total: 3_480 }
};
const overview = {
	as_of: '2026-11-20', currency: 'EUR', people: 3_480, left_out: 14,
	groups: groups.map((it, at) => ({ number: it.number, people: it.people, share: it.share, spent: it.spent, revenue: it.revenue_share * 401_220, revenue_share: it.revenue_share, between: [190, 44, 61][at] }))
};
const card = {
	title: 'Groups of customers', data_from: '2024-11-21', data_until: '2026-11-20', people: 3_477, purchases: 11_902, left_out: ['Whoever bought nothing in the last 730 days.'], features: ['How many days ago they bought last.'],
	method: 'k-means by how they buy and what.', parameters: [], judged_on: ['', ''], measures: [{ key: 'silhouette', label: 'How well they are parted (silhouette; above 0.25 at all)', value: { value: 0.41, low: 0.41, high: 0.41 } }], calibration: [], groups: [],
	limits: ['Why people are so, or whether they would answer differently to a message: for that there are experiments.']
};
const verdict = { code: 'groups_not_stable', have: 58, need: 75, text: 'No groups were found.' };

export function groupRoutes(fixture) {
	const people = (query) => {
		const from = Number(query.get('cursor') || 0);
		const number = Number(query.get('group'));
		const rows = fixture('customers').slice(from, from + 20).map((customer, at) => ({
			customer, placed_at: ago(0.2), version: 3, tenth: 10 - Math.floor(at / 2),
			detail: { number, sure: 0.92 - 0.04 * at, typical: 0.8 - 0.02 * at, second: at === 3 ? null : groups.find((it) => it.number !== number).number, measures: [{ key: 'recency', value: 12 + at }, { key: 'purchases', value: 9 }, { key: 'average', value: 88.4 - at }, { key: 'reduced', value: null }, { key: `category:${LONG}`, value: 0.6 }] }
		}));
		return { rows, next: from === 0 ? '20' : null, total: groups.find((it) => it.number === number)?.people ?? 0 };
	};
	return [
		['GET', /^\/models\/groups$/, () => model],
		['PUT', /^\/models\/groups$/, () => ({ ...model, verdict })],
		['POST', /^\/models\/groups\/fit$/, () => model],
		['GET', /^\/models\/groups\/overview$/, () => overview],
		['GET', /^\/models\/groups\/versions$/, () => ({ rows: versions })],
		['GET', /^\/models\/groups\/versions\/(\d+)$/, ([number]) => ({ version: versions.find((it) => it.version === Number(number)), card })],
		['POST', /^\/models\/groups\/versions\/(\d+)\/use$/, ([number]) => versions.find((it) => it.version === Number(number))],
		['GET', /^\/models\/groups\/people$/, (match, query) => people(query)],
		['PUT', /^\/models\/groups\/personas\/(\d+)$/, (match, query, body) => persona(body.name, body.note)],
		['DELETE', /^\/models\/groups\/personas\/(\d+)$/, () => ({})]
	];
}
