// The mock's answers about complaints: what is done is answered and forgotten.
export function complaintRoutes(fixture, page, problem) {
	const find = (id) => fixture('complaints-rows').find((row) => row.id === id);
	const missing = () => problem(404, 'not_found', 'Not Found', 'There is no such complaint in this workspace.', 'Check the address; the list has what there is.');
	const whole = ([id]) => { const row = find(id); return row ? { ...row, ...fixture('complaints-detail') } : missing(); };
	const list = (_, query) => {
		const is = (key, value) => !query.get(key) || query.get(key) === String(value ?? '');
		const subject = query.get('subject');
		return page(fixture('complaints-rows').filter((row) => is('kind', row.kind) && is('state', row.state) && is('severity', row.severity) && is('category', row.category) && is('root_cause', row.root_cause) && is('touchpoint', row.touchpoint) && is('channel', row.channel) && (!query.get('is_open') || String(row.state !== 'resolved') === query.get('is_open')) && (subject === '*' || (row.subject ?? '') === (subject ?? ''))), query);
	};
	const act = ([id], _, body) => {
		const detail = whole([id]);
		const step = { answer: 'answered', resolve: 'resolved', reopen: 'reopened', note: 'noted' }[body.act];
		return detail.id ? { ...detail, steps: [...detail.steps, { at: '2026-11-21T20:59:00Z', step, is_public: body.is_public ?? false, by: 'Mina Okafor', text: body.text }] } : detail;
	};
	return [
		['GET', /^\/complaints$/, list],
		['POST', /^\/complaints$/, () => ({ id: fixture('complaints-rows')[0].id, is_new: true })],
		['GET', /^\/complaints\/states$/, () => fixture('complaints-states')],
		['GET', /^\/complaints\/figures$/, (_, query) => ({ ...fixture('complaints-figures'), by: query.get('by') ?? 'category' })],
		['GET', /^\/complaints\/(\w+)$/, whole],
		['PUT', /^\/complaints\/(\w+)$/, () => null],
		['POST', /^\/complaints\/(\w+)\/act$/, act],
		['GET', /^\/complaint-settings$/, () => fixture('complaints-settings')],
		['PUT', /^\/complaint-settings$/, (_, __, body) => ({ ...fixture('complaints-settings'), settings: body.settings, revision: body.revision + 1 })]
	];
}
