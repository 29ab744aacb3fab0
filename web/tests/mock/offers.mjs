// The mock's answers about offers. It keeps nothing, and reckons simple forms as the server does: enough to be looked at.
const round = (value) => Math.floor(value * 100 + 1e-6) / 100;
const text = (value) => String(round(value));

export function offerRoutes(fixture, problem) {
	const rows = () => fixture('loyalty-offers').rows;
	const missing = () => problem(404, 'not_found', 'Not Found', 'There is no such offer in this workspace.', 'Check the address; the list has what there is.');
	const holds = (condition, line) => !condition?.property || line[condition.property.path] === condition.property.value;
	/** Of several that are given the shop's own choice leaves the dearest out; enough to see two ways differ. */
	function chosen(body) {
		const all = priced(body);
		const given = all.lines.filter((it) => it.outcome === 'given');
		if (body.choice !== 'best_margin' || given.length < 2) return all;
		const dearest = given.toSorted((one, other) => Number(other.benefit) - Number(one.benefit))[0].offer;
		const less = priced({ ...body, offers: body.offers.filter((it) => it.key !== dearest) });
		const lines = all.lines.map((it) => (it.offer === dearest ? { ...it, benefit: '0', outcome: 'instead', instead: given.find((other) => other.offer !== dearest).offer } : less.lines.find((other) => other.offer === it.offer)));
		return { ...less, lines };
	}
	function priced({ cart, codes = [], offers }) {
		const left = cart.products.map((it) => it.price * it.quantity);
		const goods = left.reduce((sum, it) => sum + it, 0);
		const effects = [];
		const unlocked = new Map(codes.map((code) => [code, code === 'SUMMER' ? 'summer' : null]));
		let shippingOff = 0;
		const lines = offers.toSorted((one, other) => one.place - other.place).map((offer) => {
			const came = (outcome, benefit = 0, more = {}) => ({ offer: offer.key, version: 0, benefit: text(benefit), outcome, budget: null, instead: null, ...more });
			const { gives } = offer;
			const own = cart.products.flatMap((it, at) => (holds(offer.items, it) ? [at] : []));
			const sum = own.reduce((all, at) => all + left[at], 0);
			if (offer.needs_code && ![...unlocked.values()].includes(offer.key)) return came('needs_code');
			if (JSON.stringify(offer.when ?? '').includes('champions')) return came('condition');
			if (own.length === 0) return came('nothing');
			if (offer.least && sum < Number(offer.least.amount)) return came('too_little');
			if (gives.kind === 'shipping_off') { shippingOff = round((cart.shipping * Number(gives.percent)) / 100); return came('given', shippingOff); }
			const wanted = gives.kind === 'percent_off' && typeof gives.percent === 'string' ? (sum * Number(gives.percent)) / 100 : gives.kind === 'amount_off' ? Math.min(sum, Number(gives.amount)) : 0;
			if (!wanted) return came('nothing');
			for (const at of own) {
				const value = round((wanted * left[at]) / sum);
				effects.push({ offer: offer.key, kind: 'discount', line: at, units: null, product_id: null, wallet: null, value: text(value), wanted: text(value) });
			}
			for (const effect of effects.filter((it) => it.offer === offer.key)) left[effect.line] -= Number(effect.value);
			return came('given', wanted);
		});
		const now = left.reduce((sum, it) => sum + it, 0);
		const costs = cart.products.every((it) => it.cost !== undefined) ? cart.products.reduce((sum, it) => sum + it.cost * it.quantity, 0) : null;
		return { to_pay: text(now + cart.shipping - shippingOff), goods_off: text(goods - now), shipping_off: text(shippingOff), margin: costs === null ? null : String(Math.round((now - costs) * 100) / 100), is_exact: true, lines, effects, codes: [...unlocked].map(([code, offer]) => ({ code, offer, refused: offer ? null : 'code_unknown', detail: offer ? null : 'There is no such code.' })) };
	}
	const added = ({ count, codes = [] }) => count ? { added: count, made: Array.from({ length: Math.min(count, 5) }, (_, at) => `RK7P-4M2Q-${1000 + at}`), not_added: [] } : { added: codes.filter((it) => it !== 'SUMMER').length, made: [], not_added: codes.filter((it) => it === 'SUMMER').map((code) => ({ code, why: 'code_known' })) };
	return [
		['POST', /^\/loyalty\/offers\/price$/, (_, __, body) => chosen(body)],
		['GET', /^\/loyalty\/offers$/, (_, query) => ({ rows: rows().filter((row) => query.get('ended') === 'true' || row.state !== 'ended') })],
		['PUT', /^\/loyalty\/offers\/([\w-]+)$/, ([key], _, body) => {
			if (JSON.stringify(body.offer).includes('trait.gender')) return problem(422, 'invalid', 'Unprocessable Entity', 'when: `trait.gender` is something that no price may depend on; offers may go by what people do, not by what they are', '');
			const row = rows().find((it) => it.key === key) ?? { ...rows()[0], key, version: 0 };
			return { ...row, version: row.version + 1, state: body.state, offer: { ...body.offer, key } };
		}],
		['GET', /^\/loyalty\/offers\/([\w-]+)\/versions$/, ([key]) => { const row = rows().find((it) => it.key === key); return row ? { rows: Array.from({ length: row.version }, (_, at) => ({ ...row, version: row.version - at, state: at ? 'live' : row.state })) } : missing(); }],
		['GET', /^\/loyalty\/offers\/([\w-]+)\/usage$/, ([key]) => (rows().some((it) => it.key === key) ? { rows: fixture('loyalty-offer-usage')[key] ?? [] } : missing())],
		['GET', /^\/loyalty\/offers\/([\w-]+)\/codes$/, () => fixture('loyalty-offer-codes')],
		['POST', /^\/loyalty\/offers\/([\w-]+)\/codes$/, (_, __, body) => added(body)]
	];
}
