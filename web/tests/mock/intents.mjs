// The mock's answers about intents. Deleting and saving are remembered no longer than the answer, as everywhere here.
export function intentRoutes(fixture, problem) {
	const find = (key) => fixture('intents-details').find((row) => row.key === key);
	const missing = () => problem(404, 'not_found', 'Not Found', 'There is no such intent in this workspace.', 'Check the address; the list has what there is.');
	const guess = (_, __, { text }) => ({ rows: /qwx/.test(text) ? [] : fixture('intents-list').rows.map((row, at) => ({ intent: row.key, probability: [0.81, 0.12, 0.05, 0.02][at] })) });
	const text = (id) => fixture('texts-rows').find((row) => row.event_id === id);
	const ofText = (intent) => ([id]) => (text(id) ? { rows: guess(null, null, text(id)).rows, by_hand: intent } : problem(404, 'not_found', 'Not Found', 'There is no such text in this workspace.', 'Check the address; the list has what there is.'));
	return [
		['GET', /^\/texts\/(\w+)\/intents$/, ofText(null)],
		['POST', /^\/texts\/(\w+)\/intents$/, (path, _, body) => ofText(body.intent)(path)],
		['GET', /^\/intents$/, () => fixture('intents-list')],
		['POST', /^\/intents\/guess$/, guess],
		['GET', /^\/intents\/(\w+)$/, ([key]) => find(key) ?? missing()],
		['PUT', /^\/intents\/(\w+)$/, ([key], _, body) => ({ key, examples: body.examples })],
		['DELETE', /^\/intents\/(\w+)$/, ([key]) => (find(key) ? null : missing())]
	];
}
