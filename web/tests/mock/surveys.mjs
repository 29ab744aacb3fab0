// The mock's answers about surveys: those of the fixtures; what is saved comes back, and is forgotten but for what was made last.
export function surveyRoutes(fixture, problem, page) {
	let made;
	const all = () => [...(made ? [made] : []), ...fixture('surveys-pages')];
	const find = (key) => all().find((it) => it.summary.key === key) ?? problem(404, 'not_found', 'Not Found', 'There is no such survey in this workspace.', 'Check the address; the list has what there is.');
	const known = (key) => fixture('surveys-pages').some((it) => it.summary.key === key);
	const AFTER = { open: 'open', pause: 'paused', close: 'closed' };
	const findings = (definition) => definition.pages.flatMap((it) => it.questions).filter((it) => it.answer.kind !== 'hidden' && !it.text[definition.default_language]?.trim()).map((it) => ({ severity: 'error', code: 'words_missing', place: it.key, text: 'there is no text in the default language; write one' }));
	function create(_, __, { key, name, definition }) {
		if (known(key)) return problem(409, 'survey_exists', 'Conflict', `there is a survey \`${key}\` already; choose another key`, 'Choose another key.');
		const summary = { ...fixture('surveys-pages')[0].summary, key, name, state: 'draft', kind: definition.asking?.kind ?? 'touchpoint', revision: 1, version: 1, published: null, wave: 1, completed: 0, partial: 0, opened_at: null, updated_at: '2026-11-21T20:59:00Z' };
		made = { summary, definition, findings: findings(definition), quotas: [], versions: [{ version: 1, saved_at: '2026-11-21T20:59:00Z', saved_by: 'Mina Okafor' }] };
		return made;
	}
	function change(key, next) {
		const it = find(key);
		if (it.status) return it;
		const changed = next(it);
		if (made?.summary.key === key) made = changed;
		return changed;
	}
	const save = ([key], _, { name, definition }) => change(key, (it) => ({ ...it, definition, findings: findings(definition), summary: { ...it.summary, name, revision: it.summary.revision + 1, version: it.summary.version + 1 }, versions: [{ version: it.summary.version + 1, saved_at: '2026-11-21T20:59:30Z', saved_by: 'Mina Okafor' }, ...it.versions] }));
	const act = ([key], _, { act }) =>
		change(key, (it) => {
			const summary = { ...it.summary, revision: it.summary.revision + 1, state: AFTER[act] ?? it.summary.state, published: act === 'publish' || (act === 'open' && !it.summary.published) ? it.summary.version : it.summary.published };
			return { ...it, summary: act === 'wave' ? { ...summary, wave: summary.wave + 1 } : summary };
		});
	const nothing = { from: null, to: '2026-11-21T21:00:00Z', rows: [] };
	function results([key], query) {
		const kind = query.get('interval') ? 'trend' : query.get('by') ? 'grouped' : 'results';
		const found = fixture(`surveys-${kind}`)[key] ?? nothing;
		const question = query.get('question');
		return question ? { ...found, rows: found.rows.filter((row) => row.question === question) } : found;
	}
	const ofNps = (name, other) => ([key]) => (key === 'nps' ? fixture(`surveys-${name}`) : other);
	return [
		['GET', /^\/surveys$/, () => ({ rows: all().map((it) => it.summary) })],
		['POST', /^\/surveys$/, create],
		['GET', /^\/survey-templates$/, () => ({ rows: fixture('surveys-templates').map(({ definition, ...rest }) => rest) })],
		['GET', /^\/survey-templates\/(\w+)$/, ([key]) => fixture('surveys-templates').find((it) => it.key === key) ?? problem(404, 'not_found', 'Not Found', 'There is no such survey template.', 'Check the address; the list has what there is.')],
		['GET', /^\/survey-settings$/, () => fixture('surveys-settings')],
		['PUT', /^\/survey-settings$/, (_, __, body) => body],
		['POST', /^\/survey-check$/, (_, __, { definition }) => ({ rows: findings(definition) })],
		['GET', /^\/surveys\/([\w-]+)$/, ([key]) => find(key)],
		['PUT', /^\/surveys\/([\w-]+)$/, save],
		['POST', /^\/surveys\/([\w-]+)\/act$/, act],
		['GET', /^\/surveys\/([\w-]+)\/results$/, results],
		['GET', /^\/surveys\/([\w-]+)\/funnel$/, ([key]) => fixture('surveys-funnels')[key] ?? fixture('surveys-funnels').none],
		['GET', /^\/surveys\/([\w-]+)\/wishes$/, ([key], query) => (key === 'wishes' ? { rows: fixture('surveys-wishes').rows.map((row) => (query.get('by') ? row : { ...row, groups: [], p: null })) } : { rows: [] })],
		['GET', /^\/surveys\/([\w-]+)\/drivers$/, ([key]) => (key === 'satisfaction' ? fixture('surveys-drivers') : { score: 'nps', answers: 0, incomplete: 12, latest_only: false, drivers: [] })],
		['GET', /^\/surveys\/([\w-]+)\/behaviour$/, ([key], query) => (key === 'nps' ? { ...fixture('surveys-behaviour'), days: Number(query.get('days') ?? 90) } : { question: 'csat', days: 90, currency: 'EUR', spending: [], too_recent: 0 })],
		['GET', /^\/surveys\/([\w-]+)\/weighted$/, ofNps('weighted', { rows: [] })],
		['GET', /^\/surveys\/([\w-]+)\/benchmarks$/, ofNps('gaps', { rows: [] })],
		['GET', /^\/surveys\/([\w-]+)\/responses$/, ([key], query) => (key === 'nps' ? page(fixture('surveys-responses'), query) : { rows: [], next: null })],
		['GET', /^\/benchmarks$/, () => fixture('surveys-benchmarks')],
		['POST', /^\/benchmarks$/, (_, __, body) => ({ id: 'bmk_9', entered_at: '2026-11-21T21:00:00Z', entered_by: 'Mina Okafor', ...body })],
		['PUT', /^\/benchmarks\/(\w+)$/, ([id], _, body) => ({ id, entered_at: '2026-11-21T21:00:00Z', entered_by: 'Mina Okafor', ...body })],
		['DELETE', /^\/benchmarks\/(\w+)$/, () => null]
	];
}
