// Policies of the invented shop: one that has learnt, one of how often to write that is still trying, one of effects, and one that is paused.
const NOW = Date.parse('2026-11-21T21:00:00Z');
const ago = (days) => new Date(NOW - days * 86_400_000).toISOString();
const sure = (value, half) => ({ value, low: value - half, high: value + half });
const arm = (key, name, decisions) => ({ key, name, decisions });

const summary = (key, name, more) => ({ key, name, kind: 'bandit', decides: 'way', state: 'running', version: 2, fixed_arm: null, arms: [], decisions: 0, learnt: 0, prefers: false, began_at: ago(42), updated_at: ago(42), updated_by: 'Mina Okafor', ...more });
const rows = [
	summary('welcome-offer', 'Which welcome offer', { arms: [arm('none', 'No offer', 412), arm('parcel', 'Free parcel', 3_914), arm('voucher', 'Voucher of 5 euros', 1_702)], decisions: 6_028, learnt: 5_122, prefers: true }),
	summary('how-often', 'How often to write', { decides: 'frequency', arms: [arm('as-usual', 'as-usual', 201), arm('weekly', 'weekly', 196), arm('monthly', 'monthly', 207), arm('never', 'never', 188)], decisions: 792, began_at: ago(9), updated_at: ago(9) }),
	summary('win-back', 'Win back where it works', { kind: 'uplift', arms: [arm('none', 'No call', 1_340), arm('call', 'A call', 418)], decisions: 1_758, learnt: 1_201, prefers: true, began_at: ago(30) }),
	summary('hero', 'Hero of the shop', { kind: 'contextual', state: 'paused', version: 1, arms: [arm('new', 'What is new', 0), arm('sale', 'What is reduced', 0)], began_at: ago(1), updated_at: ago(1) })
];
const rewards = { 'welcome-offer': { metric: 'conversion', is_share: true, hours: 168, worth: 1 }, 'how-often': { metric: 'revenue', hours: 672, worth: 1, costs: [{ event: 'Message Unsubscribed', cost: 20 }] }, 'win-back': { metric: 'revenue', hours: 672, worth: 0.4 }, hero: { metric: 'conversion', is_share: true, hours: 48, worth: 1 } };
const CAPS = [{ most: 4, hours: 168 }, { most: 1, hours: 168 }, { most: 1, hours: 672 }, { most: 0, hours: 168 }];
const design = (row) => ({
	name: row.name, kind: row.kind, decides: row.decides, reward: rewards[row.key], floor: 0.05, memory: 1,
	arms: row.arms.map((it, at) => ({ key: it.key, name: it.name, cost: row.key === 'win-back' && at === 1 ? 3.5 : 0, ...(row.decides === 'frequency' ? { cap: CAPS[at] } : {}) })),
	...(row.kind === 'bandit' ? {} : { features: ['value.expected', 'churn.risk'] }), ...(row.kind === 'uplift' ? { experiment: 'free-parcel' } : {})
});
const SUBJECTS = { 'welcome-offer': [{ subject: 'journey:welcome/offer', decisions: 4_411 }, { subject: 'slot:hero', decisions: 1_617 }], 'how-often': [{ subject: 'frequency', decisions: 792 }], 'win-back': [{ subject: 'journey:win-back/call', decisions: 1_758 }], hero: [] };
const detail = (row, anew = false) => ({ summary: row, design: design(row), subjects: SUBJECTS[row.key], began_anew: anew });

const judged = (policy, arm, value, half, effective, cut = 0) => ({ policy, arm, value: value === null ? null : sure(value, half), inverse: value === null ? null : sure(value * 1.01, half * 1.4), robust: value === null ? null : sure(value * 0.995, half * 0.9), effective, cut });
const JUDGED = {
	'welcome-offer': [judged('always', 'none', 0.041, 0.019, 402), judged('always', 'parcel', 0.118, 0.011, 2_970), judged('always', 'voucher', 0.083, 0.014, 1_311), judged('even', null, 0.081, 0.012, 1_102), judged('now', null, 0.116, 0.01, 3_114)],
	'how-often': ['as-usual', 'weekly', 'monthly', 'never'].map((key) => judged('always', key, null, 0, 0)).concat([judged('even', null, null, 0, 0), judged('now', null, null, 0, 0)]),
	'win-back': [judged('always', 'none', 2.1, 0.8, 801), judged('always', 'call', 1.4, 1.9, 62, 3), judged('even', null, 1.8, 1.1, 240), judged('now', null, 3.3, 0.9, 912)],
	hero: [judged('always', 'new', null, 0, 0), judged('always', 'sale', null, 0, 0), judged('even', null, null, 0, 0), judged('now', null, null, 0, 0)]
};
const CHANCES = { 'welcome-offer': [0.05, 0.88, 0.07], 'how-often': [0.25, 0.25, 0.25, 0.25], 'win-back': [0.76, 0.24], hero: [null, null] };
function days(row) {
	const all = Math.round((NOW - Date.parse(row.began_at)) / 86_400_000);
	const last = CHANCES[row.key];
	const of = (it, at, day) => {
		const even = 1 / row.arms.length;
		const learnt = row.prefers ? Math.min(1, Math.max(0, (day - 8) / 12)) : 0;
		return { day: ago(all - day).slice(0, 10) + 'T00:00:00Z', arm: it.key, decisions: Math.round((row.decisions / all) * (even + learnt * ((last[at] ?? even) - even)) + 2 * Math.sin(3 * day + at)) };
	};
	return row.decisions ? Array.from({ length: all + 1 }, (_, day) => row.arms.map((it, at) => of(it, at, day))).flat().filter((it) => it.decisions > 0) : [];
}
const way = (name, value, half, share) => ({ way: name, value: sure(value, half), share });
const EFFECTS = { way: 'effects', ways: [way('nobody', 2.05, 0.7, 0), way('everybody', 1.62, 0.9, 1), way('response', 2.2, 0.8, 0.27), way('effects', 3.31, 0.85, 0.27)], ahead: sure(1.11, 0.62), average: sure(3.07, 1.2), people: 6_412 };
const readout = (row) => ({
	key: row.key, arms: row.arms.map((it, at) => ({ ...it, learnt: row.decisions ? Math.round((it.decisions * row.learnt) / row.decisions) : 0, chance: CHANCES[row.key][at] })), days: days(row), judged: JUDGED[row.key],
	least: 30, least_judged: 50, rewards: row.learnt, waiting: row.decisions - row.learnt, form: rewards[row.key].metric === 'conversion' ? 'share' : 'money', currency: 'EUR', effects: row.kind === 'uplift' ? EFFECTS : null, refused: null
});

export function policyRoutes(problem) {
	const found = (key, answer) => { const row = rows.find((it) => it.key === key); return row ? answer(row) : problem(404, 'not_found', 'Not found', 'There is no such policy in this workspace.', 'Check the address; the list has what there is.'); };
	const after = { start: { state: 'running', fixed_arm: null }, pause: { state: 'paused' }, anew: { decisions: 0, learnt: 0, prefers: false } };
	return [
		['GET', /^\/policies$/, () => ({ rows })],
		['POST', /^\/policies$/, (match, query, body) => ({ ...detail(rows[0]), design: body.design })],
		['GET', /^\/policies\/([\w.-]+)$/, ([key]) => found(key, (row) => detail(row))],
		['PUT', /^\/policies\/([\w.-]+)$/, ([key], query, body) => found(key, (row) => ({ ...detail(row, true), design: body.design }))],
		['POST', /^\/policies\/([\w.-]+)\/act$/, ([key], query, body) => found(key, (row) => detail({ ...row, version: row.version + 1, ...(after[body.act] ?? { state: 'fixed', fixed_arm: body.arm }) }))],
		['POST', /^\/policies\/([\w.-]+)\/learn$/, ([key]) => found(key, (row) => detail(row))],
		['GET', /^\/policies\/([\w.-]+)\/readout$/, ([key]) => found(key, readout)]
	];
}
