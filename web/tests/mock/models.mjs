// Models of value and of churn as a server of the invented shop would show it, with a version that is held.
import { indexOf } from './loyalty-index.mjs';

const sure = (value, part = 0.1) => ({ value, low: value * (1 - part), high: value * (1 + part) });
const NOW = Date.parse('2026-11-21T21:00:00Z');
const ago = (days) => new Date(NOW - days * 86_400_000).toISOString();
const OFTEN = [1, 2, 3, 4, 6, 10];
const LATELY = [0, 4, 8, 13, 26, 52];

const tried = (kind, name, score, bias) => ({ kind, name, fault: null, log_score: score, mean_absolute: 0.612, root_mean_square: 1.31, bias, correlation: 0.61 });
const metrics = {
	from: 20_666, until: 20_778, people: 3_208, said: 2_911, came: 3_040, bias: { value: -0.042, low: -0.081, high: -0.003 },
	mean_absolute: sure(0.612, 0.04), log_score: { value: -1.021, low: -1.06, high: -0.98 }, spend_bias: sure(-0.06), top_tenth: sure(0.44), top_tenth_best: 0.68, auc: sure(0.81, 0.02), calibration_error: 0.014,
	calibration: [0.05, 0.15, 0.25, 0.34, 0.46, 0.55, 0.64, 0.76, 0.85].map((said, at) => ({ people: 900 - at * 90, said, came: { value: said + 0.02 * Math.sin(at), low: said - 0.04, high: said + 0.06 } }))
};
const version = (number, state, days, held = []) => ({
	version: number, state, fitted_at: ago(days), fitted_by: null, as_of: ago(days), people: 3_512 - number, held, against: null,
	choice: { tried: [tried('pareto_nbd', 'Pareto/NBD', -1.0212, -0.042), tried('mbg_nbd', 'MBG/NBD', -1.0231, -0.09), tried('bg_nbd', 'BG/NBD', -1.0274, 0.03)], best: 'pareto_nbd' },
	metrics, judged_on: ['2026-08-01', '2026-11-20'],
	came: days > 14 ? { until: '2026-11-21', weeks: days / 7, said: 420, came: 441, bias: { value: -0.048, low: -0.11, high: 0.02 }, mean_absolute: sure(0.3) } : null,
	decided_at: null, decided_by: null, decided_why: null
});
const HELD = [{ code: 'people_missing', before: 3_510, now: 2_304, text: 'It was learnt from 2304 people.' }];
const versions = [version(5, 'held', 0, HELD), version(4, 'live', 7), version(3, 'retired', 14), version(2, 'retired', 21), version(1, 'retired', 28)];
const job = (done) => ({ state: 'done', done, total: done });
const model = {
	model: 'value', kind: 'value', settings: { horizon_weeks: 52, discount_year: 0.1, margin: 1, held_weeks: null, fit_days: 7, score_hours: 24 }, is_paused: false,
	live: versions[1], held: versions[0], verdict: null, fit_at: ago(-6), score_at: ago(-1), scored_at: ago(0.2), scored_version: 4, fit: job(7), scoring: job(3_510)
};
const card = {
	title: 'What customers are worth in the next 52 weeks', data_from: '2024-11-22', data_until: '2026-11-20', people: 3_508, purchases: 11_902, left_out: ['Orders that were cancelled or went back whole.'],
	features: ['On how many days they bought.'], method: 'Pareto/NBD was the best of what was tried.',
	parameters: [['r', 0.91], ['alpha', 10.2], ['s', 0.78], ['beta', 25.1], ['p', 5.9], ['q', 4.1], ['gamma', 37]].map(([name, value]) => ({ name, value, standard_error: value / 20, low: value * 0.9, high: value * 1.1 })),
	judged_on: ['2026-08-01', '2026-11-20'],
	measures: [{ key: 'bias', label: 'By which part the sum was foretold too high', value: metrics.bias }, { key: 'mean_absolute', label: 'Mean absolute error of a person’s purchases', value: metrics.mean_absolute }],
	calibration: metrics.calibration,
	groups: [{ by: 'market', name: 'DE', people: 1_900, said: 1_702, came: 1_790, bias: sure(-0.05), is_off: false }, { by: 'source', name: 'instagram', people: 402, said: 300, came: 210, bias: sure(0.43), is_off: true }],
	limits: ['It says who will probably buy, not why, nor what would keep anybody: for that there are experiments.']
};
const bands = [0, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000];
const overview = {
	as_of: '2026-11-20', currency: 'EUR', horizon_weeks: 52, people: 3_508, alive: 1_702.4, value: sure(401_220, 0.06), median: 38.4,
	bands: bands.map((from, at) => ({ from, to: bands[at + 1] ?? 2_000, people: [610, 120, 180, 160, 240, 430, 510, 540, 460, 190, 68][at], value: 1_000 * at })),
	tenths: [0.42, 0.21, 0.13, 0.09, 0.06, 0.04, 0.025, 0.015, 0.008, 0.002].map((share, at) => ({ tenth: 10 - at, people: 351, value: 401_220 * share, share })),
	matrix: OFTEN.flatMap((purchases, f) => LATELY.map((weeks, r) => ({ part: `f${f}r${r}`, purchases, weeks, people: f === 5 && r > 4 ? 0 : 300 - 40 * f - 12 * r, alive: Math.max(0.02, 0.95 - 0.12 * r - 0.03 * f * r), value: 9_000 - 800 * r }))),
	cohorts: ['2025-Q1', '2025-Q2', '2025-Q3', '2025-Q4', '2026-Q1', '2026-Q2', '2026-Q3', '2026-Q4'].map((cohort, at) => ({ cohort, people: 430 + 10 * at, spent: (9 - at) * 40_000, alive: 0.3 + 0.06 * at, value: 30_000 + 8_000 * at })),
	forecast: [4, 13, 26, 52].map((weeks) => ({ weeks, purchases: sure(118 * weeks, 0.07), spend: sure(9_100 * weeks, 0.07), of_new: 31 * weeks })),
	simple: { average: 81.2, a_year: 2.9, years: 0.42, value: 98.9, fault: 'It gives everybody the same value.' }
};
const score = (at) => ({
	name: null, risk: null, chance: null, group: null, model: 'value', version: 4, scored_at: ago(0.2), score: (980 - 31.5 * at).toFixed(2), low: '0', high: (2_100 - 50 * at).toFixed(2), currency: 'EUR', tenth: 10, part: 'f4r0', cohort: '2025-Q2',
	detail: {
		alive: 0.93 - 0.02 * at, purchases: 9.1 - 0.2 * at, purchases_low: 2, purchases_high: 18, spend: 92.5, horizon_weeks: 52, next: { expected_at: '2026-12-04', earliest: '2026-11-26', latest: '2026-12-29' }, known: { purchases: 12, weeks_known: 70, weeks_since: 3, spent: 1_110 },
		reasons: [{ code: 'often', numbers: [12, 490, 44], text: '' }, { code: 'on_time', numbers: [21, 44], text: '' }, { code: 'spends_more', numbers: [92.5, 71.3], text: '' }]
	}
});
const groups = { source: ['google', 'newsletter', 'instagram', 'friend'], market: ['DE', 'AT', 'SE'], segment: ['frequent', 'lapsing'] };

// Churn: a version that scores, two that did before.
const LOST_METRICS = { ...metrics, people: 2_104, said: 412, came: 398, bias: { value: 0.035, low: -0.04, high: 0.11 }, mean_absolute: sure(0.24, 0.05), log_score: { value: -0.381, low: -0.41, high: -0.35 }, spend_bias: null, top_tenth: null, top_tenth_best: null };
const lostVersion = (number, state, days) => ({
	...version(number, state, days), people: 2_980 - number, metrics: LOST_METRICS, judged_on: ['2026-08-14', '2026-11-20'], came: null,
	choice: { tried: [tried('regression', 'Logistic regression', -0.3921, 0.06), tried('boosting', 'Boosted trees', -0.3812, 0.035)], best: 'boosting' }
});
const lostVersions = [lostVersion(3, 'live', 2), lostVersion(2, 'retired', 9), lostVersion(1, 'retired', 16)];
const churnModel = {
	...model, model: 'churn', kind: 'churn', settings: { horizon_weeks: null, active_weeks: null, loss: null, action: null, keeps: 0.3, fit_days: 7, score_hours: 24 },
	live: lostVersions[0], held: null, scored_version: 3
};
const churnCard = {
	...card, title: 'Who buys nothing in the next 14 weeks', people: 2_977, features: ['days since the last purchase'], method: 'Boosted trees learnt from 9410 rows of 5 moments.', judged_on: ['2026-08-14', '2026-11-20'],
	parameters: [['since', 0.71], ['visits_since', 0.44], ['lateness', 0.31]].map(([name, value]) => ({ name, value, standard_error: null, low: value, high: value }))
};
const CAUSES = [['since', 0.71, 402], ['visits_since', 0.44, 266], ['lateness', 0.31, 190], ['complaints_180', 0.22, 61], ['purchases_365', 0.19, 88], ['alive', 0.17, 40], ['spend_365', 0.11, 12], ['tenure', 0.09, 20], ['reduced', 0.06, 9], ['tickets_180', 0.05, 7], ['messages_90', 0.03, 0]];
const trigger = (steps, people, lost, odds) => ({ key: steps.map((it) => it.join(' + ')).join(' > '), steps, people, lost, share: lost / people, others: 0.17, odds: sure(odds, 0.35), q: 0.002 });
const complaint = { performed: { event: 'Complaint Opened', times: { at_least: 1 }, within: { last: '98d' } } };
const triggersNow = [
	{ trigger: trigger([['complained:category=delivery']], 132, 61, 4.2), now: 24, condition: complaint },
	{ trigger: trigger([['bought'], ['refunded'], ['asked:topic=return']], 61, 24, 3.1), now: 9, condition: complaint },
	{ trigger: trigger([['rated_low', 'wrote:topic=quality_of_the_seams']], 44, 17, 2.9), now: 0, condition: null }
];
const triggers = { window_days: 98, people: 1_804, lost: 322, patterns: 214, found: triggersNow.map((it) => it.trigger), verdict: null };
// When people buy again: most within a quarter, some never.
const waitsOf = (people, ever, pace) => {
	const again = (weeks) => ever * (1 - Math.exp(-weeks / pace));
	const near = (value, width) => ({ value, low: Math.max(0, value - width), high: Math.min(1, value + width) });
	const point = (weeks) => ({ weeks, share: near(again(weeks), 0.012 + weeks / 1_200), waiting: Math.round(people * (1 - again(weeks)) * (1 - weeks / 80)) });
	return {
		people, bought_again: Math.round(people * ever * 0.93), verdict: null, known_days: 712,
		weeks: [1, 2, 4, 8, 13, 26, 52].map((weeks) => ({ ...point(weeks), later: near((again(weeks + 14) - again(weeks)) / (1 - again(weeks)), 0.02) })),
		curve: Array.from({ length: 52 }, (_, at) => point(at + 1)), half: { days: Math.round(-7 * pace * Math.log(1 - 0.5 / ever)), low: 58, high: 69 }
	};
};
const bought = { performed: { event: 'Order Completed', times: { at_least: 1 }, within: { last: '238d' } } };
const when = {
	since: '2024-11-22', all: waitsOf(2_904, 0.72, 7.6), new: waitsOf(1_812, 0.61, 8.8), returning: waitsOf(1_092, 0.88, 6.1),
	difference: { sooner: 'returning', new_expected: 1_260.4, returning_expected: 658.6, statistic: 118.2, p: 1.6e-27 },
	lapse: { days: 238, share: { value: 0.094, low: 0.076, high: 0.115 }, people: 611, horizon_weeks: 14, lapsed: 1_104, soon_days: 28, lapsing: 96, lapsed_condition: { not: bought }, lapsing_condition: bought }, left_out: 12
};
const risks = {
	as_of: '2026-11-20', currency: 'EUR', definition: { horizon_weeks: 14, active_weeks: 28, is_proposed: true }, people: 2_210, expected: { value: 431, low: 389, high: 449 }, lost: 1_298, base: 0.189, loss: 143.2, loss_is_proposed: true, action: null, keeps: 0.3, threshold: 0.318, medium: 0.189,
	levels: [['high', 512, 281], ['medium', 388, 82], ['low', 1_310, 68], ['lost', 1_298, 1_298]].map(([level, people, expected]) => ({ level, people, expected })),
	bands: [980, 402, 245, 190, 140, 102, 71, 48, 24, 8].map((people, at) => ({ from: at / 10, to: (at + 1) / 10, people })), reliability: metrics.calibration,
	causes: CAUSES.map(([feature, size, people]) => ({ feature, name: feature, size, people, chance: people ? 0.35 : 0 })),
	costs: Array.from({ length: 20 }, (_, at) => ({ threshold: at / 20, acted: (1 - at / 20) ** 2, right: at === 19 ? null : 0.19 + 0.03 * at, found: 1 - (at / 20) ** 2, gain: null })),
	associated: [['since', [4, 31, 120], [0.08, 0.15, 0.52]], ['visits_since', [1, 9, 44], [0.1, 0.16, 0.4]], ['complaints_180', [0, 1], [0.17, 0.38]], ['spend_365', [24.5, 130, 480], [0.25, 0.19, 0.12]]].map(([feature, values, of]) => ({ feature, name: feature, points: values.map((value, at) => ({ value, chance: of[at] })) })),
	warnings: [{ code: 'gives_away', feature: 'messages_90', number: 0.962, text: 'messages opened in 90 days alone all but tells who is lost (AUC 0.962): was it known beforehand?' }],
	triggers, triggers_now: triggersNow, when
};
const none = { name: null, detail: null, risk: null, chance: null, group: null, index: null };
const riskOf = (at) => ({
	...none, model: 'churn', version: 3, scored_at: ago(0.2), score: (0.88 - 0.02 * at).toFixed(6), low: (0.8 - 0.02 * at).toFixed(6), high: (0.93 - 0.02 * at).toFixed(6), currency: 'EUR', tenth: 10, part: 'high', cohort: 'since', detail: null,
	risk: {
		risk: 0.88 - 0.02 * at, level: 'high', horizon_weeks: 14, days_since: 97, purchases: 5,
		triggers: ['complained:category=delivery'], because: [{ code: 'since', raises: true, adds: 1.2, numbers: [97], text: '' }, { code: 'spend_365', raises: false, adds: -0.4, numbers: [412.5], text: '' }, { code: 'unknown.recommends_last', raises: true, adds: 0.2, numbers: [], text: '' }]
	}
});

// Propensities: one that scores, one that is held, one that came to nothing.
const CHANCE_METRICS = { ...LOST_METRICS, people: 4_102, said: 388, came: 402, bias: { value: -0.035, low: -0.1, high: 0.04 }, auc: sure(0.74, 0.02) };
const plan = { fact: { key: 'trait.plan', op: 'equals', value: 'pro' } };
const chanceModel = (key, settings, days, more = {}) => {
	const all = [lostVersion(2, 'live', days), lostVersion(1, 'retired', days + 7)].map((it) => ({ ...it, metrics: CHANCE_METRICS, judged_on: ['2026-10-24', '2026-11-20'] }));
	return { ...model, model: `propensity.${key}`, kind: 'propensity', settings: { horizon_weeks: 4, audience: null, active_weeks: 52, fit_days: 7, score_hours: 24, ...settings }, live: all[0], held: null, scored_version: 2, ...more };
};
const chanceModels = [
	chanceModel('next_purchase', { name: 'Next purchase', label: { kind: 'purchase' } }, 2),
	chanceModel('shoes', { name: 'Shoes in spring', label: { kind: 'category', category: 'Shoes' } }, 3),
	chanceModel('upgrade', { name: 'Upgrade', label: { kind: 'condition', condition: plan }, horizon_weeks: 8 }, 0, { live: null, scored_at: null, verdict: { code: 'too_few_did', have: 31, need: 50, text: 'Too few people did it.' } })
];
const chances = {
	as_of: '2026-11-20', currency: 'EUR', definition: { label: { kind: 'purchase' }, horizon_weeks: 4, audience: null, active_weeks: 52 }, said: 'buys in the next 4 weeks', people: 3_912, expected: { value: 371, low: 341, high: 402 }, already: 0, others: 0, idle: 1_204,
	base: 0.098, worth: 84.1, high: 0.178, medium: 0.098, levels: [['high', 512, 161], ['medium', 688, 92], ['low', 2_712, 118]].map(([level, people, expected]) => ({ level, people, expected })),
	bands: [2_480, 702, 345, 190, 110, 52, 21, 8, 4, 0].map((people, at) => ({ from: at / 10, to: (at + 1) / 10, people })), reliability: metrics.calibration.slice(0, 6),
	causes: [['visits_30', 0.61, 902], ['alive', 0.4, 466], ['messages_90', 0.31, 190], ['purchases_90', 0.22, 161], ['own_since', 0.1, 12]].map(([feature, size, people]) => ({ feature, name: feature, size, people, chance: people ? 0.2 : 0 })),
	reached: Array.from({ length: 20 }, (_, at) => ({ threshold: at / 20, acted: at > 15 ? 0 : (1 - at / 16) ** 3, right: at > 15 ? null : 0.1 + 0.05 * at, found: at > 15 ? 0 : (1 - at / 16) ** 1.4 })),
	associated: [['visits_30', [0, 3, 11], [0.04, 0.1, 0.24]], ['messages_90', [0, 2, 9], [0.07, 0.1, 0.17]]].map(([feature, values, of]) => ({ feature, name: feature, points: values.map((value, at) => ({ value, chance: of[at] })) })), warnings: []
};
const figuresOf = { as_of: '2026-11-20', people: 3_912, expected: chances.expected, high: 512, base: 0.098 };
const propensities = chanceModels.map((it) => ({ key: it.model.slice(11), fact: it.model, name: it.settings.name, said: chances.said, label_text: null, audience_text: null, settings: it.settings, model: it, figures: it.live ? figuresOf : null }));
const chanceOf = (at) => ({
	...none, model: 'propensity.next_purchase', name: null, version: 2, scored_at: ago(0.2), score: (0.62 - 0.02 * at).toFixed(6), low: (0.5 - 0.02 * at).toFixed(6), high: (0.7 - 0.02 * at).toFixed(6), currency: 'EUR', tenth: 10, part: 'high', cohort: 'visits_30',
	chance: { chance: 0.62 - 0.02 * at, level: 'high', horizon_weeks: 4, because: [{ code: 'visits_30', raises: true, adds: 0.9, numbers: [11], text: '' }, { code: 'since', raises: false, adds: -0.3, numbers: [12], text: '' }] }
});
const groupOf = {
	...none, model: 'groups', name: 'Bargain hunters', version: 2, scored_at: ago(0.4), score: '0.71', low: '0.71', high: '0.71', currency: 'EUR', tenth: 8, part: '2', cohort: '1',
	group: { number: 2, sure: 0.62, typical: 0.71, second: 1, measures: [] }
};

export function modelRoutes(fixture) {
	const people = (query, of = score) => {
		const from = Number(query.get('cursor') || 0);
		const rows = fixture('customers').slice(from, from + 20).map((customer, at) => ({ customer, score: of(at) }));
		return { rows, next: null, total: rows.length };
	};
	const of = (by) => (groups[by] ?? []).map((key, at) => ({ key, name: key, people: 900 - 150 * at, value: 120_000 - 20_000 * at, share: 0.3 - 0.05 * at, average: sure(140 - 18 * at, 0.15) }));
	return [
		['GET', /^\/models$/, () => ({ rows: [churnModel, ...chanceModels, model] })],
		['GET', /^\/models\/propensities$/, () => ({ rows: propensities })],
		['POST', /^\/models\/propensities$/, () => propensities[0]],
		['PUT', /^\/models\/propensities\/(\w+)$/, ([key]) => propensities.find((it) => it.key === key)],
		['DELETE', /^\/models\/propensities\/(\w+)$/, () => ({})],
		['GET', /^\/models\/propensity\.(\w+)$/, ([key]) => chanceModels.find((it) => it.model === `propensity.${key}`)],
		['GET', /^\/models\/propensity\.(\w+)\/chances$/, () => chances],
		['GET', /^\/models\/propensity\.(\w+)\/people$/, (match, query) => people(query, chanceOf)],
		['GET', /^\/models\/propensity\.(\w+)\/versions$/, () => ({ rows: [chanceModels[0].live] })],
		['GET', /^\/models\/propensity\.(\w+)\/versions\/(\d+)$/, () => ({ version: chanceModels[0].live, card: { ...churnCard, title: 'Who buys in the next 4 weeks' } })],
		['GET', /^\/models\/value$/, () => model],
		['PUT', /^\/models\/value$/, () => model],
		['POST', /^\/models\/value\/fit$/, () => model],
		['GET', /^\/models\/value\/overview$/, () => overview],
		['GET', /^\/models\/value\/people$/, (match, query) => people(query)],
		['GET', /^\/models\/value\/groups$/, (match, query) => ({ rows: of(query.get('by')) })],
		['GET', /^\/models\/value\/versions$/, () => ({ rows: versions })],
		['GET', /^\/models\/value\/versions\/(\d+)$/, ([number]) => ({ version: versions.find((it) => it.version === Number(number)), card })],
		['POST', /^\/models\/value\/versions\/(\d+)\/use$/, ([number]) => versions.find((it) => it.version === Number(number))],
		['GET', /^\/models\/churn$/, () => churnModel],
		['PUT', /^\/models\/churn$/, () => churnModel],
		['POST', /^\/models\/churn\/fit$/, () => churnModel],
		['GET', /^\/models\/churn\/risks$/, () => risks],
		['GET', /^\/models\/churn\/people$/, (match, query) => people(query, riskOf)],
		['GET', /^\/models\/churn\/versions$/, () => ({ rows: lostVersions })],
		['GET', /^\/models\/churn\/versions\/(\d+)$/, ([number]) => ({ version: lostVersions.find((it) => it.version === Number(number)), card: churnCard })],
		['POST', /^\/models\/churn\/versions\/(\d+)\/use$/, ([number]) => lostVersions.find((it) => it.version === Number(number))],
		['GET', /^\/customers\/(\d+)\/scores$/, () => ({ rows: [riskOf(0), groupOf, indexOf(0), { ...chanceOf(0), name: 'Next purchase' }, score(0)] })],
		['GET', /^\/models\/loyalty_index\/people$/, (match, query) => people(query, indexOf)]
	];
}
