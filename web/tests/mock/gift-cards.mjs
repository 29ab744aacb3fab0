// The mock's answers about gift cards, and what points paid at tills. It keeps nothing.
export function giftCardRoutes(fixture, page, problem) {
	const rows = () => fixture('loyalty-gift-cards').rows;
	const missing = () => problem(404, 'gift_card_unknown', 'Not Found', 'There is no such gift card.', 'Nothing was done; the guide Gift cards says what each refusal means.');
	const find = (id) => rows().find((row) => row.gift_card_id === id);
	const stored = (row) => (['empty', 'expired'].includes(row.state) ? 'live' : row.state);
	return [
		['GET', /^\/loyalty\/gift-cards$/, (_, query) => page(rows().filter((row) => (!query.get('state') || stored(row) === query.get('state')) && (!query.get('tail') || row.tail === `…${query.get('tail').toUpperCase()}`)), query)],
		['GET', /^\/loyalty\/gift-cards\/sums$/, () => fixture('loyalty-gift-card-sums')],
		['GET', /^\/loyalty\/gift-cards\/(\w+)$/, ([id]) => (find(id) ? { gift_card: find(id), moves: fixture('loyalty-gift-card-moves')[id] ?? [] } : missing())],
		['POST', /^\/loyalty\/gift-cards$/, (_, __, body) => ({ rows: Array.from({ length: body.count ?? 1 }, (___, at) => ({ gift_card: { ...rows()[0], gift_card_id: `gft_new${at}`, id: body.id, number: at + 1, amount: body.amount, left: body.amount, wallet: body.wallet }, code: `R7K2-9QWD-K7Q${at % 10}` })) })],
		['POST', /^\/loyalty\/gift-cards\/top-ups$/, (_, __, body) => ({ id: body.id, kind: 'top_up', amount: body.amount, returned: 0, reference: body.reference, moved_at: '2026-11-21T21:00:00Z', gift_card: { ...find(body.gift_card_id), left: find(body.gift_card_id).left + body.amount } })],
		['GET', /^\/loyalty\/till\/payments$/, (_, query) => page(fixture('loyalty-till-payments').filter((row) => (!query.get('member_id') || row.member_id === query.get('member_id')) && (!query.get('state') || row.state === query.get('state'))), query)],
		['POST', /^\/loyalty\/gift-cards\/(\w+)\/replaced$/, ([id]) => (find(id) ? { gift_card: find(id), code: 'R4MX-7TGH-2WPC' } : missing())],
		['POST', /^\/loyalty\/gift-cards\/(\w+)\/voided$/, ([id], _, body) => (find(id) ? { ...find(id), state: 'void', left: 0, void_reason: body.reason } : missing())]
	];
}
