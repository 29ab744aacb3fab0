// The mock's answers about rewards. It keeps nothing.
export function rewardRoutes(fixture, page) {
	const STATES = { paid: 'requested', fulfilled: 'fulfilled', cancelled: 'cancelled' };
	return [
		['GET', /^\/loyalty\/rewards$/, (_, query) => ({ rows: fixture('loyalty-rewards').rows.filter((row) => query.get('ended') === 'true' || row.state !== 'ended') })],
		['GET', /^\/loyalty\/redemptions$/, (_, query) => page(fixture('loyalty-redemptions').filter((row) => !query.get('state') || row.state === query.get('state')), query)],
		['POST', /^\/loyalty\/redemptions\/([\w-]+)\/(paid|fulfilled|cancelled)$/, ([id, way]) => ({ ...fixture('loyalty-redemptions').find((row) => row.redemption_id === id), state: STATES[way] })]
	];
}
