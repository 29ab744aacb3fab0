// The mock's answers about topics: the tree is saved and forgotten, so that every walk begins with the same.
export function topicRoutes(fixture, problem) {
	const tree = () => fixture('topics-tree');
	const text = (id) => fixture('texts-rows').find((row) => row.event_id === id);
	const missing = () => problem(404, 'not_found', 'Not Found', 'There is no such text in this workspace.', 'Check the address; the list has what there is.');
	/** Parts of a text at its stops, and for each the first topic of which it has a word. */
	function clauses(row) {
		const found = [];
		let start = 0;
		for (const piece of row.text.match(/[^.!?。！？,;]+[.!?。！？,;]*\s*/gu) ?? []) {
			const end = start + [...piece].length;
			const topic = tree().topics.find((it) => it.words.some((word) => piece.toLowerCase().includes(word.toLowerCase())));
			found.push({ start, end, text: piece, topic: topic?.key ?? null, probability: topic ? 1 : null, is_corrected: false });
			start = end;
		}
		return found;
	}
	function aspects() {
		const ids = fixture('texts-rows').slice(0, 2).map((row) => row.event_id);
		const { rows, ...rest } = fixture('topics-aspects');
		return { ...rest, rows: rows.map((row) => ({ ...row, quotes: row.quotes.map((quote, at) => ({ event_id: ids[at % ids.length], ...quote })) })) };
	}
	function save(_, __, body) {
		// Every answer is forgotten: what was read from one is newer than what is kept.
		if (body.version < tree().version) return problem(409, 'stale', 'Conflict', 'The topics were saved by somebody else meanwhile.', 'Read it again, then save again.');
		return { ...tree(), topics: body.topics, version: body.version + 1 };
	}
	/** As the server merges: words, what is below it and its old keys go to the other one. */
	function merge([key], _, { into, version, only_look }) {
		const before = tree();
		const [from, to] = [before.topics.find((it) => it.key === key), before.topics.find((it) => it.key === into)];
		if (!from) return problem(404, 'not_found', 'Not Found', 'There is no such topic in this workspace.', 'Check the address; the list has what there is.');
		if (!to || to.key === key || to.parent === key) return problem(422, 'invalid_value', 'Unprocessable Entity', 'into: a topic is not merged into itself or into one that stands below it', 'Correct this value and send it again.');
		if (version < before.version) return problem(409, 'stale', 'Conflict', 'The topics were saved by somebody else meanwhile.', 'Read it again, then save again.');
		const words = from.words.filter((it) => !to.words.includes(it));
		const topics = before.topics.filter((it) => it !== from).map((it) => (it === to ? { ...it, words: [...it.words, ...words], merged: [...it.merged, ...from.merged, key] } : it.parent === key ? { ...it, parent: into } : it));
		const about = fixture('topics-aspects').rows.find((it) => it.key === key)?.texts ?? 0;
		return { texts: about, texts_of_both: Math.round(about / 4), is_cut: false, examples: 12, passages: 3, words, below: before.topics.filter((it) => it.parent === key).map((it) => it.key), tree: only_look ? null : { ...before, topics, version: before.version + 1 } };
	}
	return [
		['POST', /^\/topics\/(\w+)\/merge$/, merge],
		['GET', /^\/topics$/, tree],
		['PUT', /^\/topics$/, save],
		['GET', /^\/topics\/aspects$/, aspects],
		['GET', /^\/texts\/(\w+)\/topics$/, ([id]) => { const row = text(id); return row ? { rows: clauses(row) } : missing(); }],
		['POST', /^\/texts\/(\w+)\/topics$/, ([id], _, body) => { const row = text(id); return row ? { rows: clauses(row).map((it) => (it.start === body.start ? { ...it, topic: body.topic, probability: 1, is_corrected: true } : it)) } : missing(); }]
	];
}
