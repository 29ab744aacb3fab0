// The mock's answers about journeys, messages and sending.
export function journeyRoutes(fixture, problem) {
	const all = () => fixture('journeys-pages');
	const find = (key) => all().find((page) => page.summary.key === key) ?? problem(404, 'not_found', 'Not Found', 'There is no such journey in this workspace.', 'Check the address; the list has what there is.');
	const kept = (key, extra) => { const page = find(key); return page.status ? page : { ...page, ...extra, summary: { ...page.summary, ...extra.summary } }; };
	const saved = ([key], _, body) => kept(key, { ...(body.definition ? { definition: body.definition } : {}), summary: { ...(body.name ? { name: body.name } : {}), ...(body.description !== undefined ? { description: body.description } : {}) } });
	function calendar(query) {
		const within = (run) => run.planned_at >= query.get('from') && run.planned_at < query.get('until');
		return all().map(({ summary, definition }) => ({ key: summary.key, kind: summary.kind, name: summary.name, state: summary.state, schedule: definition.entry.schedule ?? null, runs: (fixture('journeys-reports')[summary.key]?.runs ?? []).filter(within) })).filter((row) => row.schedule || row.runs.length);
	}
	const stateOf = { launch: 'live' };
	return [
		['GET', /^\/journeys$/, () => ({ rows: all().map((page) => page.summary) })],
		['POST', /^\/journeys$/, (_, __, body) => (body.kind === 'campaign' ? find('winter-news') : find(body.ready === 'abandoned_cart' ? 'abandoned-cart' : 'review'))],
		['GET', /^\/journeys\/calendar$/, (_, query) => ({ rows: calendar(query) })],
		['GET', /^\/journeys\/ready$/, () => fixture('journeys-ready')],
		['POST', /^\/journeys\/check$/, (_, __, body) => ({ findings: body.definition.nodes.filter((node) => node.step.message?.template === '').map((node) => ({ severity: 'error', code: 'template_missing', place: node.id, text: 'choose a template' })) })],
		['GET', /^\/journeys\/([\w-]+)$/, ([key]) => find(key)],
		['PUT', /^\/journeys\/([\w-]+)$/, saved],
		['DELETE', /^\/journeys\/([\w-]+)$/, () => null],
		['POST', /^\/journeys\/([\w-]+)\/(launch|state)$/, ([key, act], _, body) => kept(key, { is_changed: false, summary: { state: stateOf[act] ?? body.state, live_version: 1 } })],
		['POST', /^\/journeys\/([\w-]+)\/migrate$/, () => ({ people: 22 })],
		['GET', /^\/journeys\/([\w-]+)\/difference$/, () => fixture('journeys-difference')],
		['GET', /^\/journeys\/([\w-]+)\/report$/, ([key]) => fixture('journeys-reports')[key] ?? fixture('journeys-reports').none],
		['GET', /^\/journeys\/([\w-]+)\/effect$/, ([key]) => { const known = fixture('journeys-effect'); return key === 'monthly' ? { ...known, journey: key, holdout: { ...known.holdout, by: 'split', control: 'quiet', treatment: 'offer' } } : known; }],
		['GET', /^\/journeys\/([\w-]+)\/people$/, () => fixture('journeys-people')],
		['POST', /^\/journeys\/([\w-]+)\/reachability$/, () => fixture('journeys-reachability')],
		['POST', /^\/journeys\/([\w-]+)\/dry-run\/day$/, () => fixture('journeys-dry_day')],
		['POST', /^\/journeys\/([\w-]+)\/dry-run$/, () => fixture('journeys-dry')],
		['GET', /^\/customers\/\w+\/journeys$/, () => fixture('journeys-customer_journeys')],
		['GET', /^\/customers\/\w+\/journeys\/([\w-]+)$/, ([key]) => fixture(key === 'abandoned-cart' ? 'journeys-why' : 'journeys-why_not')],
		['GET', /^\/customers\/\w+\/messages$/, () => fixture('journeys-customer_messages')],
		['GET', /^\/messages$/, () => fixture('journeys-messages')],
		['GET', /^\/failed-acts$/, () => fixture('journeys-failed_acts')],
		['POST', /^\/failed-acts\/replay$/, (_, __, body) => ({ acts: body.id ? 1 : 3 })],
		['POST', /^\/journeys\/([\w-]+)\/take-out$/, () => null],
		['POST', /^\/customers\/\d+\/revive-address$/, () => ({ addresses: 1 })],
		['POST', /^\/customers\/\d+\/confirmation-mail$/, () => ({ status: 202, body: null })],
		['GET', /^\/customers\/(\d+)\/confirmation-link$/, ([id]) => ({ url: `https://nordlicht.example/confirm/${id}.9b7c1d` })],
		['POST', /^\/messages\/replay$/, (_, __, body) => ({ messages: body.id ? 1 : 4 })],
		['GET', /^\/audiences$/, () => fixture('audiences')],
		['PUT', /^\/audiences\/([\w-]+)$/, ([key]) => fixture('audiences').rows.find((row) => row.key === key) ?? fixture('audiences').rows[0]],
		['POST', /^\/audiences\/([\w-]+)\/(refresh|empty)$/, ([key]) => fixture('audiences').rows.find((row) => row.key === key)],
		['DELETE', /^\/audiences\/([\w-]+)$/, () => null],
		['GET', /^\/sending\/settings$/, () => fixture('journeys-settings')],
		['PUT', /^\/sending\/settings$/, (_, __, body) => ({ ...fixture('journeys-settings'), settings: body.settings })],
		['GET', /^\/sending\/health$/, () => fixture('journeys-health')]
	];
}
