// The script that shows a survey on a company's own page (/survey.js), on a page of an invented shop with a strict policy: nothing leaves this machine.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { must } from './steps.mjs';

const script = readFileSync(fileURLToPath(new URL('../../../crates/server/src/public_pages/survey/widget.js', import.meta.url)), 'utf8');
const POLICY = "default-src 'none'; script-src https://crm.example; style-src 'none'; frame-src https://crm.example";
const form = (name) => `<!doctype html><html lang="en"><title>${name}</title><body><form method="post" action="/s/own"><button>${name}</button></form></body>`;

/** A page of the shop; which surveys it framed. */
async function visit(page, attributes, link = 'https://crm.example/s/abc') {
	const framed = [];
	const html = `<!doctype html><html lang="en"><title>Shop</title><body><h1>Shop</h1><a href="#x" id="x">A link</a><script async src="https://crm.example/survey.js" data-survey="${link}" ${attributes}></script></body></html>`;
	await page.unrouteAll();
	await page.route('https://shop.example/**', (route) => route.fulfill({ contentType: 'text/html', headers: { 'content-security-policy': POLICY }, body: html }));
	await page.route('https://crm.example/**', (route) => {
		const request = route.request();
		if (request.url().endsWith('/survey.js')) return route.fulfill({ contentType: 'text/javascript', body: script });
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
	}
};
