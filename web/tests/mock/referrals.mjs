// The mock's answers about referrals. It keeps nothing.
export function referralRoutes(fixture, page, problem) {
	const programs = () => fixture('loyalty-referral-programs').rows;
	const all = () => fixture('loyalty-referrals');
	const saved = '2026-11-21T21:00:00Z';
	const unread = (row) => row.state === 'review' || (row.reason === 'fraud' && !row.decision);
	const decided = ([id, way], body) => { const row = all().find((it) => it.referral_id === id); return row && { ...row, state: way === 'approved' ? 'pending' : 'refused', decision: { decision: way, decided_at: saved, decided_by: 'Mina Okafor', reason: body.reason } }; };
	return [
		['GET', /^\/loyalty\/referrals\/programs$/, (_, query) => ({ rows: programs().filter((row) => query.get('ended') === 'true' || row.state !== 'ended') })],
		['PUT', /^\/loyalty\/referrals\/programs\/([\w-]+)$/, ([key], _, body) => ({ ...(programs().find((row) => row.key === key) ?? { key, text: '', saved_by: 'Mina Okafor' }), version: body.version + 1, state: body.state, program: { ...body.program, key }, in_force_from: saved, saved_at: saved })],
		['GET', /^\/loyalty\/referrals\/programs\/([\w-]+)\/versions$/, ([key]) => { const row = programs().find((it) => it.key === key); return { rows: row ? Array.from({ length: row.version }, (_, at) => ({ ...row, version: row.version - at, state: at ? 'live' : row.state })) : [] }; }],
		['GET', /^\/loyalty\/referrals\/figures$/, () => fixture('loyalty-referral-figures')],
		['GET', /^\/loyalty\/referrals\/review$/, (_, query) => page(all().filter(unread), query)],
		['GET', /^\/loyalty\/referrals\/suspensions$/, (_, query) => page(fixture('loyalty-referral-suspensions'), query)],
		['GET', /^\/loyalty\/referrals$/, (_, query) => page(all().filter((row) => (!query.get('state') || row.state === query.get('state')) && (!query.get('program') || row.program === query.get('program'))), query)],
		['POST', /^\/loyalty\/referrals\/([\w-]+)\/(approved|refused)$/, (found, _, body) => decided(found, body)],
		['GET', /^\/loyalty\/members\/(\d+)\/referrals$/, ([id], query) => page(all().filter((row) => row.referrer.member_id === id), query)],
		['GET', /^\/loyalty\/members\/(\d+)\/referral-codes$/, ([id]) => (all().some((row) => row.referrer.member_id === id) ? fixture('loyalty-referral-codes') : { rows: [] })],
		['POST', /^\/loyalty\/members\/\d+\/referral-codes$/, (_, __, body) => ({ ...fixture('loyalty-referral-codes').rows[0], program: body.program })],
		['POST', /^\/loyalty\/members\/(\d+)\/referral-suspension$/, ([id], _, body) => (fixture('loyalty-referral-suspensions').some((row) => row.member_id === id) ? problem(409, 'referrer_suspended', 'The member is suspended from referrals already', 'Nothing was changed.', 'Lift that suspension first, if it is to say more.') : { ...fixture('loyalty-referral-suspensions')[0], member_id: id, reason: body.reason, suspended_by: 'Mina Okafor' })],
		['POST', /^\/loyalty\/members\/\d+\/referral-suspension\/lifted$/, () => null]
	];
}
