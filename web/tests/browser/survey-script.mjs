// The script that shows a survey on a company's own page (/survey.js), on a page of an invented shop with a strict policy: nothing leaves this machine.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { must } from './steps.mjs';

const script = readFileSync(fileURLToPath(new URL('../../../crates/server/src/public_pages/survey/widget.js', import.meta.url)), 'utf8');
const STRICT = "default-src 'none'; script-src https://crm.example; style-src 'none'; frame-src https://crm.example";
/** Where a page says who is there, the script asks the server about them. */
const NAMING = `${STRICT}; connect-src https://crm.example`;
const form = (name) => `<!doctype html><html lang="en"><title>${name}</title><body><form method="post" action="/s/own"><button>${name}</button></form></body>`;

/** A page of the shop; which surveys it framed. `panel` is what the server answers about whoever is named; `asked` is what it was told of them. */
async function visit(page, attributes, link = 'https://crm.example/s/abc', { panel = null, policy = STRICT, asked = [] } = {}) {
	const framed = [];
	const html = `<!doctype html><html lang="en"><title>Shop</title><body><h1>Shop</h1><a href="#x" id="x">A link</a><script async src="https://crm.example/survey.js" data-survey="${link}" ${attributes}></script></body></html>`;
	await page.unrouteAll();
	await page.route('https://shop.example/**', (route) => route.fulfill({ contentType: 'text/html', headers: { 'content-security-policy': policy }, body: html }));
	await page.route('https://crm.example/**', (route) => {
		const request = route.request();
		if (request.url().endsWith('/survey.js')) return route.fulfill({ contentType: 'text/javascript', body: script });
		if (request.url().endsWith('/v1/survey-panel')) {
			asked.push({ ...JSON.parse(request.postData()), referrer: request.headers().referer });
			const { status, body } = typeof panel === 'function' ? panel(asked.at(-1)) : { status: 200, body: { url: panel } };
			return route.fulfill({ status, contentType: 'application/json', headers: { 'access-control-allow-origin': '*' }, body: JSON.stringify(body) });
		}
		framed.push(`${request.method()} ${request.url()}`);
		return route.fulfill({ contentType: 'text/html', body: form(request.method() === 'POST' ? 'Thank you' : 'Send') });
	});
	await page.goto('https://shop.example/');
	await page.waitForFunction(() => window.rapportSurvey !== undefined || document.readyState === 'complete');
	return framed;
}

export const surveyScenarios = {
	'the script for surveys opens one beside the page, by keyboard too, and remembers': async (page) => {
		await visit(page, 'data-label="Feedback"');
		const tab = page.getByRole('button', { name: 'Feedback' });
		await tab.waitFor();
		must((await page.getByRole('dialog').count()) === 0, 'it opened by itself');
		await tab.focus();
		await page.keyboard.press('Enter');
		const dialog = page.getByRole('dialog', { name: 'Survey' });
		await dialog.waitFor();
		must((await page.evaluate(() => document.querySelector('[data-rapport-survey]').shadowRoot.activeElement?.getAttribute('aria-label'))) === 'Close', 'the focus does not go into it');
		const box = await dialog.boundingBox();
		must(box.width >= 300 && box.height >= 400, `it has no style: ${JSON.stringify(box)}`);
		await page.frameLocator('iframe[title="Survey"]').getByRole('button', { name: 'Send' }).waitFor();
		await page.keyboard.press('Escape');
		await dialog.waitFor({ state: 'detached' });
		must(await page.evaluate(() => document.querySelector('[data-rapport-survey]').shadowRoot.activeElement?.textContent === 'Feedback'), 'the focus does not come back');
		must(await page.evaluate(() => Number(localStorage.getItem('rapport-survey:/s/abc')) > 0), 'it is not remembered');
		// Whoever asks for it gets it again.
		await tab.click();
		await dialog.waitFor();
		await page.getByRole('button', { name: 'Close' }).click();
		await dialog.waitFor({ state: 'detached' });
	},
	'the script for surveys opens by itself once, and not again after an answer': async (page) => {
		await visit(page, 'data-after="0"');
		await page.evaluate(() => localStorage.clear());
		const framed = await visit(page, 'data-after="0"');
		const dialog = page.getByRole('dialog', { name: 'Survey' });
		await dialog.waitFor();
		must((await page.evaluate(() => document.activeElement === document.body)) === true, 'it takes the focus from who did not ask');
		await page.frameLocator('iframe[title="Survey"]').getByRole('button', { name: 'Send' }).click();
		await page.frameLocator('iframe[title="Survey"]').getByRole('button', { name: 'Thank you' }).waitFor();
		must(framed.join() === 'GET https://crm.example/s/abc,POST https://crm.example/s/own', framed.join());
		await page.waitForFunction(() => Number(localStorage.getItem('rapport-survey:/s/abc')) > 0);
		await visit(page, 'data-after="0"');
		await page.waitForTimeout(300);
		must((await dialog.count()) === 0, 'who answered is asked again');
	},
	'the script for surveys frames nothing of others': async (page) => {
		for (const link of ['https://evil.example/s/abc', 'https://crm.example/settings', 'javascript:alert(1)']) {
			const framed = await visit(page, 'data-after="0"', link);
			await page.waitForTimeout(200);
			must(framed.length === 0 && (await page.locator('iframe').count()) === 0, `${link} was framed`);
		}
	},
	'the script for surveys says who is there, and shows what is for them': async (page) => {
		const named = 'data-user-id="u1" data-user-hash="abcd"';
		const asked = [];
		const dialog = page.getByRole('dialog', { name: 'Survey' });
		await visit(page, '');
		await page.evaluate(() => localStorage.clear());
		const framed = await visit(page, `data-after="0" ${named}`, 'https://crm.example/s/abc?campaign=x', { panel: '/s/own', policy: NAMING, asked });
		await dialog.waitFor();
		await page.frameLocator('iframe[title="Survey"]').getByRole('button', { name: 'Send' }).waitFor();
		must(JSON.stringify(asked) === JSON.stringify([{ userId: 'u1', userHash: 'abcd', survey: 'abc', wished: false }]), JSON.stringify(asked));
		must(framed.join() === 'GET https://crm.example/s/own?campaign=x', `nothing of the person may stand in an address: ${framed.join()}`);
	},
	'the script for surveys asks nobody whom the server spares, and asks again a day later': async (page) => {
		const asked = [];
		const given = { panel: null, policy: NAMING, asked };
		await visit(page, '');
		await page.evaluate(() => (localStorage.clear(), localStorage.setItem('ajs_anonymous_id', '"a-1"')));
		for (const at of [1, 2]) {
			await visit(page, 'data-after="0" data-label="Feedback" data-anonymous-id', undefined, given);
			await page.waitForFunction(() => Number(localStorage.getItem('rapport-survey:/s/abc:spared')) > 0);
			must((await page.getByRole('dialog').count()) === 0 && asked.length === 1, `visit ${at}: ${JSON.stringify(asked)}`);
		}
		must(JSON.stringify(asked) === JSON.stringify([{ anonymousId: 'a-1', survey: 'abc', wished: false }]), JSON.stringify(asked));
		await page.evaluate(() => localStorage.setItem('rapport-survey:/s/abc:spared', String(Date.now() - 86400001)));
		const framed = await visit(page, 'data-after="0" data-label="Feedback" data-anonymous-id', undefined, { ...given, panel: (said) => ({ status: 200, body: { url: said.wished ? '/s/own' : null } }) });
		await page.waitForFunction(() => Number(localStorage.getItem('rapport-survey:/s/abc:spared')) > Date.now() - 60000);
		must(asked.length === 2, 'a day later it is asked again');
		// Whoever wants to say something opens it.
		await page.getByRole('button', { name: 'Feedback' }).click();
		await page.frameLocator('iframe[title="Survey"]').getByRole('button', { name: 'Send' }).waitFor();
		must(asked[2].wished === true && framed.join() === 'GET https://crm.example/s/own', framed.join());
	},
	'the script for surveys keeps to nobody where a proof is refused or the browser asks for privacy': async (first) => {
		// A page of its own: what is refused may stand in its console.
		const page = await first.context().newPage();
		const asked = [];
		const refused = { panel: () => ({ status: 403, body: { code: 'proof_missing', detail: 'It is not proven.' } }), policy: NAMING, asked };
		await visit(page, '');
		await page.evaluate(() => localStorage.clear());
		let said = '';
		page.on('console', (message) => (said += message.text()));
		const framed = await visit(page, 'data-after="0" data-label="Feedback" data-user-id="u1" data-user-hash="wrong"', undefined, refused);
		await page.waitForTimeout(200);
		must(asked.length === 1 && framed.length === 0 && (await page.getByRole('dialog').count()) === 0, 'it opens by itself without a proof');
		must(said.includes('It is not proven.') && !said.includes('u1'), said);
		await page.getByRole('button', { name: 'Feedback' }).click();
		await page.frameLocator('iframe[title="Survey"]').getByRole('button', { name: 'Send' }).waitFor();
		must(framed.join() === 'GET https://crm.example/s/abc', framed.join());
		// An address of somebody else is not framed.
		await page.evaluate(() => localStorage.clear());
		const other = await visit(page, 'data-after="0" data-user-id="u1" data-user-hash="abcd"', undefined, { panel: 'https://evil.example/s/x', policy: NAMING });
		await page.waitForTimeout(200);
		must(other.length === 0 && (await page.locator('iframe').count()) === 0, 'another site was framed');
		await page.addInitScript(() => Object.defineProperty(navigator, 'globalPrivacyControl', { value: true }));
		await page.evaluate(() => localStorage.clear());
		const signalled = [];
		const plain = await visit(page, 'data-after="0" data-user-id="u1" data-user-hash="abcd"', undefined, { panel: '/s/own', policy: NAMING, asked: signalled });
		await page.getByRole('dialog').waitFor();
		must(signalled.length === 0, 'somebody is named in spite of the signal');
		must(plain.join() === 'GET https://crm.example/s/abc', plain.join());
		await page.close();
	}
};
