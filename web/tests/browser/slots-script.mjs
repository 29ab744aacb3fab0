// The script that fills places of a company's own page (/slots.js), on a page of an invented shop: nothing leaves this machine.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { must } from './steps.mjs';

const script = readFileSync(fileURLToPath(new URL('../../../crates/server/src/visitors/slots.js', import.meta.url)), 'utf8');
const PIXEL = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==', 'base64');
const content = (extra) => ({ language: 'en', title: null, body: '', url: null, image_url: null, label: null, products: [], ...extra });
const SLOTS = {
	hero: { slot: 'hero', variant: 0, reason: 'chosen', content: content({ title: 'Back, <img src=x onerror=alert(1)>', body: '<script>window.hacked = 1</' + 'script>', url: 'https://crm.example/c/abc', label: 'See & buy', image_url: 'https://shop.example/hero.png' }) },
	hostile: { slot: 'hostile', variant: 1, reason: 'not_agreed', content: content({ title: 'Hi', url: 'javascript:window.hacked=2', image_url: 'data:text/html,<b>' }) },
	products: { slot: 'products', variant: 2, reason: 'chosen', content: content({ products: [{ name: 'Mug "A" <b>', price: '20.00', currency: 'EUR', url: 'https://crm.example/c/mug', image_url: '' }] }) },
	nothing: { slot: 'nothing', variant: null, reason: 'no_member', content: null }
};

/** A page of the shop; what it told the server. */
async function visit(page, { attributes = '', before = '' } = {}) {
	const told = [];
	const places = [...Object.keys(SLOTS), 'gone'].map((key) => `<div id="${key}" data-rapport-slot="${key}"><p>What the page has.</p></div>`).join('\n');
	const html = `<!doctype html><title>Shop</title><body>${places}<script>${before}</script><script src="https://crm.example/slots.js" data-write-key="wk" ${attributes}></script></body>`;
	await page.route('https://shop.example/**', (route) => (route.request().url().endsWith('.png') ? route.fulfill({ contentType: 'image/png', body: PIXEL }) : route.fulfill({ contentType: 'text/html', body: html })));
	await page.route('https://crm.example/**', (route) => {
		const request = route.request();
		const path = new URL(request.url()).pathname;
		if (path === '/slots.js') return route.fulfill({ contentType: 'text/javascript', body: script });
		told.push({ path, method: request.method(), body: JSON.parse(request.postData() ?? 'null') });
		const cors = { 'access-control-allow-origin': '*' };
		const shown = SLOTS[path.replace('/v1/slots/', '')];
		if (path === '/v1/track') return route.fulfill({ headers: cors, json: { success: true } });
		return shown ? route.fulfill({ headers: cors, json: shown }) : route.fulfill({ status: 404, headers: cors, json: { code: 'not_found' } });
	});
	await page.goto('https://shop.example/');
	await page.locator('#products .rapport-product').waitFor();
	return told;
}

export const slotScenarios = {
	'the script for slots fills places with texts, and tells what was seen': async (page, context) => {
		context.refusals.push('404');
		const told = await visit(page, { attributes: 'data-user-id="ann" data-user-hash="abc"' });
		const hero = page.locator('#hero');
		must((await hero.locator('.rapport-title').innerText()) === 'Back, <img src=x onerror=alert(1)>', 'a title is not a text');
		must((await hero.locator('.rapport-body').innerText()).includes('window.hacked'), 'a body is not a text');
		must((await hero.locator('a.rapport-link').getAttribute('href')) === 'https://crm.example/c/abc', 'the link that counts is not there');
		must((await hero.locator('a.rapport-link').innerText()) === 'See & buy', 'the label is not there');
		must((await hero.locator('img').count()) === 1, 'a picture is missing, or one too many');
		must((await page.locator('#hostile a, #hostile img').count()) === 0, 'an address that is none of the web was written');
		must((await page.evaluate(() => window.hacked)) === undefined, 'something of it ran');
		must((await page.locator('#products a .rapport-product-price').innerText()) === '20.00 EUR', 'the price is not there');
		for (const key of ['nothing', 'gone']) must((await page.locator(`#${key}`).innerText()) === 'What the page has.', `${key} lost what the page has`);
		const asked = told.find((one) => one.path === '/v1/slots/hero');
		must(asked.method === 'POST' && asked.body.userId === 'ann' && asked.body.userHash === 'abc' && asked.body.writeKey === 'wk', 'it is not said who is there');
		await page.waitForTimeout(1_500);
		const seen = told.filter((one) => one.path === '/v1/track').map((one) => one.body);
		const names = seen.map((event) => event.properties.slot).sort().join();
		must(names === 'hero,hostile,products', `seen once each: ${names}`);
		must(seen.every((event) => event.event === 'Slot Viewed' && event.userId === 'ann' && event.writeKey === 'wk'), 'a view is told as something else');
		// A page that changes without loading.
		await page.evaluate(() => {
			document.body.insertAdjacentHTML('beforeend', '<div id="late" data-rapport-slot="hostile"></div>');
			window.rapportSlots.fill();
		});
		await page.locator('#late .rapport-title').waitFor();
		must(told.filter((one) => one.path === '/v1/slots/hero').length === 1, 'what is filled is asked for again');
	},
	'the script for slots names nobody to whom the browser gives a privacy signal': async (page, context) => {
		context.refusals.push('404');
		const told = await visit(page, { attributes: 'data-user-id="ann" data-user-hash="abc"', before: "Object.defineProperty(navigator, 'globalPrivacyControl', { value: true }); localStorage.setItem('ajs_anonymous_id', '\"anon-1\"');" });
		await page.waitForTimeout(1_500);
		must(told.every((one) => Object.keys(one.body).join() === 'writeKey'), 'somebody was named');
		must(!told.some((one) => one.path === '/v1/track'), 'a view was told');
	},
	'the script for slots knows a browser by the id of its events': async (page, context) => {
		context.refusals.push('404');
		const told = await visit(page, { before: "localStorage.setItem('ajs_anonymous_id', '\"anon-1\"');" });
		must(told.find((one) => one.path === '/v1/slots/hero').body.anonymousId === 'anon-1', 'the browser is not known');
	}
};
