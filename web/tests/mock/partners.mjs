// The mock's answers about partners. It keeps nothing.
export function partnerRoutes(fixture, page, problem) {
	const rows = () => fixture('loyalty-partners').rows;
	const statements = () => fixture('loyalty-partner-statements');
	const saved = '2026-11-21T21:00:00Z';
	const missing = () => problem(404, 'partner_unknown', 'There is no such partner.', '', 'Nothing was done; the guide Partners says what each refusal means.');
	const stated = (key, month) => statements().find((it) => it.partner === key && it.month === month) ?? { ...statements()[0], partner: key, month, opening: '0', given: 0, given_back: 0, burned: 0, movement: '0', paid: '0', closing: '0', owes: 'nobody', by_price: [], proof: { given_told: 0, given_posted: 0, burned_told: 0, burned_posted: 0, holds: true } };
	return [
		['GET', /^\/loyalty\/partners$/, (_, query) => ({ rows: rows().filter((row) => query.get('ended') === 'true' || row.state !== 'ended') })],
		['PUT', /^\/loyalty\/partners\/([\w-]+)$/, ([key], _, body) => ({ ...(rows().find((row) => row.key === key) ?? { key, saved_by: 'Mina Okafor' }), version: body.version + 1, state: body.state, partner: { ...body.partner, key }, balance: null, to_close: null, in_force_from: body.in_force_from ?? saved, saved_at: saved })],
		['GET', /^\/loyalty\/partners\/([\w-]+)\/versions$/, ([key]) => { const row = rows().find((it) => it.key === key); return row ? { rows: Array.from({ length: row.version }, (_, at) => ({ ...row, version: row.version - at, state: at ? 'live' : row.state, partner: at && row.partner.gives ? { ...row.partner, gives: { ...row.partner.gives, price: '0.011' } } : row.partner })) } : missing(); }],
		['GET', /^\/loyalty\/partners\/([\w-]+)\/months$/, ([key]) => (rows().some((it) => it.key === key) ? (key === 'alpine' ? fixture('loyalty-partner-months') : { rows: [] }) : missing())],
		['GET', /^\/loyalty\/partners\/([\w-]+)\/months\/([\d-]+)$/, ([key, month]) => (rows().some((it) => it.key === key) ? stated(key, month) : missing())],
		['GET', /^\/loyalty\/partners\/([\w-]+)\/months\/([\d-]+)\/lines$/, ([key, month], query) => page(key === 'alpine' && month === '2026-10' ? fixture('loyalty-partner-lines') : [], query)],
		['GET', /^\/loyalty\/partners\/[\w-]+\/months\/[\d-]+\/lines\.csv$/, () => ({ csv: 'reference,kind\r\nAA-2026-0901,given\r\n' })],
		['POST', /^\/loyalty\/partners\/([\w-]+)\/months\/([\d-]+)\/closed$/, ([key, month]) => ({ ...stated(key, month), closed: { closed_at: saved, closed_by: 'Mina Okafor', operation: 91_207, chain: '0a9e'.repeat(16) } })],
		['POST', /^\/loyalty\/partners\/([\w-]+)\/payments$/, (_, __, body) => (body.reference === 'AA-2026-0901' ? problem(409, 'partner_reference_reused', 'The reference stands for something else.', '', 'Nothing was done; the guide Partners says what each refusal means.') : { ...fixture('loyalty-partner-lines').at(-1), reference: body.reference, money: body.amount })],
		['POST', /^\/loyalty\/partners\/([\w-]+)\/months\/([\d-]+)\/compare$/, (_, __, body) => compared(fixture('loyalty-partner-lines'), body)]
	];
}

/** Enough of what the server makes of a list: by reference, points exactly. */
function compared(ours, { text, columns }) {
	const [head, ...lines] = text.trim().split(/\r?\n/).map((line) => line.split(','));
	const at = (name) => head.indexOf(name);
	const theirs = lines.map((line) => ({ reference: line[at(columns.reference)], points: columns.points ? Number(line[at(columns.points)]) : null }));
	const empty = { their_points: null, our_points: null, their_money: null, our_money: null, elsewhere: null, refused: null };
	const find = (reference) => ours.find((it) => it.reference === reference);
	const fits = (it) => it.points === null || find(it.reference)?.points === Math.abs(it.points);
	const known = theirs.filter((it) => find(it.reference));
	const differing = known.filter((it) => !fits(it)).map((it) => ({ ...empty, reference: it.reference, their_points: it.points, our_points: find(it.reference).points, our_money: find(it.reference).money }));
	const here = theirs.filter((it) => !find(it.reference)).map((it, i) => ({ ...empty, reference: it.reference, their_points: it.points, elsewhere: i === 0 ? '2026-11' : null, refused: i === 1 ? 'partner_limit_reached' : null }));
	const there = ours.filter((it) => !theirs.some((their) => their.reference === it.reference)).map((it) => ({ ...empty, reference: it.reference, our_points: it.points, our_money: it.money }));
	return { matched: known.length - differing.length, different: differing.length, differing, missing_here: here.length, missing_here_lines: here, missing_there: there.length, missing_there_lines: there, twice: [], unreadable: [] };
}
