// The mock's answers about leaderboards. It keeps nothing.
export function leaderboardRoutes(fixture, problem) {
	const rows = () => fixture('loyalty-leaderboards').rows;
	const saved = '2026-11-21T21:00:00Z';
	const missing = () => problem(404, 'not_found', 'Not Found', 'There is no such leaderboard in this workspace.', 'Check the address; the list has what there is.');
	return [
		['GET', /^\/loyalty\/leaderboards$/, (_, query) => ({ rows: rows().filter((row) => query.get('ended') === 'true' || row.state !== 'ended') })],
		['PUT', /^\/loyalty\/leaderboards\/([\w-]+)$/, ([key], _, body) => ({ ...(rows().find((row) => row.key === key) ?? { key, saved_by: 'Mina Okafor', period: null, period_end: null }), members: null, version: body.version + 1, state: body.state, leaderboard: { ...body.leaderboard, key }, in_force_from: saved, saved_at: saved })],
		['GET', /^\/loyalty\/leaderboards\/([\w-]+)\/versions$/, ([key]) => { const row = rows().find((it) => it.key === key); return row ? { rows: Array.from({ length: row.version }, (_, at) => ({ ...row, version: row.version - at, members: null, state: at ? 'live' : row.state })) } : missing(); }],
		['GET', /^\/loyalty\/leaderboards\/([\w-]+)\/periods$/, ([key]) => (key === 'walkers' ? fixture('loyalty-leaderboard-periods') : { rows: [] })],
		['GET', /^\/loyalty\/leaderboards\/([\w-]+)\/ranking$/, ([key], query) => (key === 'walkers' && fixture('loyalty-leaderboard-rankings').find((it) => it.period === query.get('period'))) || { period: query.get('period'), is_settled: false, members: 0, rows: [] }]
	];
}
