// The mock's answers about rewards. It keeps nothing.
/** As the server says of simple lists: what has a sign of none, and what is there twice. */
function added(codes) {
	const why = (code, at) => (!/^[\w-]+$/.test(code) ? 'code_malformed' : codes.indexOf(code) < at ? 'code_twice' : null);
	const refused = codes.map((code, at) => ({ at, code: why(code, at) })).filter((it) => it.code);
	return { added: codes.length - refused.length, refused };
}

export function rewardRoutes(fixture, page) {
	const STATES = { paid: 'requested', fulfilled: 'fulfilled', cancelled: 'cancelled' };
	const rows = () => fixture('loyalty-rewards').rows;
	const saved = '2026-11-21T21:00:00Z';
	return [
		['GET', /^\/loyalty\/rewards$/, (_, query) => ({ rows: fixture('loyalty-rewards').rows.filter((row) => query.get('ended') === 'true' || row.state !== 'ended') })],
		['PUT', /^\/loyalty\/rewards\/([\w-]+)$/, ([key], _, body) => ({ ...(rows().find((row) => row.key === key) ?? { key, text: '', saved_by: 'Mina Okafor' }), version: body.version + 1, state: body.state, reward: { ...body.reward, key }, in_force_from: saved, saved_at: saved })],
		['GET', /^\/loyalty\/rewards\/([\w-]+)\/versions$/, ([key]) => { const row = rows().find((it) => it.key === key); return { rows: row ? Array.from({ length: row.version }, (_, at) => ({ ...row, version: row.version - at, state: at ? 'live' : row.state })) : [] }; }],
		['GET', /^\/loyalty\/donations$/, () => fixture('loyalty-donations')],
		['GET', /^\/loyalty\/vouchers\/pools$/, () => fixture('loyalty-pools')],
		['POST', /^\/loyalty\/vouchers\/pools\/([\w-]+)$/, (_, __, body) => added(body.text.split('\n').map((line) => line.split(',')[0].trim()).filter(Boolean))],
		['GET', /^\/loyalty\/redemptions$/, (_, query) => page(fixture('loyalty-redemptions').filter((row) => !query.get('state') || row.state === query.get('state')), query)],
		['POST', /^\/loyalty\/redemptions$/, (_, __, body) => { const { reward } = rows().find((row) => row.key === body.reward); const delivered = reward.gives.kind === 'delivered'; return { ...fixture('loyalty-redemptions')[0], id: body.id, reward: body.reward, kind: reward.gives.kind, member_id: body.member_id, is_surprise: body.is_surprise, points: 0, money: null, reason: body.reason, state: delivered ? 'requested' : 'fulfilled', codes: delivered ? [] : ['TEN-7K2M-9XQ4'] }; }],
		['GET', /^\/loyalty\/members\/(\d+)\/redemptions$/, ([id], query) => page(id === '5100000000000' ? fixture('loyalty-member-redemptions') : [], query)],
		['POST', /^\/loyalty\/redemptions\/([\w-]+)\/(paid|fulfilled|cancelled)$/, ([id, way]) => ({ ...fixture('loyalty-redemptions').find((row) => row.redemption_id === id), state: STATES[way] })]
	];
}
