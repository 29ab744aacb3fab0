// The mock's answers about rules that are tried on the past, and about what rules brought in. It keeps nothing.
const MANNERS = ['full_price', 'mixed', 'only_offers', 'too_few'];

export function trialRoutes(fixture, problem) {
	const all = () => fixture('loyalty-simulations').rows;
	const missing = (what) => problem(404, 'not_found', 'Not Found', `There is no such ${what} in this workspace.`, 'Check the address; the list has what there is.');
	const effect = (key, margin) => {
		const found = fixture('loyalty-effects').rows.find((it) => it.rule === key);
		if (!found) return missing('rule');
		if (!margin) return found;
		const revenue = found.holdout.metrics.find((it) => it.metric.key === 'revenue');
		const of = (reckon) => ({ estimate: reckon(revenue.estimate), low: reckon(revenue.low), high: reckon(revenue.high) });
		const net = of((it) => it * margin - Number(found.cost));
		return { ...found, margin: of((it) => it * margin), net, verdict: net.low > 0 ? 'pays' : net.high < 0 ? 'does_not_pay' : 'unclear' };
	};
	return [
		['GET', /^\/loyalty\/simulations$/, () => ({ rows: all().map((it) => ({ ...it, result: null })) })],
		['POST', /^\/loyalty\/simulations$/, (_, __, body) => ({ ...all()[0], name: body.scope.name ?? '' })],
		['GET', /^\/loyalty\/simulations\/([\w-]+)$/, ([id]) => all().find((it) => it.id === id) ?? missing('simulation')],
		['GET', /^\/loyalty\/simulations\/([\w-]+)\/people$/, () => fixture('loyalty-simulated-people')],
		['POST', /^\/loyalty\/simulations\/([\w-]+)\/cancel$/, () => null],
		['DELETE', /^\/loyalty\/simulations\/([\w-]+)$/, () => null],
		['GET', /^\/loyalty\/rules\/([\w-]+)\/effect$/, ([key], query) => effect(key, Number(query.get('margin_percent') ?? 0) / 100)],
		['GET', /^\/loyalty\/offers\/([\w-]+)\/effect$/, ([key], query) => {
			if (!fixture('loyalty-offers').rows.some((it) => it.key === key)) return missing('offer');
			const { rule: _, points: __, ...found } = effect('big-basket', Number(query.get('margin_percent') ?? 0) / 100);
			return { ...found, offer: key, times: 412 };
		}],
		['GET', /^\/loyalty\/buying$/, () => fixture('loyalty-buying')],
		['GET', /^\/loyalty\/buying\/people$/, (_, query) => ({ rows: fixture('customers').slice(4 * MANNERS.indexOf(query.get('group')), 4 * MANNERS.indexOf(query.get('group')) + 9).map((customer) => ({ customer, full_price: 1, with_offer: 5, full_price_before: 3, with_offer_before: 2 })) })]
	];
}
