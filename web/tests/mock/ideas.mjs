// The mock's answers about ideas. What is decided is remembered no longer than the answer, as everywhere here.
export function ideaRoutes(fixture, problem) {
	const all = () => fixture('ideas-rows');
	const find = (id) => all().find((row) => row.id === id);
	const missing = () => problem(404, 'not_found', 'Not Found', 'There is no such idea in this workspace.', 'Check the address; the list has what there is.');
	const listed = (state) => all().filter((row) => (state ? row.state === state : !['hidden', 'merged'].includes(row.state)));
	const alike = (id) => all().filter((row) => row.id !== id && row.title?.includes('ocker')).map((row) => ({ ...row, likeness: 0.62 }));
	return [
		['GET', /^\/ideas$/, (_, query) => ({ rows: listed(query.get('state')) })],
		['POST', /^\/ideas$/, (_, __, body) => (all().some((row) => row.title === body.title) ? { id: null, is_new: false } : { id: 'ide_99', is_new: true })],
		['GET', /^\/ideas\/settings$/, () => fixture('ideas-settings')],
		['PUT', /^\/ideas\/settings$/, (_, __, body) => ({ ...fixture('ideas-settings'), settings: body.settings })],
		['GET', /^\/ideas\/(\w+)\/similar$/, ([id]) => (find(id) ? { rows: alike(id) } : missing())],
		['POST', /^\/ideas\/(\w+)\/decision$/, ([id], _, body) => (find(id) ? { ...find(id), ...body } : missing())],
		['POST', /^\/ideas\/(\w+)\/merge$/, ([id], _, body) => (find(id) ? find(body.into) : missing())]
	];
}
