// The mock's answers about notes. What is written is remembered no longer than the answer, as everywhere here.
export function noteRoutes(fixture, problem) {
	const all = () => fixture('notes-details');
	const short = ({ passages: _, ...note }) => note;
	const missing = () => problem(404, 'not_found', 'Not Found', 'There is no such note in this workspace.', 'Check the address; the list has what there is.');
	const find = (id) => all().find((note) => note.id === id);
	const quotes = (_, query) => ({ rows: all().flatMap((note) => note.passages.filter((it) => it.topics.includes(query.get('topic'))).map((it) => ({ note: short(note), ...it }))) });
	return [
		['GET', /^\/notes$/, () => ({ rows: all().map(short), next: null, total: null })],
		['POST', /^\/notes$/, (_, __, body) => ({ ...all()[0], ...body, id: 'nte_99' })],
		['GET', /^\/notes\/quotes$/, quotes],
		['GET', /^\/notes\/(\w+)$/, ([id]) => find(id) ?? missing()],
		['PUT', /^\/notes\/(\w+)$/, ([id], _, body) => (find(id) ? { ...find(id), ...body } : missing())],
		['DELETE', /^\/notes\/(\w+)$/, ([id]) => (find(id) ? null : missing())]
	];
}
