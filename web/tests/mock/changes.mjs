// The mock's answers about what is given and taken by hand. It keeps nothing.
export function changeRoutes(fixture, page, problem) {
	const changes = () => fixture('loyalty-changes');
	const bulks = () => fixture('loyalty-bulks').rows;
	const unknown = () => problem(404, 'change_unknown', 'There is no such change.', 'Nothing was done.', 'Check the address; the list has what there is.');
	const decide = (id, state) => {
		const found = changes().find((it) => it.change_id === id);
		if (!found) return unknown();
		// Of these two one was decided by somebody else meanwhile.
		if (id === 'chg_2' && state === 'approved') return problem(409, 'change_decided', 'Somebody decided this change already.', '', 'Nothing was done; the guide Rewards says what each refusal means.');
		return { ...found, state, decided_by: 'Mina Okafor', decided_at: '2026-11-21T21:00:00Z' };
	};
	const asked = (body) => {
		const waits = Math.abs(body.amount) > 5_000;
		return { ...changes()[0], id: body.id, member_id: body.member_id, amount: body.amount, reason: body.reason, state: waits ? 'asked' : 'approved', asked_by: 'Mina Okafor', is_own: true };
	};
	const drafted = (body) => {
		const members = body.segment ? 312 : body.member_ids.length;
		return { ...bulks()[0], amount: body.amount, reason: body.reason, segment: body.segment ?? null, members, foreseen: { members, points: members * body.amount, refused: {} } };
	};
	return [
		['GET', /^\/loyalty\/changes$/, (_, query) => page(changes().filter((it) => !query.get('state') || it.state === query.get('state')), query)],
		['POST', /^\/loyalty\/changes$/, (_, __, body) => asked(body)],
		['POST', /^\/loyalty\/changes\/([\w-]+)\/(approved|declined)$/, ([id, way]) => decide(id, way)],
		['GET', /^\/loyalty\/goodwill$/, () => ({ rows: [{ most: 300, every: 'day', given: 0, left: 300 }, { most: 2_000, every: 'month', given: 900, left: 1_100 }] })],
		['GET', /^\/loyalty\/goodwill\/given$/, (_, query) => page(fixture('loyalty-goodwill'), query)],
		['POST', /^\/loyalty\/goodwill$/, (_, __, body) => ({ operation_id: `goodwill:${body.id}`, points: body.points })],
		['GET', /^\/loyalty\/bulks$/, () => fixture('loyalty-bulks')],
		['POST', /^\/loyalty\/bulks$/, (_, __, body) => drafted(body)],
		['GET', /^\/loyalty\/bulks\/([\w-]+)$/, ([id]) => bulks().find((it) => it.bulk_id === id) ?? unknown()],
		['GET', /^\/loyalty\/bulks\/([\w-]+)\/members$/, ([id], query) => page(fixture('loyalty-bulk-members').map((it) => (id === 'blk_1' ? it : { ...it, state: it.refused ? 'refused' : 'posted' })), query)],
		['POST', /^\/loyalty\/bulks\/([\w-]+)\/(started|undone)$/, ([id, way]) => { const row = bulks().find((it) => it.bulk_id === id); return row ? { ...row, state: way === 'started' ? 'running' : 'undoing', through: 0, started_by: 'Mina Okafor', finished_at: null } : unknown(); }],
		['POST', /^\/loyalty\/imports$/, (_, __, body) => brought(body)]
	];
}

/** Enough of what the server makes of a file: a line whose points are no whole number is wrong, and with it its member. */
function brought({ text, columns }) {
	const [head, ...lines] = text.trim().split(/\r?\n/).map((line) => line.split(','));
	const at = (name) => head.indexOf(name);
	const errors = lines.flatMap((line, index) => (/^-?\d+$/.test(line[at(columns.points)] ?? '') ? [] : [{ line: index + 2, code: 'points_unreadable' }]));
	const out = new Set(errors.map((it) => lines[it.line - 2][at(columns.who)]));
	const good = lines.filter((line) => !out.has(line[at(columns.who)]));
	return { lines: lines.length, members: new Set(good.map((line) => line[at(columns.who)])).size, known: 0, enrolled: 1, lots: good.length, points: good.reduce((sum, line) => sum + Number(line[at(columns.points)]), 0), wrong: errors.length, errors };
}
