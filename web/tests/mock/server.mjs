// Serves the built console with the fixtures behind it: `npm run build && npm run mock`, then open the address it prints.
// It keeps nothing: writes are answered as the server would, and forgotten. For pictures and browser tests, not a model of the server.
import { createServer } from 'node:http';
import { readFileSync, existsSync, statSync } from 'node:fs';
import { dirname, extname, join, normalize, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

import { agreedRoutes } from './agreed.mjs';
import { advocacyRoutes } from './advocacy.mjs';
import { complaintRoutes } from './complaints.mjs';
import { followUpRoutes } from './follow-ups.mjs';
import { ideaRoutes } from './ideas.mjs';
import { intentRoutes } from './intents.mjs';
import { loyaltyRoutes } from './loyalty.mjs';
import { modelRoutes } from './models.mjs';
import { noteRoutes } from './notes.mjs';
import { groupRoutes } from './groups.mjs';
import { policyRoutes } from './policies.mjs';
import { loyaltyIndexRoutes } from './loyalty-index.mjs';
import { recommendationRoutes } from './recommendations.mjs';
import { journeyRoutes } from './journeys.mjs';
import { slotRoutes } from './slots.mjs';
import { surveyRoutes } from './surveys.mjs';
import { textRoutes } from './texts.mjs';
import { topicRoutes } from './topics.mjs';
const web = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
const dist = join(web, 'dist');
const fixture = (name) => JSON.parse(readFileSync(join(web, 'tests/fixtures/data', `${name}.json`), 'utf8'));
const TYPES = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml', '.json': 'application/json', '.woff2': 'font/woff2', '.png': 'image/png' };

const page = (rows, query, key = 'cursor') => {
	const from = Number(query.get(key) ?? 0);
	const size = Number(query.get('limit') ?? 50);
	return { rows: rows.slice(from, from + size), next: from + size < rows.length ? String(from + size) : null, total: rows.length };
};
const problem = (status, code, title, detail, what_to_do) => ({ status, body: { type: 'about:blank', title, status, code, detail, what_to_do } });

function customers(query) {
	const search = (query.get('search') ?? '').toLowerCase();
	const group = query.get('rfm_group');
	const by = { last_seen: (r) => r.last_seen_at, orders: (r) => r.orders, spent: (r) => Number(r.spent.amount), first_seen: (r) => r.since, name: (r) => r.name }[query.get('sort') ?? 'last_seen'];
	const way = query.get('direction') === 'asc' ? 1 : -1;
	const rows = fixture('customers').filter((r) => (!search || `${r.name} ${r.email_masked} ${r.person_id}`.toLowerCase().includes(search)) && (!group || r.rfm.group === group));
	return page(rows.sort((a, b) => (by(a) < by(b) ? -way : way)), query);
}
const findImport = (id) => fixture('imports').rows.find((row) => row.id === id);

const findSegment = (key) => fixture('segments-list').rows.find((row) => row.key === key);
/** The mock knows the forms of its own segments only: any other condition is written as its JSON between quotes, which it reads back. */
const quoted = (condition) => JSON.stringify(JSON.stringify(condition));
function forms({ condition, text }) {
	const rows = fixture('segments-list').rows;
	if (condition) return { condition, text: rows.find((row) => JSON.stringify(row.condition) === JSON.stringify(condition))?.text ?? quoted(condition) };
	const row = rows.find((other) => other.text === text);
	if (row) return { condition: row.condition, text };
	try {
		return { condition: JSON.parse(JSON.parse(text)), text };
	} catch {
		return problem(422, 'condition_text', 'Unprocessable Entity', 'line 1, column 10: found `oops`, expected a comparison such as `=` or `exists`', 'Correct the condition; the guide Segments describes it.');
	}
}
/** A guess from a sample first; the whole count when it is asked for. */
function estimate(body) {
	const both = forms(body);
	if (both.status) return both;
	const people = both.text.includes('nobody') ? 0 : 412;
	const looked_at = body.exact ? 4000 : 1000;
	const spread = body.exact ? 0 : 37;
	const warnings = [...(people ? [] : ['holds_for_nobody']), ...(both.text.includes('performed *') || both.text.includes('\\"*\\"') ? ['looks_at_every_event'] : [])];
	return { people, at_least: Math.max(0, people - spread), at_most: people + spread, of: 4000, looked_at, examples: people ? fixture('segments-members').slice(0, 5) : [], text: both.text, warnings, computed_ms: body.exact ? 38 : 6 };
}
/** Who is in it now, who came, and who left: the same people, seen three ways. */
function members(key, query) {
	const now = fixture('segments-members').slice(0, findSegment(key)?.size ?? 0);
	const list = query.get('list') ?? 'now';
	if (list === 'now') return page(now, query);
	const since = Date.parse(query.get('since') ?? '2026-10-22T21:00:00Z');
	if (list === 'entered') return page(now.filter((row) => Date.parse(row.since) >= since), query);
	return page(now.slice(20, 34).map((row, i) => ({ ...row, left_at: new Date(Date.parse('2026-11-21T10:00:00Z') - i * 2.2 * 86_400_000).toISOString() })).filter((row) => Date.parse(row.left_at) >= since), query);
}
function flows(query) {
	const fact = query.get('fact') ?? 'lifecycle.stage';
	return { fact, from: query.get('from'), to: query.get('to'), ...fixture('segments-flows')[fact] };
}
function intersections(keys) {
	// As the server does it: segments that are not given do not part anybody.
	const sums = new Map();
	for (const row of fixture('segments-intersections').rows) {
		const within = keys.filter((key) => row.keys.includes(key));
		if (within.length) sums.set(within.join(), (sums.get(within.join()) ?? 0) + row.people);
	}
	return { rows: [...sums].map(([joined, people]) => ({ keys: joined.split(','), people })).sort((one, other) => other.people - one.people) };
}
const listPeople = (key) => fixture('customers').slice(0, fixture('segments-lists').rows.find((row) => row.key === key)?.size ?? 0);
function overlap(keys) {
	const shared = fixture('segments-overlap');
	const rows = keys.flatMap((one, i) => keys.slice(i).map((other) => ({ one, other, people: one === other ? (findSegment(one).size ?? 0) : (shared[one]?.[other] ?? shared[other]?.[one] ?? 0) })));
	return { rows };
}
const saveSegment = (key, body) => ({ ...fixture('segments-list').rows[0], ...findSegment(key), ...forms(body), name: body.name, description: body.description, key, version: (findSegment(key)?.version ?? 0) + 1, state: 'filling' });

const golden = readFileSync(join(web, '../crates/engagement/tests/golden/birthday.html'), 'utf8');
const copies = (template) =>
	[
		['mara@nordlicht.example', 'sent', '250 2.0.0 queued as 4XyZ'],
		['jonas@nordlicht.exmaple', 'failed', '550 5.1.2 unknown domain']
	].map(([address, state, response], i) => ({ id: `copy_${i}`, kind: 'test', address, template, person_id: null, journey: null, state, response, decided_at: '2026-11-21T20:59:00Z', sent_at: state === 'sent' ? '2026-11-21T20:59:01Z' : null }));
const findTemplate = (key) => fixture('messages-pages').find((page) => page.summary.key === key);
const noTemplate = () => problem(404, 'not_found', 'Not Found', 'There is no such template in this workspace.', 'Check the address; the list has what there is.');
/** The mock renders nothing: an e-mail is the same one always, other messages are their own words. */
function messagePreview(body, person = null) {
	const template = body.template ?? findTemplate(body.key)?.template;
	const [form, variants] = Object.entries(template.content)[0];
	const own = variants[body.language] ?? variants[template.default_language];
	const rest = { language: body.language ?? template.default_language, links: [{ kind: 'content', url: 'https://shop.example/gift/CAKE-5F2' }, { kind: 'unsubscribe', url: 'https://example.com/sample/unsubscribe' }], warnings: [], error: null, person_id: person, sample_links: !person, subject: null, preheader: null, html: null, text: null, title: null, url: null, image_url: null, label: null, sms: null };
	const broken = JSON.stringify(own).includes('frist_name');
	if (broken) return { ...rest, bytes: 0, error: { severity: 'error', code: 'template_value_missing', place: `content.${form}.en.subject`, line: 1, column: 4, text: '`profile.frist_name` has no value; give a fallback: `|default("...")`.' } };
	if (form === 'email') return { ...rest, subject: own.subject, preheader: own.preheader ?? '', html: golden, text: 'Happy birthday, Mei', bytes: golden.length };
	const others = own.body.includes('–') ? ['–'] : [];
	return { ...rest, text: own.body, title: own.title ?? null, label: own.label ?? null, url: own.url ? 'https://shop.example' : null, bytes: own.body.length, sms: form === 'text' ? { parts: others.length ? 2 : 1, units: own.body.length, left: 12, is_seven_bit: !others.length, others } : null, approved: own.approved?.variables ?? null };
}
function messageCheck({ template }) {
	const [form, variants] = Object.entries(template.content)[0];
	const findings = [];
	for (const [language, own] of Object.entries(variants)) {
		const add = (severity, code, place, text, at = {}) => findings.push({ severity, code, place: `content.${form}.${language}.${place}`, line: null, column: null, text, ...at });
		if ((own.subject ?? '').includes('frist_name')) add('error', 'unknown_token', 'subject', '`profile.frist_name` is no token that this message has. Choose one from the list, or correct its name.', { line: 1, column: 4 });
		(own.blocks ?? []).forEach((block, i) => block.button?.url.startsWith('javascript:') && add('error', 'url_not_allowed', `blocks[${i}].button.url`, 'This link would be left out: it is none of http, https, mailto and tel.'));
		if (own.subject && own.subject.length > 60) add('hint', 'subject_long', 'subject', 'Telephones show about 60 letters of a subject. Put what matters first.');
	}
	return { findings, can_be_sent: findings.every((finding) => finding.severity !== 'error'), uses: [], needs: JSON.stringify(template).includes('cart.') ? ['cart'] : [] };
}
function saveTemplate(key, template) {
	const page = findTemplate(key) ?? fixture('messages-pages')[0];
	const version = page.summary.version + 1;
	const saved = { version, name: template.name, saved_at: new Date().toISOString(), saved_by: 'Mina Okafor', restored_from: null };
	return { summary: { ...page.summary, name: template.name, version }, template, versions: [saved, ...page.versions] };
}

const findExperiment = (key) => fixture('experiments-pages').find((page) => page.summary.key === key);
const noExperiment = () => problem(404, 'not_found', 'Not Found', 'There is no such experiment in this workspace.', 'Check the address; the list has what there is.');
const AFTER = { start: 'running', pause: 'paused', stop: 'stopped', decide: 'decided' };
function actOn(key, body) {
	const page = findExperiment(key);
	if (!page) return noExperiment();
	return { ...page, summary: { ...page.summary, state: AFTER[body.act], winner: body.variant ?? null, version: page.summary.version + 1 } };
}

const routes = [
	['GET', /^\/experiments$/, () => ({ rows: fixture('experiments-pages').map((page) => page.summary) })],
	['POST', /^\/experiments$/, (_, __, body) => (findExperiment(body.key) ? problem(409, 'experiment_exists', 'Conflict', `there is an experiment \`${body.key}\` already; choose another key`, 'Choose another key.') : { ...findExperiment('free-parcel'), design: body.design })],
	['GET', /^\/experiments\/([\w.-]+)$/, ([key]) => findExperiment(key) ?? noExperiment()],
	['PUT', /^\/experiments\/([\w.-]+)$/, ([key], _, body) => ({ ...findExperiment(key), design: body.design, change: 'same' })],
	['POST', /^\/experiments\/([\w.-]+)\/act$/, ([key], _, body) => actOn(key, body)],
	['GET', /^\/experiments\/([\w.-]+)\/readout$/, ([key], query) => { const found = fixture('experiments-readouts').find((it) => it.key === key); return found ? { ...found, segments: query.get('by') ? found.segments : [] } : noExperiment(); }],
	['GET', /^\/experiments\/([\w.-]+)\/days$/, ([key]) => (findExperiment(key)?.summary.started_at ? fixture('experiments-days') : { rows: [] })],
	['GET', /^\/experiments\/([\w.-]+)\/versions$/, () => fixture('experiments-versions')],
	['GET', /^\/experiments\/([\w.-]+)\/people$/, () => ({ rows: fixture('customers').slice(0, 30).map((customer) => ({ customer, exposed_at: '2026-11-20T10:00:00Z', allocation: 2, subject: '' })), next: null })],
	['GET', /^\/experiment-metrics$/, () => fixture('experiments-metrics')],
	['GET', /^\/experiment-groups$/, () => fixture('experiments-groups')],
	['GET', /^\/experiment-baseline$/, (_, query) => { const it = fixture('experiments-baseline'); return query.get('metric') === 'revenue' ? { ...it, share: null, mean: 4.1, deviation: 17.3 } : it; }],
	['POST', /^\/experiment-plan$/, () => fixture('experiments-plan')],
	['GET', /^\/inbox$/, (_, query) => page(fixture('inbox-rows').filter((row) => !query.get('template') || row.template === query.get('template')), query)],
	['GET', /^\/inbox\/figures$/, () => fixture('inbox-figures')],
	...agreedRoutes(fixture, page),
	...journeyRoutes(fixture, problem),
	...slotRoutes(fixture, problem),
	...surveyRoutes(fixture, problem, page),
	...textRoutes(fixture, page, problem),
	...topicRoutes(fixture, problem),
	...followUpRoutes(fixture, page, problem),
	...advocacyRoutes(fixture),
	...complaintRoutes(fixture, page, problem),
	...ideaRoutes(fixture, problem),
	...intentRoutes(fixture, problem),
	...loyaltyRoutes(fixture, page, problem),
	...modelRoutes(fixture),
	...groupRoutes(fixture),
	...policyRoutes(problem),
	...loyaltyIndexRoutes(),
	...recommendationRoutes(fixture),
	...noteRoutes(fixture, problem),
	['GET', /^\/message-templates$/, (_, query) => ({ rows: query.get('archived') ? [] : fixture('messages-pages').map((page) => page.summary) })],
	['POST', /^\/message-templates$/, (_, __, body) => (body.ready ? findTemplate(body.ready.replace('_', '-')) ?? fixture('messages-pages')[0] : { ...fixture('messages-pages')[0], template: body.template })],
	['GET', /^\/message-templates\/([\w-]+)$/, ([key]) => findTemplate(key) ?? noTemplate()],
	['PUT', /^\/message-templates\/([\w-]+)$/, ([key], _, body) => (body.template.name === 'Overtaken' ? problem(409, 'changed_meanwhile', 'Conflict', 'Version 9 was saved meanwhile; this change is of version 3.', 'Look at the latest version and make the change there.') : saveTemplate(key, body.template))],
	['PUT', /^\/message-templates\/([\w-]+)\/archived$/, ([key], _, body) => { const page = findTemplate(key); return { ...page, summary: { ...page.summary, archived_at: body.archived ? '2026-11-21T20:00:00Z' : null } }; }],
	['POST', /^\/message-templates\/([\w-]+)\/duplicate$/, ([key]) => findTemplate(key)],
	['POST', /^\/message-templates\/([\w-]+)\/versions\/\d+\/restore$/, ([key]) => saveTemplate(key, findTemplate(key).template)],
	['GET', /^\/message-copies$/, (_, query) => ({ rows: copies(query.get('template')) })],
	['POST', /^\/message-templates\/([\w-]+)\/test$/, ([key], _, body) => ({ rows: copies(key).slice(0, body.addresses.length) })],
	['GET', /^\/message-gallery$/, () => fixture('messages-gallery')],
	['GET', /^\/message-tokens$/, () => fixture('messages-tokens')],
	['POST', /^\/message-links$/, (_, __, body) => ({ asked: 3, findings: body.key === 'welcome' || body.template ? [{ severity: 'warning', code: 'address_broken', place: 'content.email.en.blocks[1]', line: 1, column: 1, text: 'This link answers 404. Nothing is there.' }] : [] })],
	['POST', /^\/message-check$/, (_, __, body) => messageCheck(body)],
	['POST', /^\/message-preview$/, (_, __, body) => messagePreview(body)],
	['POST', /^\/customers\/(\d+)\/message-preview$/, ([id], _, body) => messagePreview(body, id)],
	['GET', /^\/letterhead$/, () => fixture('messages-letterhead')],
	['PUT', /^\/letterhead$/, (_, __, body) => body],
	['GET', /^\/segments$/, () => fixture('segments-list')],
	['POST', /^\/segments$/, (_, __, body) => (body.key === 'employees' ? problem(422, 'invalid_value', 'Unprocessable Entity', 'key: there is a segment with the key employees already; give another key', 'Correct this value and send it again.') : saveSegment('high-value', body))],
	['GET', /^\/segments\/overlap$/, (_, query) => overlap(query.get('keys').split(','))],
	['GET', /^\/segments\/intersections$/, (_, query) => intersections(query.get('keys').split(','))],
	['GET', /^\/segments\/templates$/, () => fixture('segments-templates')],
	['GET', /^\/segments\/([\w-]+)\/members$/, ([key], query) => members(key, query)],
	['GET', /^\/segments\/([\w-]+)\/members\.csv$/, () => ({ csv: 'person_id,name,since\r\n7100000000,Hanna Nyberg,2026-11-07\r\n' })],
	['GET', /^\/segments\/([\w-]+)\/traits$/, () => fixture('segments-traits')],
	['GET', /^\/segments\/([\w-]+)\/persona$/, ([key]) => (key === 'employees' ? { size: 14, least: 20, enough: false, figures: [], example: null, traits: [], paths: [] } : fixture('segments-persona'))],
	['GET', /^\/segments\/([\w-]+)\/value$/, () => fixture('segments-value')],
	['GET', /^\/segments\/([\w-]+)\/exports$/, ([key]) => (key === 'later-than-usual' ? fixture('segments-exports') : { schedule: null, runs: [] })],
	['PUT', /^\/segments\/([\w-]+)\/exports$/, (_, __, body) => ({ schedule: { ...body, next_at: '2026-11-22T21:00:00Z' }, runs: [] })],
	['DELETE', /^\/segments\/([\w-]+)\/exports$/, () => null],
	['POST', /^\/segments\/([\w-]+)\/exports\/run$/, () => fixture('segments-exports').runs[0]],
	['GET', /^\/flows$/, (_, query) => flows(query)],
	['GET', /^\/flows\/people$/, () => ({ rows: fixture('customers').slice(10, 110), more: true })],
	['GET', /^\/lists$/, () => fixture('segments-lists')],
	['POST', /^\/lists$/, (_, __, body) => ({ ...fixture('segments-lists').rows[1], name: body.name })],
	['DELETE', /^\/lists\/([\w-]+)$/, () => null],
	['GET', /^\/lists\/([\w-]+)\/members$/, ([key], query) => page(listPeople(key), query)],
	['POST', /^\/lists\/([\w-]+)\/members$/, (_, __, body) => {
		const given = [...(body.customers ?? []), ...(body.identifiers ?? [])];
		const unknown = given.filter((one) => one.startsWith('nobody'));
		return { changed: given.length - unknown.length, unknown };
	}],
	['GET', /^\/webhooks$/, () => fixture('segments-webhooks')],
	['POST', /^\/webhooks$/, (_, __, body) => ({ ...fixture('segments-webhooks').rows[0], ...body, id: 'whk_9', secret: 'whsec_fixture_000000000000000000' })],
	['PUT', /^\/webhooks\/(\w+)$/, ([id], _, body) => ({ ...fixture('segments-webhooks').rows.find((row) => row.id === id), ...body })],
	['DELETE', /^\/webhooks\/(\w+)$/, () => null],
	['POST', /^\/webhooks\/(\w+)\/test$/, ([id]) => (id === 'whk_2' ? { status: 503, error: '503 Service Unavailable', took_ms: 812 } : { status: 200, error: null, took_ms: 84 })],
	['GET', /^\/segments\/([\w-]+)$/, ([key]) => {
		const segment = findSegment(key);
		if (!segment) return problem(404, 'not_found', 'Not Found', 'There is no such segment in this workspace.', 'Check the address; the list has what there is.');
		const page = fixture('segments-page');
		if (key === 'later-than-usual') return { segment, ...page };
		const version = { version: segment.version, name: segment.name, condition: segment.condition, text: segment.text, saved_at: segment.updated_at, saved_by: segment.updated_by };
		return { segment, days: segment.size === null ? [] : page.days, versions: [version], used_by: key === 'employees' ? ['later-than-usual'] : [] };
	}],
	['PUT', /^\/segments\/([\w-]+)$/, ([key], _, body) => saveSegment(key, body)],
	['DELETE', /^\/segments\/([\w-]+)$/, ([key]) => (key === 'employees' ? problem(422, 'invalid_value', 'Unprocessable Entity', 'key: the segment later-than-usual asks for this one; change it first', 'Correct this value and send it again.') : null)],
	['POST', /^\/conditions\/read$/, (_, __, body) => forms(body)],
	['POST', /^\/conditions\/estimate$/, (_, __, body) => estimate(body)],
	['GET', /^\/customers\/\d+\/segments$/, () => fixture('segments-customer')],
	['GET', /^\/customers\/\d+\/segments\/([\w-]+)$/, ([key]) => (key === 'later-than-usual' ? fixture('segments-why') : key === 'employees' ? fixture('segments-why_not') : { text: findSegment(key)?.text ?? '', kind: 'test', holds: true, since: '2026-09-01T10:00:00Z', parts: [], nearest: [] })],
	['GET', /^\/me$/, () => fixture('me')],
	['GET', /^\/data-health$/, () => fixture('data-health')],
	['GET', /^\/home$/, () => fixture('home')],
	['GET', /^\/customers$/, (_, query) => customers(query)],
	['GET', /^\/customers\/(\d+)$/, ([id]) => ({ ...fixture('customer'), person_id: id })],
	['GET', /^\/customers\/(\w+)$/, () => problem(404, 'person_not_found', 'There is no such customer', 'The address names a person that is not, or is no longer, here.', 'Search for the customer by name or e-mail.')],
	['GET', /^\/customers\/(\d+)\/timeline$/, (_, query) => page(fixture('timeline').filter((row) => !query.get('kind') || row.room === query.get('kind')), query, 'before')],
	['GET', /^\/customers\/(\d+)\/traits\/[^/]+\/history$/, () => fixture('trait-history')],
	['GET', /^\/customers\/(\d+)\/identity$/, () => fixture('identity')],
	['POST', /^\/identity\/evidence\/(\w+)\/(undo|redo)$/, ([id, what], _, body) => {
		const identity = fixture('identity');
		const undone = what === 'undo' ? { undone_at: new Date().toISOString(), undone_by: 'Mina Okafor', reason: body.reason } : { undone_at: null, undone_by: null, reason: null };
		return { ...identity, evidence: identity.evidence.map((row) => (row.id === id ? { ...row, ...undone } : row)) };
	}],
	['GET', /^\/customers\/(\d+)\/consents$/, ([id]) => fixture(id === '7100000977' ? 'privacy-consents_silent' : 'privacy-consents')],
	['POST', /^\/customers\/\d+\/consents$/, () => ({ status: 202, body: null })],
	['GET', /^\/customers\/(\d+)\/preference-link$/, ([id]) => ({ url: `https://nordlicht.example/preferences/${id}.4f2a9c` })],
	['POST', /^\/customers\/(\d+)\/access$/, ([id]) => ({ person_id: id, purposes: {}, tables: {}, events: fixture('timeline').slice(0, 3) })],
	['POST', /^\/customers\/\d+\/erasure$/, () => fixture('privacy-requests').rows.find((row) => row.report.suppressed)],
	['PUT', /^\/customers\/\d+\/restriction$/, () => fixture('privacy-requests').rows.find((row) => row.kind === 'restriction')],
	['DELETE', /^\/customers\/\d+\/restriction$/, () => null],
	['GET', /^\/privacy\/(topics|notices|requests)$/, ([name]) => fixture(`privacy-${name}`)],
	['PUT', /^\/privacy\/topics\/([\w-]+)$/, ([key], _, { archived, ...body }) => ({ ...fixture('privacy-topics').rows[0], key, ...body })],
	['POST', /^\/privacy\/notices$/, () => fixture('privacy-notices')],
	['POST', /^\/privacy\/suppressions\/lift$/, (_, __, body) => (body.value.startsWith('nobody') ? problem(404, 'not_found', 'Not Found', 'There is no such suppression in this workspace.', 'Check the address; the list has what there is.') : null)],
	['GET', /^\/search$/, () => fixture('search')],
	['GET', /^\/events$/, () => fixture('events')],
	['GET', /^\/properties$/, () => fixture('properties')],
	['GET', /^\/properties\/values$/, () => ({ rows: [{ value: 'phone', count: 4120 }, { value: 'computer', count: 3980 }, { value: 'tablet', count: 512 }] })],
	['POST', /^\/questions\/ask$/, (_, __, body) => fixture(`answer-${body.kind}${body.breakdown && ['trend', 'funnel'].includes(body.kind) ? '-breakdown' : ''}`)],
	['POST', /^\/questions\/people$/, (_, __, body) => page(fixture('customers').slice(0, 70), new URLSearchParams(body.cursor ? { cursor: body.cursor } : {}))],
	['GET', /^\/questions$/, () => fixture('questions')],
	['POST', /^\/questions$/, (_, __, body) => ({ id: 'qst_2', created_by: 'Mina Okafor', updated_at: new Date().toISOString(), ...body })],
	['GET', /^\/questions\/(\w+)$/, ([id]) => fixture('questions').rows.find((row) => row.id === id)],
	['PUT', /^\/questions\/(\w+)$/, ([id], _, body) => ({ id, created_by: 'Mina Okafor', updated_at: new Date().toISOString(), ...body })],
	['DELETE', /^\/(?:questions|keys|api-keys)\/(\w+)$/, () => null],
	['GET', /^\/sources$/, () => fixture('sources')],
	['POST', /^\/sources$/, () => fixture('sources').rows[0]],
	['GET', /^\/sources\/(\w+)\/live$/, () => fixture('live')],
	['GET', /^\/sources\/(\w+)\/keys$/, () => fixture('keys')],
	['GET', /^\/api-keys$/, () => fixture('api-keys')],
	['POST', /^\/(?:sources\/(\w+)\/keys|api-keys)$/, () => ({ ...fixture('keys').rows[0], id: 'key_9', key: 'wk_fixture_0000000000000000000000' })],
	['GET', /^\/rejects$/, () => fixture('rejects')],
	['GET', /^\/imports$/, () => fixture('imports')],
	['POST', /^\/imports\/upload$/, () => fixture('imports').rows[0]],
	['GET', /^\/imports\/\w+\/rejects\.csv$/, () => ({ csv: 'file,row,code,message,excerpt\r\n"orders.csv","14","bad_date","The date ""31.02.2011"" is not one.","536370,22728,24,31.02.2011"\r\n' })],
	['GET', /^\/imports\/(\w+)$/, ([id]) => findImport(id)],
	['PUT', /^\/imports\/(\w+)\/mapping$/, ([id], _, body) => ({ ...findImport(id), mapping: body })],
	['POST', /^\/imports\/(\w+)\/(start|cancel)$/, ([id]) => findImport(id)],
	['GET', /^\/users$/, () => fixture('users')],
	['POST', /^\/users$/, (_, __, body) => ({ id: 'usr_09', disabled: false, ...body })],
	['PATCH', /^\/users\/(\w+)$/, ([id]) => fixture('users').rows.find((row) => row.id === id)],
	['PATCH', /^\/workspace$/, () => fixture('me').workspace]
];

function answer(method, path, query, body) {
	for (const [verb, pattern, make] of routes) {
		const match = verb === method && pattern.exec(path);
		if (!match) continue;
		const value = make(match.slice(1), query, body);
		if (value === undefined) break;
		if (value?.status && 'body' in value) return value;
		return { status: value === null ? 204 : 200, body: value };
	}
	return problem(404, 'not_found', 'There is nothing here', `${method} ${path}`, '');
}

function file(path) {
	const full = join(dist, normalize(path));
	return full.startsWith(dist) && existsSync(full) && statSync(full).isFile() ? full : join(dist, 'index.html');
}

export function serve(port = 0) {
	const server = createServer(async (request, response) => {
		const url = new URL(request.url, 'http://localhost');
		const chunks = [];
		for await (const chunk of request) chunks.push(chunk);
		if (url.pathname.startsWith('/api/v1/')) {
			const json = request.headers['content-type'] === 'application/json';
			const { status, body } = answer(request.method, url.pathname.slice(7), url.searchParams, json ? JSON.parse(Buffer.concat(chunks).toString() || '{}') : {});
			if (body?.csv) return response.writeHead(200, { 'content-type': 'text/csv' }).end(body.csv);
			response.writeHead(status, { 'content-type': status < 400 ? 'application/json' : 'application/problem+json' });
			return response.end(body === null ? undefined : JSON.stringify(body));
		}
		const path = file(decodeURIComponent(url.pathname));
		response.writeHead(200, { 'content-type': TYPES[extname(path)] ?? 'application/octet-stream' });
		response.end(readFileSync(path));
	});
	return new Promise((done) => server.listen(port, '127.0.0.1', () => done({ url: `http://127.0.0.1:${server.address().port}`, close: () => server.close() })));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
	const { url } = await serve(Number(process.env.PORT ?? 8490));
	console.log(`The console with fixtures is at ${url}`);
}
