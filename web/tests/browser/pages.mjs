import { advocacyPages } from './advocacy-pages.mjs';
import { complaintPages } from './complaint-pages.mjs';
import { followUpPages } from './follow-up-pages.mjs';
import { groupPages } from './group-pages.mjs';
import { propensityPages } from './propensity-pages.mjs';
import { loyaltyIndexPages } from './loyalty-index-pages.mjs';
import { ideaPages } from './idea-pages.mjs';
import { intentPages } from './intent-pages.mjs';
import { loyaltyPages } from './loyalty-pages.mjs';
import { notePages } from './note-pages.mjs';
import { journeyPages } from './journey-pages.mjs';
import { policyPages } from './policy-pages.mjs';
import { slotPages } from './slot-pages.mjs';
import { surveyPages } from './survey-pages.mjs';
import { textPages } from './text-pages.mjs';

// The pages to walk. Ids are found through the API, so that the same list works on the fixtures and on a real server.

const ask = async (page, base, path) => {
	const response = await page.request.get(`${base}/api/v1${path}`);
	return response.ok() ? response.json() : { rows: [] };
};
const question = (value) => `/insights/new?question=${encodeURIComponent(JSON.stringify(value))}`;
const order = { event: 'Order Completed', where: null };
const common = { period: { all: true }, who: null, compare: false };

export async function pages(page, base) {
	const person = (await ask(page, base, '/customers?limit=1&sort=spent')).rows[0]?.person_id;
	const source = (await ask(page, base, '/sources')).rows[0]?.id;
	const imports = (await ask(page, base, '/imports')).rows;
	const saved = (await ask(page, base, '/questions')).rows[0]?.id;
	const segments = (await ask(page, base, '/segments')).rows;
	// The one with most to show: a past, and other segments in it.
	const segment = [...segments].sort((a, b) => b.version - a.version)[0]?.key;
	const message = (await ask(page, base, '/message-templates')).rows;
	const email = message.find((row) => row.form === 'email')?.key;
	const text = message.find((row) => row.form === 'text')?.key;
	const tried = (await ask(page, base, '/experiments')).rows;
	const lapsed = (await ask(page, base, '/models/churn/people?lapse=lapsed&limit=1')).rows.length;
	const running = tried.find((row) => row.kind === 'experiment' && row.state === 'running')?.key;
	const list = [
		{ name: 'home', path: '/', text: 'What changed' },
		{ name: 'home-year', path: '/?period=365d', text: 'Who comes back' },
		{ name: 'customers', path: '/customers' },
		{ name: 'customers-none', path: '/customers?search=nobody-has-this-name', text: 'Nobody fits' },
		{ name: 'customers-columns', path: '/customers?sort=spent', act: (p) => p.getByRole('button', { name: 'Columns' }).click() },
		{ name: 'customer-unknown', path: '/customers/nobody', expects: '404' },
		{ name: 'segments', path: '/segments', text: segments[0]?.name ?? 'Begin with a template' },
		{ name: 'segments-none', path: '/segments?search=nothing-is-called-this', text: segments.length ? 'No segment fits' : 'New segment' },
		{ name: 'segment-new', path: '/segments/new', text: 'Begin with a template' },
		{ name: 'segment-template', path: '/segments/new?template=discount_only', text: 'Right now' },
		{ name: 'segment-parameters', path: `/segments/new?condition=${encodeURIComponent(JSON.stringify({ all: [{ performed: { event: 'Order Completed', times: { at_least: { parameter: 'least' } }, within: { last: { parameter: 'window' } }, where: { property: { path: 'occurred.weekday', op: 'in', values: ['saturday', 'sunday'] } } } }, { fact: { key: 'account.industry', op: 'equals', value: { parameter: 'industry' } } }], with: { least: 3, window: '90d', industry: 'design' } }))}`, text: 'Right now' },
		{ name: 'segment-every-event', path: `/segments/new?condition=${encodeURIComponent(JSON.stringify({ all: [{ measured: { measure: 'days', event: '*', within: { last: '7d' }, op: 'at_least', value: 3 } }, { not: { fact: { key: 'list.vip', op: 'is_true' } } }] }))}`, text: 'Right now' },
		{ name: 'flows', path: '/segments/flows', text: 'Who moved' },
		{ name: 'flows-people', path: '/segments/flows?fact=rfm.group&period=90d', act: async (p) => { await p.locator('td.n button.link').first().click(); await p.locator('dialog a.row').first().waitFor(); } },
		{ name: 'lists', path: '/segments/lists' },
		{ name: 'webhooks', path: '/settings/webhooks', text: 'signed POST' },
		{ name: 'webhook-new', path: '/settings/webhooks', act: async (p) => { await p.getByRole('button', { name: 'Add webhook' }).click(); await p.locator('dialog').waitFor(); } },
		{ name: 'experiments', path: '/engage/experiments', text: tried[0]?.name ?? 'Here you will see' },
		{ name: 'experiment-groups', path: '/engage/experiments/groups', text: tried.length ? 'never meet' : 'Here you will see' },
		{ name: 'experiment-groups-new', path: '/engage/experiments/groups?new=1', act: (p) => p.locator('dialog').waitFor() },
		{ name: 'experiment-new', path: '/engage/experiments/new', text: 'How many people it takes' },
		{ name: 'experiment-unknown', path: '/engage/experiments/nothing-of-this-name', expects: '404' },
		{ name: 'consent', path: '/privacy', text: 'What was said last' },
		{ name: 'consent-filtered', path: '/privacy?state=denied&days=90&channel=sms' },
		{ name: 'audit', path: '/privacy/audit', text: 'Entries are kept for two years' },
		{ name: 'audit-none', path: '/privacy/audit?object=nothing-is-called-this', text: 'Nothing fits' },
		{ name: 'privacy', path: '/privacy/requests', text: 'Take in again' },
		{ name: 'privacy-topic-new', path: '/privacy/requests', act: async (p) => { await p.getByRole('button', { name: 'Add topic' }).click(); await p.locator('dialog').waitFor(); } },
		{ name: 'privacy-notice-new', path: '/privacy/requests', act: async (p) => { await p.getByRole('button', { name: 'Add text' }).click(); await p.locator('dialog').waitFor(); } },
		{ name: 'segment-unknown', path: '/segments/there-is-none', expects: '404' },
		{ name: 'templates', path: '/engage/templates', text: 'Templates' },
		{ name: 'templates-none', path: '/engage/templates?search=nothing-is-called-this', text: message.length ? 'No template fits' : 'Here you will see what you say' },
		{ name: 'templates-new', path: '/engage/templates/new', text: 'Abandoned cart' },
		{ name: 'templates-letterhead', path: '/engage/templates?letterhead=open', text: 'Postal address' },
		{ name: 'template-unknown', path: '/engage/templates/there-is-none', expects: '404' },
		{ name: 'insights', path: '/insights', text: 'Saved questions' },
		{ name: 'value', path: '/insights/value', text: 'How sure is this' },
		{ name: 'value-people', path: '/insights/value?tenth=10', act: async (p) => { await p.locator('dialog a.row').first().waitFor(); } },
		{ name: 'value-segments', path: '/insights/value?by=segment', text: 'By where they come from' },
		{ name: 'churn', path: '/insights/churn', text: 'How sure is this' },
		{ name: 'churn-people', path: '/insights/churn?part=high', act: async (p) => { await p.locator('dialog a.row').first().waitFor(); } },
		...(lapsed ? [{ name: 'churn-lapsed', path: '/insights/churn?lapse=lapsed', act: async (p) => { await p.locator('dialog a.row').first().waitFor(); } }] : []),
		{ name: 'churn-versions', path: '/insights/models?model=churn', text: 'once its horizon has passed' },
		{ name: 'churn-settings', path: '/insights/models?model=churn', act: async (p) => { await p.getByRole('button', { name: 'Settings' }).click(); await p.locator('#churn-settings').waitFor(); } },
		{ name: 'models', path: '/insights/models', text: 'Fitted next' },
		{ name: 'offers', path: '/insights/recommendations', text: 'How sure is this' },
		{ name: 'offers-try', path: `/insights/recommendations?person=${person}`, text: 'Next best product' },
		{ name: 'offers-settings', path: '/insights/recommendations', act: async (p) => { await p.getByRole('button', { name: 'Settings' }).click(); await p.locator('dialog form').waitFor(); } },
		{ name: 'offers-card', path: '/insights/recommendations?version=1', act: async (p) => { await p.locator('dialog table').first().waitFor(); } },
		{ name: 'baskets', path: '/insights/baskets?period=%7B%22all%22%3Atrue%7D', act: async (p) => { await p.locator('.chart svg path').first().waitFor(); } },
		{ name: 'baskets-categories', path: '/insights/baskets?of=category&longest=2&support=0.0005', text: 'How sure is this' },
		{ name: 'baskets-people', path: '/insights/baskets?period=%7B%22all%22%3Atrue%7D', act: async (p) => { await p.getByRole('button', { name: 'could be offered it' }).first().click(); await p.locator('dialog a.row').first().waitFor(); } },
		{ name: 'baskets-none', path: '/insights/baskets?period=%7B%22from%22%3A%222001-01-01%22%2C%22to%22%3A%222001-01-02%22%7D', text: 'Nothing is bought together often enough' },
		{ name: 'model-card', path: '/insights/models?version=1', act: async (p) => { await p.locator('dialog svg circle').first().waitFor(); } },
		{ name: 'model-settings', path: '/insights/models', act: async (p) => { await p.getByRole('button', { name: 'Settings' }).click(); await p.locator('dialog form').waitFor(); } },
		{ name: 'trend', path: question({ kind: 'trend', ...common, period: { last: '90d' }, compare: true, series: [{ ...order, measure: 'count' }], interval: 'week' }), text: 'By series' },
		{ name: 'trend-split', path: question({ kind: 'trend', ...common, series: [{ ...order, measure: 'sum', property: 'revenue' }], interval: 'week', breakdown: { property: 'device' } }) },
		{ name: 'trend-bars', path: `${question({ kind: 'trend', ...common, series: [{ ...order, measure: 'sum', property: 'revenue' }], interval: 'week', breakdown: { property: 'device' } })}&shape=bar` },
		{ name: 'trend-table', path: `${question({ kind: 'trend', ...common, series: [{ ...order, measure: 'count' }], interval: 'week' })}&view=table` },
		{ name: 'funnel', path: question({ kind: 'funnel', ...common, steps: ['Product Viewed', 'Product Added', 'Checkout Started', 'Order Completed'].map((event) => ({ event, where: null })), window: '14d', order: 'ordered' }), text: 'By step' },
		{ name: 'funnel-split', path: question({ kind: 'funnel', ...common, steps: [{ event: 'Product Viewed', where: null }, { event: 'Product Added', where: { all: [{ property: { path: 'price', op: 'at_least', value: 20 } }] } }, order], window: '14d', order: 'ordered', breakdown: { property: 'device' }, who: { all: [{ fact: { key: 'trait.country', op: 'in', values: ['DE', 'AT'] } }, { not: { performed: { event: 'Order Refunded', where: null, times: { at_least: 1 }, within: { last: '365d' } } } }, { any: [{ overdue: { event: 'Order Completed', factor: 1.5 } }, { fact: { key: 'list.vip', op: 'is_true' } }] }] } }) },
		{ name: 'retention', path: question({ kind: 'retention', ...common, start: order, back: order, interval: 'month', first_time: true, on_or_after: false, intervals: 12 }) },
		{ name: 'rfm', path: question({ kind: 'rfm', ...common, event: 'Order Completed' }) },
		{ name: 'people', path: question({ kind: 'rfm', ...common, event: 'Order Completed' }), act: async (p) => { await p.locator('table.groups button').first().click(); await p.locator('dialog a.row').first().waitFor(); } },
		{ name: 'data', path: '/data', text: 'Sources' },
		{ name: 'imports', path: '/data/imports', text: 'Choose files' },
		{ name: 'properties', path: '/data/properties' },
		{ name: 'settings', path: '/settings', text: 'Time zone' },
		{ name: 'users', path: '/settings/users', text: 'Roles' },
		{ name: 'api-keys', path: '/settings/api-keys' },
		{ name: 'palette', path: '/insights', act: async (p) => { await p.keyboard.press('Control+k'); await p.getByRole('option').first().waitFor(); } },
		{ name: 'no-page', path: '/nowhere/at/all', text: 'No such page', expects: 'ot found' }
	];
	list.push(...(await journeyPages((path) => ask(page, base, path), person)));
	list.push(...(await surveyPages((path) => ask(page, base, path))));
	list.push(...(await policyPages((path) => ask(page, base, path))));
	list.push(...(await slotPages((path) => ask(page, base, path), person)));
	list.push(...(await textPages((path) => ask(page, base, path))));
	list.push(...(await followUpPages((path) => ask(page, base, path))));
	list.push(...(await advocacyPages((path) => ask(page, base, path))));
	list.push(...(await complaintPages((path) => ask(page, base, path))));
	list.push(...(await groupPages((path) => ask(page, base, path))));
	list.push(...(await propensityPages((path) => ask(page, base, path))));
	list.push(...(await loyaltyIndexPages((path) => ask(page, base, path))));
	list.push(...(await ideaPages((path) => ask(page, base, path))));
	list.push(...(await intentPages((path) => ask(page, base, path))));
	list.push(...(await loyaltyPages((path) => ask(page, base, path))));
	list.push(...(await notePages((path) => ask(page, base, path))));
	if (person) {
		list.push({ name: 'customer', path: `/customers/${person}`, text: 'Everything that happened' });
		list.push({ name: 'customer-consent', path: `/customers/${person}?consent=1`, act: (p) => p.locator('dialog').waitFor() });
		list.push({ name: 'customer-consent-note', path: `/customers/${person}`, act: async (p) => { await p.getByRole('button', { name: 'Note what they said' }).click(); await p.locator('dialog').waitFor(); } });
		list.push({ name: 'customer-rights', path: `/customers/${person}`, act: (p) => p.getByRole('button', { name: 'Their rights over their data' }).click() });
		list.push({ name: 'customer-erase', path: `/customers/${person}`, act: async (p) => { await p.getByRole('button', { name: 'Their rights over their data' }).click(); await p.getByRole('button', { name: 'Erase' }).click(); await p.locator('dialog').waitFor(); } });
		list.push({ name: 'customer-why', path: `/customers/${person}?why=1`, act: (p) => p.locator('dialog').waitFor() });
	}
	if (email) {
		list.push({ name: 'template', path: `/engage/templates/${email}`, act: (p) => p.locator('[data-block]').first().waitFor() });
		list.push({ name: 'template-phone-dark', path: `/engage/templates/${email}?view=phone&dark=true&language=zh&side=preview`, act: (p) => p.locator('iframe').first().waitFor() });
		list.push({ name: 'template-text', path: `/engage/templates/${email}?body=text&view=plain`, act: (p) => p.locator('textarea.mono').waitFor() });
		list.push({ name: 'template-test', path: `/engage/templates/${email}`, act: async (p) => { await p.getByRole('button', { name: 'More actions' }).click(); await p.getByRole('button', { name: 'Send a test' }).click(); await p.locator('dialog').waitFor(); } });
		list.push({ name: 'template-block', path: `/engage/templates/${email}`, act: (p) => p.locator('[data-block]').nth(1).click() });
		list.push({ name: 'template-tokens', path: `/engage/templates/${email}`, act: async (p) => { await p.getByRole('button', { name: 'Insert value' }).click(); await p.locator('dialog').waitFor(); } });
		list.push({ name: 'template-versions', path: `/engage/templates/${email}`, act: async (p) => { await p.getByRole('button', { name: 'More actions' }).click(); await p.getByRole('button', { name: 'Versions' }).click(); await p.locator('dialog').waitFor(); } });
		if (person) list.push({ name: 'template-person', path: `/engage/templates/${email}?person=${person}&side=preview`, act: (p) => p.locator('.look .sec').waitFor() });
	}
	if (running) {
		list.push({ name: 'experiment', path: `/engage/experiments/${running}`, text: 'What we can and cannot say' });
		list.push({ name: 'experiment-by', path: `/engage/experiments/${running}?by=country`, text: 'Within parts of the people' });
		list.push({ name: 'experiment-people', path: `/engage/experiments/${running}`, act: async (p) => { await p.locator('td.n button.link').first().click(); await p.locator('dialog a.row').first().waitFor(); } });
		list.push({ name: 'experiment-edit', path: `/engage/experiments/${running}/edit`, text: 'It has begun' });
		list.push({ name: 'experiment-decide', path: `/engage/experiments/${running}`, act: async (p) => { await p.getByRole('button', { name: 'Decide' }).click(); await p.locator('dialog').waitFor(); } });
	}
	for (const [name, kind] of [['experiment-broken', (row) => row.key === 'fast-lane'], ['experiment-draft', (row) => row.state === 'draft'], ['flag', (row) => row.kind === 'flag'], ['experiment-decided', (row) => row.state === 'decided']]) {
		const key = tried.find(kind)?.key;
		if (key) list.push({ name, path: `/engage/experiments/${key}`, text: 'Design' });
	}
	if (text) list.push({ name: 'template-sms', path: `/engage/templates/${text}`, text: 'units' });
	const asked = [...new Set((await ask(page, base, '/privacy/requests')).rows.map((row) => row.person_id).filter(Boolean))];
	const isRestricted = await Promise.all(asked.map(async (id) => Boolean((await ask(page, base, `/customers/${id}/consents`)).restricted_since)));
	const restricted = asked.find((_, at) => isRestricted[at]);
	if (restricted) list.push({ name: 'customer-restricted', path: `/customers/${restricted}`, text: 'Restricted since' });
	const notice = (await ask(page, base, '/privacy/notices')).rows[0]?.key;
	if (notice) list.push({ name: 'privacy-notice', path: `/privacy/requests?notice=${notice}`, act: (p) => p.locator('dialog').waitFor() });
	const listKey = (await ask(page, base, '/lists')).rows[0]?.key;
	if (listKey) list.push({ name: 'list', path: `/segments/lists?list=${listKey}`, text: 'Who is in' });
	if (segment) {
		list.push({ name: 'segment-left', path: `/segments/${segment}?list=left&traits=table&worth=table&chance=1`, text: 'Who is in it' });
		list.push({ name: 'segment-persona', path: `/segments/${segment}/persona` });
		list.push({ name: 'segment', path: `/segments/${segment}`, text: 'Who is in it' });
		list.push({ name: 'segment-table', path: `/segments/${segment}?view=table&version=${segments.find((row) => row.key === segment).version}`, text: 'Used by' });
		list.push({ name: 'segment-edit', path: `/segments/${segment}/edit`, text: 'Who came in last' });
		list.push({ name: 'segment-text', path: `/segments/${segment}/edit`, act: async (p) => { await p.getByText('As text').click(); await p.locator('textarea').waitFor(); } });
		const shown = segments.filter((row) => row.size !== null).slice(0, 4);
		if (shown.length > 1) list.push({ name: 'segments-compare', path: `/segments?compare=${shown.map((row) => row.key).join(',')}`, text: 'What they have in common' });
		// Somebody who is not in it: what is missing.
		const other = segments.find((row) => row.key === 'employees')?.key;
		if (person && other) list.push({ name: 'customer-segment-not', path: `/customers/${person}?segment=${other}`, text: 'Would be in it as' });
		if (other) list.push({ name: 'segment-persona-few', path: `/segments/${other}/persona` });
		if (person) list.push({ name: 'customer-segment', path: `/customers/${person}?segment=${segment}`, text: 'Everything that happened' });
	}
	if (source) for (const view of ['live', 'rejects', 'keys']) list.push({ name: `source-${view}`, path: `/data/sources/${source}?view=${view}` });
	for (const state of ['profiled', 'running', 'done', 'failed']) {
		const id = imports.find((row) => row.state === state)?.id;
		if (id) list.push({ name: `import-${state}`, path: `/data/imports/${id}` });
	}
	if (saved) list.push({ name: 'saved-question', path: `/insights/${saved}` });
	return list;
}
