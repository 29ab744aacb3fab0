// The mock's answers about follow-ups: what is done is answered and forgotten.
export function followUpRoutes(fixture, page, problem) {
	const missing = () => problem(404, 'not_found', 'Not Found', 'There is no such follow-up in this workspace.', 'Check the address; the list has what there is.');
	const find = (id) => fixture('follow-ups-rows').find((row) => row.id === id);
	const whole = (row) => ({ ...row, ...fixture('follow-ups-detail'), why: [row.reason] });
	const is = (wanted, value) => !wanted || wanted === value;
	const list = (_, query) => {
		const owner = query.get('owner');
		const rows = fixture('follow-ups-rows').filter((row) => is(query.get('state'), row.state) && is(query.get('rule'), row.rule) && (query.get('late') !== 'true' || row.late) && (!owner || (owner === 'nobody' ? !row.owner : row.owner === (owner === 'me' ? 'usr_01' : owner))));
		return page(rows, query);
	};
	function act([id], _, body) {
		const row = find(id);
		if (!row) return missing();
		if (body.revision !== row.revision) return { ...whole(row), ...problem(409, 'stale', 'Conflict', 'It was changed meanwhile.', 'Look at it again.') };
		const next = { ...row, revision: row.revision + 1 };
		const line = { number: 99, at: '2026-11-21T20:59:00Z', by_name: 'Mina Okafor', act: body.act, channel: body.channel ?? null, text: body.text ?? null, detail: body.outcome ?? null, undone: false, undoes: null };
		if (body.act === 'assign') [next.owner, next.owner_name, line.act, line.detail] = [body.owner, fixture('users').rows.find((it) => it.id === body.owner)?.name ?? null, 'assigned', 'Mina Okafor'];
		if (body.act === 'contact') [next.contacted_at, next.state, next.late, line.act] = ['2026-11-21T20:59:00Z', 'in_progress', false, 'contacted'];
		if (body.act === 'wait') [next.state, line.act] = ['waiting', 'waiting'];
		if (body.act === 'note') line.act = 'noted';
		if (body.act === 'snooze') [next.snoozed_until, line.act] = [body.until ?? null, 'snoozed'];
		if (body.act === 'close') [next.state, next.outcome, next.closed_at, line.act] = ['done', body.outcome, '2026-11-21T20:59:00Z', 'closed'];
		if (body.act === 'reopen') [next.state, next.outcome, line.act] = ['open', null, 'reopened'];
		if (body.act === 'undo') line.act = 'undone';
		const detail = whole(next);
		return { ...detail, log: [...detail.log, line] };
	}
	return [
		['GET', /^\/follow-ups$/, list],
		['GET', /^\/follow-ups\/counts$/, () => fixture('follow-ups-counts')],
		['GET', /^\/follow-ups\/figures$/, () => fixture('follow-ups-loop')],
		['GET', /^\/follow-ups\/(\w+)$/, ([id]) => { const row = find(id); return row ? whole(row) : missing(); }],
		['GET', /^\/follow-ups\/(\w+)\/suggestions$/, () => fixture('follow-ups-suggestions')],
		['POST', /^\/follow-ups\/(\w+)\/act$/, act],
		['GET', /^\/customers\/\d+\/follow-ups$/, () => ({ rows: fixture('follow-ups-rows').slice(5, 6) })],
		['GET', /^\/improvements$/, () => fixture('follow-ups-improvements')],
		['POST', /^\/improvements$/, (_, __, body) => ({ ...fixture('follow-ups-improvements').rows[1], title: body.title, phrases: body.phrases, log: [] })],
		['GET', /^\/improvements\/(\w+)$/, ([id]) => { const row = fixture('follow-ups-improvements').rows.find((it) => it.id === id); return row ? { ...row, log: fixture('follow-ups-improvement_log').slice(0, row.changed_at ? 3 : 1) } : missing(); }],
		['GET', /^\/improvements\/(\w+)\/effect$/, () => fixture('follow-ups-improvement_effect')],
		['POST', /^\/improvements\/(\w+)\/act$/, ([id], _, body) => { const row = fixture('follow-ups-improvements').rows.find((it) => it.id === id); return { ...row, state: body.act === 'note' ? row.state : body.act, revision: row.revision + 1, log: [...fixture('follow-ups-improvement_log').slice(0, 1), { number: 9, at: '2026-11-21T20:59:00Z', by_name: 'Mina Okafor', act: body.act, text: body.text }] }; }],
		['GET', /^\/follow-up-rules$/, () => fixture('follow-ups-rules')],
		['PUT', /^\/follow-up-rules\/([\w-]+)$/, ([key], _, body) => ({ ...(fixture('follow-ups-rules').rows.find((row) => row.key === key) ?? fixture('follow-ups-rules').rows[4]), ...body, key, revision: body.revision + 1 })],
		['DELETE', /^\/follow-up-rules\/([\w-]+)$/, () => null]
	];
}
