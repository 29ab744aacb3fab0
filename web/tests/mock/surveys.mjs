// The mock's answers about surveys: those of the fixtures; what is saved comes back, and is forgotten but for what was made last.
import { readFileSync } from 'node:fs';

const css = (path) => readFileSync(new URL(`../../../crates/server/src/public_pages/${path}`, import.meta.url), 'utf8');
const escape = (text) => String(text ?? '').replace(/[&<>"]/g, (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[c]);
const said = (texts, language, standard) => escape(texts?.[language] || texts?.[standard]).replace(/\{\{[^|}]*\|default\((?:&quot;|')(.*?)(?:&quot;|')\) ?\}\}/g, '$1');

/** Whether a question is shown; of the tests those of numbers alone. */
function holds(show, answers) {
	if (!show) return true;
	if (show.all) return show.all.every((it) => holds(it, answers));
	if (show.any) return show.any.some((it) => holds(it, answers));
	if (show.not) return !holds(show.not, answers);
	const value = answers[show.question];
	return value !== undefined && (show.at_least === undefined || value >= show.at_least) && (show.at_most === undefined || value <= show.at_most) && (!show.is || show.is.includes(value));
}
/** Near enough to the page of the server for pictures: the same words in the same style. */
function preview({ definition, page = 0, language = definition.default_language, answers = {} }) {
	const say = (texts) => said(texts, language, definition.default_language);
	const scale = (it) => (it.kind === 'nps' ? [0, 10] : it.kind === 'scale' ? [it.from, it.to] : it.kind === 'csat' || it.kind === 'ces' ? [1, it.points ?? (it.kind === 'ces' ? 7 : 5)] : null);
	const body = ({ key, answer }) => {
		const ends = scale(answer);
		if (ends) return `<div class="points n${ends[1] - ends[0] + 1}">${Array.from({ length: ends[1] - ends[0] + 1 }, (_, i) => `<label><input type="radio" name="q.${key}"><span>${ends[0] + i}</span></label>`).join('')}</div><p class="ends"><span>${say(answer.low)}</span><span>${say(answer.high)}</span></p>`;
		if (answer.choices) return `<div class="options">${answer.choices.map((it) => `<label class="option"><input type="${answer.kind === 'multiple' ? 'checkbox' : 'radio'}"><span>${say(it.text)}</span></label>`).join('')}</div>`;
		return answer.kind === 'text' ? '<textarea rows="4"></textarea>' : '';
	};
	const own = definition.pages[page];
	const shown = own?.questions.filter((it) => it.answer.kind !== 'hidden' && holds(it.show_if, answers)) ?? [];
	const end = definition.ends?.find((it) => holds(it.when, answers));
	const content = own
		? `<header><h1>${say(definition.title)}</h1>${page === 0 ? `<p class="sub">${say(definition.introduction)}</p>` : ''}</header><form method="post">${shown.map((it) => `<fieldset class="question"><legend>${say(it.text)}</legend>${it.hint ? `<p class="hint">${say(it.hint)}</p>` : ''}${body(it)}</fieldset>`).join('')}<div class="acts"><button class="go">${page + 1 < definition.pages.length ? 'Next' : 'Send'}</button></div></form>`
		: `<h1>${say(end?.text) || 'Thank you'}</h1>`;
	const html = `<!doctype html><html lang="${escape(language)}"><head><meta charset="utf-8"><title>${say(definition.title)}</title></head><body class="survey"><main><p class="brand">Nordlicht Shop</p>${content}</main></body></html>`;
	return { html, style: `${css('public.css')}\n${css('survey/survey.css')}`, is_reached: !own || shown.length > 0, next: page + 1 < definition.pages.length ? page + 1 : null };
}
const between = (it, query) => (!query.get('at_least') || it.number >= Number(query.get('at_least'))) && (!query.get('at_most') || it.number <= Number(query.get('at_most')));
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
	function responses(key, query) {
		if (key !== 'nps') return { rows: [], next: null };
		const known = new Map(fixture('customers').map((it) => [it.person_id, it]));
		const question = query.get('question');
		const fits = (it) => (!query.get('state') || it.state === query.get('state')) && (query.get('by') !== 'source' || it.source === query.get('group')) && (query.get('by') !== 'channel' || (it.channel ?? '') === query.get('group')) && (!question || it.answers.some((part) => part.question === question && between(part, query)));
		const rows = fixture('surveys-responses').filter(fits).map((it) => ({ ...it, customer: known.get(it.person_id) ?? null }));
		return page(rows, query.get('cursor') ? query : new URLSearchParams([...query].filter(([name]) => name !== 'cursor')));
	}
	function invitations(key, query) {
		if (key !== 'nps') return { rows: [], next: null };
		const known = new Map(fixture('customers').map((it) => [it.person_id, it]));
		const is = (name, value) => !query.get(name) || query.get(name) === String(value);
		const rows = fixture('surveys-invitations').filter((it) => is('state', it.state) && is('reason', it.reason) && is('wave', it.wave) && is('opened', it.opened_at !== null) && is('answered', it.answered_at !== null)).map((it) => ({ ...it, customer: known.get(it.person_id) ?? null }));
		return page(rows, query);
	}
	/** The first look and the taking of a file: its columns by their names, near enough for pages. */
	function file(key, { text, mapping, only_look }) {
		const lines = text.split(/\r?\n/).filter(Boolean).map((line) => line.split(/[,;\t]/));
		const [names, ...rows] = lines;
		const roles = { mail: ':email', date: ':answered_at' };
		const keys = find(key).definition.pages.flatMap((it) => it.questions).map((it) => it.key);
		const proposed = Object.fromEntries(names.map((name) => [name, keys.includes(name) ? name : roles[name.toLowerCase()]]).filter(([, it]) => it));
		const meaning = (name) => (mapping ?? proposed)[name] ?? null;
		const bad = (row) => names.some((name, i) => meaning(name) === 'nps' && !(Number(row[i]) >= 0 && Number(row[i]) <= 10));
		const answers = (row) => Object.fromEntries(names.flatMap((name, i) => (meaning(name) && !meaning(name).startsWith(':') ? [[meaning(name), Number.isNaN(Number(row[i])) ? row[i] : Number(row[i])]] : [])));
		const good = rows.map((row, i) => ({ row, line: i + 2 })).filter((it) => !bad(it.row));
		const refusals = rows.flatMap((row, i) => (bad(row) ? [{ line: i + 2, column: names[0], why: 'is no point of its scale' }] : []));
		return { columns: names.map((name) => ({ name, meaning: meaning(name) })), rows: rows.length, added: only_look === undefined ? 0 : good.length, known: 0, people: Math.max(0, good.length - 1), refused: refusals.length, refusals, first: good.slice(0, 20).map((it) => ({ line: it.line, answers: answers(it.row) })) };
	}
	const version = ([key, wanted]) => {
		const it = find(key);
		return it.status ? it : { version: Number(wanted), definition: it.definition };
	};
	const ofNps = (name, other) => ([key]) => (key === 'nps' ? fixture(`surveys-${name}`) : other);
	return [
		['GET', /^\/surveys$/, () => ({ rows: all().map((it) => it.summary) })],
		['POST', /^\/surveys$/, create],
		['GET', /^\/survey-templates$/, () => ({ rows: fixture('surveys-templates').map(({ definition, ...rest }) => rest) })],
		['GET', /^\/survey-templates\/(\w+)$/, ([key]) => fixture('surveys-templates').find((it) => it.key === key) ?? problem(404, 'not_found', 'Not Found', 'There is no such survey template.', 'Check the address; the list has what there is.')],
		['GET', /^\/survey-settings$/, () => fixture('surveys-settings')],
		['PUT', /^\/survey-settings$/, (_, __, body) => body],
		['POST', /^\/survey-preview$/, (_, __, body) => preview(body)],
		['GET', /^\/surveys\/([\w-]+)\/versions\/(\d+)$/, version],
		['POST', /^\/surveys\/([\w-]+)\/links$/, ([key], _, { mode }) => ({ url: `https://shop.example/s/${key}-${mode}-8fJq2hVx0Lr9bTz4Wc` })],
		['POST', /^\/surveys\/([\w-]+)\/invitations$/, ([key]) => ({ invitation_id: 'inv_1', url: `https://shop.example/s/${key}-own-Qm3xN7yRkP5sVd1`, expires_at: '2026-12-21T21:00:00Z' })],
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
		['GET', /^\/surveys\/([\w-]+)\/responses$/, ([key], query) => responses(key, query)],
		['GET', /^\/surveys\/([\w-]+)\/invitations$/, ([key], query) => invitations(key, query)],
		['POST', /^\/surveys\/([\w-]+)\/response-file$/, ([key], _, body) => file(key, body)],
		['POST', /^\/surveys\/([\w-]+)\/model$/, ([key], _, body) => (key === 'satisfaction' ? fixture('surveys-models')[body.group ? 'compared' : 'all'] : problem(422, 'invalid_value', 'Unprocessable Entity', 'blocks: is needed: say its blocks and paths, as this survey does not ask for those of the satisfaction index', 'Correct this value and send it again.'))],
		['POST', /^\/surveys\/([\w-]+)\/model\/people$/, (match, _, body) => ({ rows: fixture('customers').slice(body.offset ?? 0, (body.offset ?? 0) + 12).map((customer, at) => ({ customer, response: `rsp_${at}`, indices: ['expectation', 'quality', 'value', 'satisfaction', 'complaint', 'loyalty'].map((block, i) => ({ block, index: block === 'complaint' ? null : 88 - 7 * i - at })) })), total: 12, anonymous: 9, answers: 268 })],
		['GET', /^\/surveys\/([\w-]+)\/styles$/, ([key]) => (key === 'satisfaction' ? fixture('surveys-styles') : { low: null, high: null, questions: [], groups: [] })],
		['GET', /^\/benchmarks$/, () => fixture('surveys-benchmarks')],
		['POST', /^\/benchmarks$/, (_, __, body) => ({ id: 'bmk_9', entered_at: '2026-11-21T21:00:00Z', entered_by: 'Mina Okafor', ...body })],
		['PUT', /^\/benchmarks\/(\w+)$/, ([id], _, body) => ({ id, entered_at: '2026-11-21T21:00:00Z', entered_by: 'Mina Okafor', ...body })],
		['DELETE', /^\/benchmarks\/(\w+)$/, () => null]
	];
}
