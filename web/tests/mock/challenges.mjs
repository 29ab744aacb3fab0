// The mock's answers about challenges and badges. It keeps nothing.
export function challengeRoutes(fixture, page, problem) {
	const saved = '2026-11-21T21:00:00Z';
	const missing = (what) => problem(404, 'not_found', 'Not Found', `There is no such ${what} in this workspace.`, 'Check the address; the list has what there is.');
	const kinds = { challenges: 'challenge', badges: 'badge' };
	const rows = (kind) => fixture(`loyalty-${kind}`).rows;
	return [
		['POST', /^\/loyalty\/challenges\/try$/, (_, __, body) => { const tried = fixture('loyalty-challenge-tried'); return { ...tried, steps: tried.steps.slice(0, body.challenge.steps.length) }; }],
		['GET', /^\/loyalty\/(challenges|badges)$/, ([kind], query) => ({ rows: rows(kind).filter((row) => query.get('ended') === 'true' || row.state !== 'ended') })],
		['PUT', /^\/loyalty\/(challenges|badges)\/([\w-]+)$/, ([kind, key], _, body) => ({ ...(rows(kind).find((row) => row.key === key) ?? { key, text: '', saved_by: 'Mina Okafor' }), version: body.version + 1, state: body.state, [kinds[kind]]: { ...body[kinds[kind]], key }, in_force_from: saved, saved_at: saved })],
		['GET', /^\/loyalty\/(challenges|badges)\/([\w-]+)\/versions$/, ([kind, key]) => { const row = rows(kind).find((it) => it.key === key); return row ? { rows: Array.from({ length: row.version }, (_, at) => ({ ...row, version: row.version - at, state: at ? 'live' : row.state })) } : missing(kinds[kind]); }],
		['GET', /^\/loyalty\/challenges\/([\w-]+)\/members$/, ([key], query) => page(rows('challenges').find((it) => it.key === key)?.figures.members ? fixture('loyalty-challenge-members') : [], query)],
		['GET', /^\/loyalty\/members\/(\d+)\/challenges$/, () => fixture('loyalty-member-challenges')],
		['POST', /^\/loyalty\/members\/(\d+)\/challenges\/([\w-]+)\/(joined|left)$/, ([, key, way]) => { const row = fixture('loyalty-member-challenges').rows.find((it) => it.challenge === key); return row ? { ...row, takes_part: way === 'joined' } : missing('challenge'); }],
		['GET', /^\/loyalty\/members\/(\d+)\/badges$/, () => fixture('loyalty-member-badges')],
		['PUT', /^\/loyalty\/members\/(\d+)\/badges\/([\w-]+)$/, () => fixture('loyalty-member-badges')],
		['POST', /^\/loyalty\/members\/(\d+)\/badges\/([\w-]+)\/taken_back$/, () => fixture('loyalty-member-badges')]
	];
}
