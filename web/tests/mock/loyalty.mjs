// The mock's answers about the programme. It keeps nothing: what is saved is answered as the server would, and forgotten.
import { challengeRoutes } from './challenges.mjs';
import { changeRoutes } from './changes.mjs';
import { giftCardRoutes } from './gift-cards.mjs';
import { codeRoutes } from './codes.mjs';
import { householdRoutes } from './households.mjs';
import { lawRoutes } from './laws.mjs';
import { leaderboardRoutes } from './leaderboards.mjs';
import { offerRoutes } from './offers.mjs';
import { partnerRoutes } from './partners.mjs';
import { referralRoutes } from './referrals.mjs';
import { rewardRoutes } from './rewards.mjs';
import { tierRoutes } from './tiers.mjs';
import { transferRoutes } from './transfers.mjs';
import { trialRoutes } from './trials.mjs';

export function loyaltyRoutes(fixture, page, problem) {
	const rules = () => fixture('loyalty-rules').rows;
	const members = () => fixture('loyalty-members');
	const missing = (what) => problem(404, 'not_found', 'Not Found', `There is no such ${what} in this workspace.`, 'Check the address; the list has what there is.');
	const find = (id) => members().find((row) => row.member_id === id);
	const later = (row, body) => ({ ...row, version: row.version + 1, state: body.state, rule: { ...row.rule, ...body.rule, key: row.key }, in_force_from: '2026-11-21T21:00:00Z', saved_at: '2026-11-21T21:00:00Z' });
	function listed(query) {
		const search = (query.get('search') ?? '').toLowerCase();
		const rows = members().filter((row) => (!search || `${row.person_name} ${row.member_id}`.toLowerCase().includes(search)) && (!query.get('standing') || row.standing === query.get('standing')) && (!query.get('person_id') || row.person_id === query.get('person_id')));
		return page(rows, query);
	}
	/** As the server reckons for these simple forms; enough to be looked at. */
	function rated(body) {
		const { subtotal = 0, products = [] } = body.properties;
		const of = (category) => products.filter((it) => it.category === category);
		const lines = (body.rules ?? []).map((rule) => {
			const { gives } = rule;
			const items = gives.items?.property?.value;
			const amount = items ? of(items).reduce((sum, it) => sum + it.price * it.quantity, 0) : subtotal;
			const units = (items ? of(items) : products).reduce((sum, it) => sum + it.quantity, 0);
			const wanted = gives.kind === 'fixed' ? gives.points : gives.kind === 'amount' ? Math.floor((amount / Number(gives.each)) * gives.points) : gives.kind === 'units' ? units * gives.points : gives.kind === 'times' ? Math.floor(subtotal * (Number(gives.factor) - 1)) : 0;
			const cap = (rule.caps ?? []).findIndex((it) => it.of === 'points' && it.per === 'member' && it.most < wanted);
			const outcome = rule.holdout_percent >= 20 ? 'held_out' : rule.key === 'big-basket' && subtotal < 100 ? 'condition' : wanted === 0 ? 'too_little' : cap >= 0 ? 'capped' : 'given';
			const points = outcome === 'given' ? wanted : outcome === 'capped' ? rule.caps[cap].most : 0;
			return { rule: rule.key, version: 0, wallet: rule.wallet ?? 'points', wanted, points, outcome, cap: outcome === 'capped' ? cap : null, instead: null };
		});
		const points = {};
		for (const line of lines) if (line.points) points[line.wallet] = (points[line.wallet] ?? 0) + line.points;
		return { lines, points, is_member: true };
	}
	return [
		...challengeRoutes(fixture, page, problem),
		...changeRoutes(fixture, page, problem),
		...giftCardRoutes(fixture, page, problem),
		...codeRoutes(fixture, page),
		...householdRoutes(fixture, page, problem),
		...lawRoutes(fixture, problem),
		...leaderboardRoutes(fixture, problem),
		...offerRoutes(fixture, problem),
		...partnerRoutes(fixture, page, problem),
		...referralRoutes(fixture, page, problem),
		...rewardRoutes(fixture, page),
		...tierRoutes(fixture),
		...transferRoutes(fixture, page, problem),
		...trialRoutes(fixture, problem),
		['GET', /^\/loyalty\/liability$/, (_, query) => { const books = fixture('loyalty-liability')[query.get('wallet') ?? 'points']; return books ? { ...books, basis: query.get('basis') ?? 'recorded' } : missing('wallet'); }],
		['GET', /^\/loyalty\/liability\/vintages$/, (_, query) => fixture('loyalty-vintages')[query.get('wallet') ?? 'points'] ?? missing('wallet')],
		['GET', /^\/loyalty\/program$/, () => fixture('loyalty-program')],
		['PUT', /^\/loyalty\/program$/, (_, __, body) => ({ ...fixture('loyalty-program'), version: body.version + 1, program: body.program })],
		['GET', /^\/loyalty\/program\/versions$/, () => fixture('loyalty-programs')],
		['GET', /^\/loyalty\/overview$/, () => fixture('loyalty-overview')],
		['GET', /^\/loyalty\/lapsing$/, (_, query) => fixture('loyalty-lapsing')[query.get('wallet') ?? 'points'] ?? missing('wallet')],
		['GET', /^\/loyalty\/rules\/figures$/, () => fixture('loyalty-figures')],
		['GET', /^\/loyalty\/rules$/, (_, query) => ({ rows: rules().filter((row) => query.get('ended') === 'true' || row.state !== 'ended') })],
		['PUT', /^\/loyalty\/rules\/([\w-]+)$/, ([key], _, body) => later(rules().find((row) => row.key === key) ?? { ...rules()[0], key, version: 0 }, body)],
		['GET', /^\/loyalty\/rules\/([\w-]+)\/versions$/, ([key]) => { const row = rules().find((it) => it.key === key); return row ? { rows: Array.from({ length: row.version }, (_, at) => ({ ...row, version: row.version - at, state: at ? 'live' : row.state })) } : missing('rule'); }],
		['GET', /^\/loyalty\/occasions$/, (_, query) => (query.get('event') === 'Order Completed' ? fixture('loyalty-occasions') : { rows: [] })],
		['POST', /^\/loyalty\/ratings$/, (_, __, body) => rated(body)],
		['GET', /^\/loyalty\/members$/, (_, query) => listed(query)],
		['GET', /^\/loyalty\/members\/(\d+)$/, ([id]) => find(id) ?? missing('member')],
		['PATCH', /^\/loyalty\/members\/(\d+)$/, ([id], _, body) => ({ ...find(id), standing: body.standing })],
		['GET', /^\/loyalty\/members\/(\d+)\/why$/, ([id], query) => { const why = fixture('loyalty-why'); const wallet = query.get('wallet') ?? 'points'; return wallet === 'points' && id === members()[0].member_id ? why : { ...why, wallet, pending: 0, available: 0, held: 0, owed: 0, lots: [], debts: [] }; }],
		['GET', /^\/loyalty\/members\/(\d+)\/operations$/, (_, query) => page(fixture('loyalty-operations'), query)],
		['GET', /^\/loyalty\/members\/(\d+)\/awards$/, (_, query) => page(fixture('loyalty-awards'), query)],
		['POST', /^\/loyalty\/operations$/, (_, __, body) => ({ rows: body.operations.map((it) => ({ id: it.id, operation: 300, amount: Math.abs(it.act.amount ?? 0), short: 0, pending: 0, available: 0, held: 0, owed: 0, recorded_at: '2026-11-21T21:00:00Z', replayed: false })) })]
	];
}
