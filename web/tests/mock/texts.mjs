// The mock's answers about what customers write: lists are narrowed as the server does it, corrections are answered and forgotten.
const FEELINGS = ['anger', 'disappointment', 'anxiety', 'joy', 'gratitude', 'trust', 'urgency'];

export function textRoutes(fixture, page, problem) {
	const plain = ({ reasons: _, ...row }) => row;
	const find = (id) => fixture('texts-rows').find((row) => row.event_id === id) ?? problem(404, 'not_found', 'Not Found', 'There is no such text in this workspace.', 'Check the address; the list has what there is.');
	function narrowed(query) {
		const is = (key, value) => !query.get(key) || query.get(key) === String(value ?? '');
		const words = (query.get('words') ?? '').toLowerCase();
		const { topics } = fixture('topics-tree');
		const isBelow = (key) => key === query.get('topic') || (topics.find((it) => it.key === key)?.parent ?? null) === query.get('topic');
		const isAbout = (text) => topics.some((it) => isBelow(it.key) && it.words.some((word) => text.toLowerCase().includes(word.toLowerCase())));
		return fixture('texts-rows').filter((row) => (!query.get('topic') || isAbout(row.text)) && is('tone', row.understood.tone) && is('language', row.understood.language) && is('event_name', row.event_name) && is('stars', row.rating) && is('person_id', row.person_id) && (!query.get('from') || row.occurred_at >= query.get('from')) && row.text.toLowerCase().includes(words) && (!query.get('feeling') || row.understood.feelings.some((it) => it.feeling === query.get('feeling'))));
	}
	function list(_, query) {
		const ids = query.get('ids')?.split(',');
		return ids ? { rows: fixture('texts-rows').filter((row) => ids.includes(row.event_id)).map(plain), next: null } : page(narrowed(query).map(plain), query);
	}
	function counts(_, query) {
		const cells = new Map();
		for (const row of narrowed(query)) {
			const { language, tone, feelings } = row.understood;
			const key = JSON.stringify([language, row.event_name, tone, row.rating]);
			const cell = cells.get(key) ?? { language, event_name: row.event_name, tone, stars: row.rating, texts: 0, feelings: Object.fromEntries(FEELINGS.map((it) => [it, 0])) };
			cell.texts += 1;
			for (const { feeling } of feelings) cell.feelings[feeling] += 1;
			cells.set(key, cell);
		}
		return { rows: [...cells.values()] };
	}
	function correct([id], _, body) {
		const row = find(id);
		if (row.status) return row;
		const sentiment = body.sentiment ?? row.understood.sentiment;
		const feelings = body.feelings?.map((feeling) => ({ feeling, strength: 1 })) ?? row.understood.feelings;
		return { ...plain(row), understood: { ...row.understood, sentiment, feelings, tone: sentiment <= -0.05 ? 'negative' : sentiment >= 0.05 ? 'positive' : 'neutral', urgent: feelings.some((it) => it.feeling === 'urgency'), corrected_at: '2026-11-21T20:59:40Z' } };
	}
	const reviews = (query) => fixture('texts-reviews').filter((row) => (!query.get('state') || row.state === query.get('state')) && (!query.get('product') || row.product_id === query.get('product')) && (!query.get('rating') || String(row.rating) === query.get('rating')) && (!query.get('answered') || String(row.answer !== null) === query.get('answered')));
	const states = () => ({ rows: ['hidden', 'shown', 'waiting'].map((state) => { const rows = fixture('texts-reviews').filter((row) => row.state === state); return { state, reviews: rows.length, unanswered: rows.filter((row) => row.answer === null).length }; }) });
	return [
		['GET', /^\/texts$/, list],
		['GET', /^\/texts\/counts$/, counts],
		['GET', /^\/texts\/themes$/, () => fixture('texts-themes')],
		['GET', /^\/texts\/quality$/, () => fixture('texts-quality')],
		['GET', /^\/texts\/(\w+)$/, ([id]) => find(id)],
		['GET', /^\/texts\/(\w+)\/similar$/, ([id]) => { const row = find(id); return row.status ? row : { rows: fixture('texts-rows').filter((other) => other.event_id !== id && other.understood.language === row.understood.language && other.event_name === row.event_name).slice(0, 4).map((other, at) => ({ ...plain(other), likeness: other.text === row.text ? 1 : 0.62 - at * 0.1 })) }; }],
		['POST', /^\/texts\/(\w+)\/correction$/, correct],
		['DELETE', /^\/texts\/(\w+)\/correction$/, ([id]) => { const row = find(id); return row.status ? row : { ...plain(row), understood: { ...row.understood, corrected_at: null } }; }],
		['GET', /^\/customers\/\d+\/responses$/, () => ({ rows: [['2026-11-19T20:40:00Z', 6], ['2026-06-02T18:00:00Z', 9]].map(([at, number]) => ({ id: `rsp_${number}`, survey: 'after_delivery', version: 1, wave: 1, source: 'invitation', state: 'completed', language: 'en', started_at: at, completed_at: at, answers: [{ question: 'recommend', part: '', kind: 'nps', number, low: 0, high: 10, direction: 'up' }] })), next: null })],
		['GET', /^\/reviews$/, (_, query) => page(reviews(query), query)],
		['GET', /^\/reviews\/states$/, states],
		['GET', /^\/reviews\/products$/, () => fixture('texts-reviewed')],
		['POST', /^\/reviews\/judge$/, () => ({ reviews: 41 })],
		['POST', /^\/reviews\/\w+\/decision$/, (_, __, body) => (body.state === 'hidden' && !body.why ? problem(422, 'invalid_value', 'Unprocessable Entity', 'why: say why it is not shown: whoever wrote it may ask', 'Correct this value and send it again.') : null)],
		['DELETE', /^\/reviews\/\w+\/(?:decision|answer)$/, () => null],
		['PUT', /^\/reviews\/\w+\/answer$/, () => null]
	];
}
