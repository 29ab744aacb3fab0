// What to offer and what is bought together, as a server of the invented shop would show it. Names are long, and one is hostile.
const sure = (value, part = 0.1) => ({ value, low: value * (1 - part), high: value * (1 + part) });
const NOW = Date.parse('2026-11-21T21:00:00Z');
const ago = (days) => new Date(NOW - days * 86_400_000).toISOString();
const micros = (days) => (NOW - days * 86_400_000) * 1_000;

const figures = (ndcg) => ({ people: 1_804, ndcg: sure(ndcg, 0.06), recall: sure(ndcg * 1.6, 0.07), precision: sure(ndcg * 0.3, 0.07), hit_rate: sure(ndcg * 2.1, 0.05), mrr: sure(ndcg * 0.8, 0.07) });
const NAMES = ['mean of EASE, λ 83.1 and ALS, 64 dimensions, α 2, λ 40.12', 'EASE, λ 83.1', 'EASE, λ 20.8', 'ALS, 64 dimensions, α 2, λ 40.12', '100 neighbours, TF-IDF', '50 neighbours, the newer counting more', '20 neighbours, TF-IDF', 'popular'];
const WAYS = ['mean', 'ease', 'ease', 'als', 'neighbours', 'neighbours', 'neighbours', 'popular'];
const tried = [
	...NAMES.map((name, at) => ({ name, way: WAYS[at], ndcg: 0.181 - 0.008 * at, behind: at ? { value: 0.008 * at, low: 0.008 * at - 0.005, high: 0.008 * at + 0.005 } : null, fault: null, is_best: at === 0 })),
	{ name: 'EASE, λ 332.4', way: 'ease', ndcg: null, behind: null, fault: 'Too many items for EASE: 3120, where it takes at most 2500.', is_best: false }
];
const metrics = {
	from: micros(42), until: micros(0), k: 10, chosen: figures(0.179), popular: figures(0.121), above_popular: { value: 0.058, low: 0.044, high: 0.071 },
	coverage: 0.73, coverage_popular: 0.12, novelty: sure(6.1), diversity: sure(0.87, 0.02), little: { people: 702, ndcg: sure(0.141), hit_rate: sure(0.33) }, unknown: { people: 312, ndcg: sure(0.11), hit_rate: sure(0.28) }, unreachable: 14
};
const HELD = [{ code: 'items_missing', before: 150, now: 96, text: 'It knows 96 products.' }];
const version = (number, state, days, held = []) => ({
	version: number, state, fitted_at: ago(days), fitted_by: null, as_of: ago(days), name: number === 4 ? NAMES[0] : NAMES[1 + (number % 4)], plan: { way: 'ease', penalty: 83.1, whether: true }, held,
	against: null, tried, metrics, judged_on: [ago(42), ago(0)], seen: { from: micros(365), until: micros(0), people: 3_512 - number, items: 150, orders: 11_902, restricted: 2 }, seen_on: [ago(365), ago(0)],
	decided_at: null, decided_by: null, decided_why: null
});
const versions = [version(5, 'held', 0, HELD), version(4, 'live', 7), version(3, 'retired', 14), version(2, 'retired', 21), version(1, 'retired', 28)];
const model = {
	settings: { held_weeks: null, fit_days: 7 }, is_paused: false, live: versions[1], held: versions[0], verdict: null, fit_at: ago(-6), fit: { state: 'done', done: 6, total: 6 },
	table: { built_at: ago(0.1), products: 150, version: 4, name: NAMES[0], fault: null }
};
const card = {
	title: 'What to offer whom', data_from: '2025-11-22', data_until: '2026-11-20', people: 3_508, purchases: 11_902, left_out: ['Orders that were called off or went back whole.'],
	features: ['Which products somebody bought, looked at or put into the cart, and when last.'], method: `${NAMES[0]} ranked best what people took in two windows of weeks.`, parameters: [], judged_on: ['2026-10-10', '2026-11-20'],
	measures: [{ key: 'ndcg', label: 'nDCG of the first ten', value: metrics.chosen.ndcg }, { key: 'coverage', label: 'Part of the products offered to anybody', value: { value: 0.73, low: 0.73, high: 0.73 } }],
	calibration: [], groups: [], limits: ['Whether somebody takes a product because it is offered: for that there are experiments.']
};

const PRODUCTS = [
	['NL-101', 'Merino base layer, long sleeve, brushed inside, for cold days and long nights', 'Clothing', '79.00'], ['NL-102', 'Down jacket Polarnatt', 'Clothing', '249.00'], ['NL-201', 'Enamel mug', 'Kitchen', '14.50'], ['NL-202', 'Cast-iron kettle', 'Kitchen', '64.00'],
	['NL-301', '<img src=x onerror=alert(1)>"Nordlys" & Søn lantern', 'Light', '39.00'], ['NL-302', 'Candle, beeswax', 'Light', '9.90'], ['NL-401', 'Wool blanket Vidda', 'Home', '129.00'], ['NL-402', 'Linen cushion', 'Home', '34.00'],
	['NL-501', 'Trekking poles, carbon', 'Outdoor', '99.00'], ['NL-502', 'Dry bag 20 l', 'Outdoor', '24.00'], ['NL-503', null, 'Outdoor', '19.00'], ['NL-601', 'Fjällbär jam', 'Pantry', '7.50']
];
const product = (at, because, of, filled = false, reasons = []) => {
	const [id, name, category, price] = PRODUCTS[at];
	return { id, name, category, price, url: null, image_url: null, in_stock: at % 3 ? true : null, score: 1 / (at + 1), because, because_of: of, is_filled: filled, reasons };
};
const offers = (products) => ({ products, built_at: ago(0.1), stock_unknown: 0, margin_unknown: 0, filled: products.filter((it) => it.is_filled).length, model_version: 4 });
function trial(person) {
	const own = [2, 0, 8].map((at, i) => ({ id: PRODUCTS[at][0], name: PRODUCTS[at][1], category: PRODUCTS[at][2], viewed_at: ago(3 + i), bought_at: i < 2 ? ago(20 + 9 * i) : null }));
	const why = (id, share) => [{ id, share }];
	const ways = [
		['next_best', [product(1, 'like', 'NL-101', false, why('NL-101', 0.71)), product(6, 'like', 'NL-201', false, why('NL-201', 0.44)), product(3, 'like', 'NL-201', false, why('NL-201', 0.62))]],
		['for_person', [product(3, 'like', 'NL-201', false, why('NL-201', 0.62)), product(4, 'like', 'NL-501', false, why('NL-501', 0.51)), product(9, 'fits', null), product(5, 'popular', null, true)]],
		['up_sell', [product(3, 'dearer', 'NL-201', false, why('NL-201', 0.62))]],
		['cross_sell', [product(4, 'bought_with', 'NL-201'), product(6, 'like', 'NL-101', false, why('NL-101', 0.4)), product(11, 'popular', null, true)]],
		['popular', [product(5, 'popular', null), product(10, 'popular', null), product(2, 'popular', null)]]
	];
	return { person_id: person, is_restricted: false, own, ways: ways.map(([method, products]) => ({ method, offers: offers(products) })) };
}

const RULES = [[[4], 5, 61, 6.2], [[2], 3, 88, 4.4], [[0], 1, 54, 3.9], [[6], 7, 47, 3.6], [[8], 9, 72, 3.1], [[2, 3], 11, 21, 2.9], [[9], 10, 33, 2.2], [[0], 8, 40, 1.7], [[11], 2, 19, 1.3], [[5], 1, 8, 0.8]];
const orders = 5_204;
function rules(question) {
	const id = (at) => (question.of === 'category' ? PRODUCTS[at][2] : PRODUCTS[at][0]);
	const all = RULES.map(([first, second, both, lift]) => {
		const withFirst = Math.round(both / 0.28);
		return {
			first: [...new Set(first.map(id))], second: id(second), both, with_first: withFirst, with_second: Math.round((both * orders) / (withFirst * lift)), support: both / orders, confidence: both / withFirst, lift, lift_low: lift * 0.8, lift_high: lift * 1.25,
			leverage: (both - both / lift) / orders, conviction: both === 61 ? null : 1.2, zhang: 0.6, kulczynski: 0.3, p: lift < 1 ? 0.4 : 0.0001, q: lift < 1.4 ? 0.21 : 0.002
		};
	});
	const seen = new Set();
	const once = all.filter((it) => !it.first.includes(it.second) && !seen.has(JSON.stringify([it.first, it.second])) && seen.add(JSON.stringify([it.first, it.second])));
	return question.item ? once.filter((it) => it.second === question.item || it.first.includes(question.item)) : once;
}
function baskets(question) {
	const found = question.period?.from ? [] : rules(question);
	const ids = new Set(found.flatMap((it) => [...it.first, it.second]));
	const items = question.of === 'category'
		? [...ids].map((name, at) => ({ id: name, name, category: null, baskets: 900 - 90 * at }))
		: PRODUCTS.filter(([id]) => ids.has(id)).map(([id, name, category], at) => ({ id, name, category, baskets: 480 - 30 * at }));
	return {
		from: ago(365), until: ago(0), baskets: orders, of_several: 2_310, items_in_all: 150, least: 6, support: 6 / orders, is_raised: question.support === '0.0005', confidence: 0.05, too_large: 1, looked_at: 402, found: found.length, rules: found, items,
		sentence: `In ${orders} orders ${found.length} rules hold.`, notes: [], computed_ms: 31
	};
}

export function recommendationRoutes(fixture) {
	return [
		['GET', /^\/models\/recommendations$/, () => model],
		['PUT', /^\/models\/recommendations$/, () => model],
		['POST', /^\/models\/recommendations\/fit$/, () => model],
		['GET', /^\/models\/recommendations\/versions$/, () => ({ rows: versions })],
		['GET', /^\/models\/recommendations\/versions\/(\d+)$/, ([number]) => ({ version: versions.find((it) => it.version === Number(number)), card })],
		['POST', /^\/models\/recommendations\/versions\/(\d+)\/use$/, ([number]) => versions.find((it) => it.version === Number(number))],
		['GET', /^\/models\/recommendations\/try$/, (match, query) => trial(query.get('person'))],
		['POST', /^\/baskets\/ask$/, (match, query, body) => baskets(body)],
		['POST', /^\/baskets\/people$/, (match, query, body) => { const rows = fixture('customers').slice(body.whose === 'both' ? 0 : 20, body.whose === 'both' ? 12 : 55); return { rows, next: null, total: rows.length }; }]
	];
}
