// Writes offers and tries them, as people do.
import { must, open, sent } from './steps.mjs';

export const loyaltyOfferScenarios = {
	'loyalty: an offer is tried on a cart before it is saved, and each offer says what came of it': async (page, context) => {
		if (!context.mock) return;
		await open(page, context, '/loyalty/offers/camping');
		const lines = page.getByRole('table', { name: 'The cart, line by line' });
		await lines.waitFor();
		const came = page.getByRole('table', { name: 'Offer by offer' });
		await came.getByRole('row', { name: /^10 % off camping It finds nothing that it is for/ }).waitFor();
		await came.getByRole('row', { name: /^Summer code It takes a code/ }).waitFor();
		await page.getByLabel('Line 1: category').fill('Camping');
		await came.getByRole('row', { name: /^10 % off camping .*€10\.00$/ }).waitFor();
		const { body: asked } = await sent(page, 'POST', '/loyalty/offers/price', () => page.getByLabel('Percent', { exact: true }).fill('20'));
		const tried = asked.offers.find((it) => it.key === 'camping');
		must(tried.gives.percent === '20' && asked.offers.length === 4 && asked.cart.products[0].category === 'Camping', `tried ${JSON.stringify(asked)}`);
		await lines.getByRole('row', { name: /^tent 10 % off camping €100\.00 €80\.00$/ }).waitFor();
		const { url, body } = await sent(page, 'PUT', '/loyalty/offers/', () => page.getByRole('button', { name: 'Save', exact: true }).click());
		must(url.endsWith('/offers/camping') && body.version === 2 && body.state === 'live' && body.offer.gives.percent === '20' && !('key' in body.offer), `saved ${JSON.stringify(body)}`);
	},
	'loyalty: the ways of choosing between offers stand side by side, each with its reason': async (page, context) => {
		if (!context.mock) return;
		await open(page, context, '/loyalty/offers');
		await page.getByLabel('Line 1: category').fill('Camping');
		await page.getByLabel('Code', { exact: true }).fill('SUMMER');
		const asked = [];
		page.on('request', (it) => it.url().endsWith('/loyalty/offers/price') && asked.push(it.postDataJSON()));
		await page.getByLabel('Compare the ways of choosing between offers').check();
		await page.waitForURL(/ways=1/);
		const table = page.getByRole('table', { name: 'Ways of choosing, side by side' });
		await table.getByText('counts instead', { exact: false }).waitFor();
		await page.getByText('By what is best for the customer they pay', { exact: false }).waitFor();
		await page.getByText('Enter what the goods cost', { exact: false }).waitFor();
		must(['in_order', 'best_for_customer', 'best_margin'].every((choice) => asked.some((it) => it.choice === choice)), `asked ${JSON.stringify(asked.map((it) => it.choice))}`);
		for (const line of [1, 2]) await page.getByLabel(`Line ${line}: what one costs the shop`).fill('6');
		await page.getByText('By the best margin you keep', { exact: false }).waitFor();
	},
	'loyalty: a code unlocks its offer on the cart, and a wrong one is said to be wrong': async (page, context) => {
		if (!context.mock) return;
		await open(page, context, '/loyalty/offers');
		await page.getByLabel('Code', { exact: true }).fill('SUMMER');
		await page.getByText('SUMMER: good for Summer code.').waitFor();
		await page.getByLabel('Code', { exact: true }).fill('WINTER');
		await page.getByText('WINTER: There is no such code.').waitFor();
	},
	'loyalty: codes of an offer are made and shown once; what was known already is said': async (page, context) => {
		if (!context.mock) return;
		await open(page, context, '/loyalty/offers/summer');
		await page.getByText('545 to be used').waitFor();
		const { body } = await sent(page, 'POST', '/loyalty/offers/summer/codes', () => page.getByRole('button', { name: 'Make codes' }).click());
		must(body.count === 100 && body.uses === 1, `asked ${JSON.stringify(body)}`);
		await page.getByText('100 codes were added. They are shown this once', { exact: false }).waitFor();
		await page.getByText('Your own', { exact: true }).click();
		await page.getByLabel('Codes, one a line').fill('SUMMER\nJUNE');
		await page.getByRole('button', { name: 'Add codes' }).click();
		await page.getByText('is known already').waitFor();
	},
	'loyalty: an offer that holds some out says what it brought in and what it cost, with the margin what it earns': async (page, context) => {
		if (!context.mock) return;
		await open(page, context, '/loyalty/offers/champions');
		await page.getByRole('heading', { name: 'How Five euro for champions was judged' }).waitFor();
		await page.getByText('Five euro for champions brought in revenue that would not be there without it', { exact: false }).waitFor();
		await page.getByText('Members who are counted used it 412 times, which cost', { exact: false }).waitFor();
		const asked = page.waitForRequest((it) => it.url().includes('/offers/champions/effect?margin_percent=35'));
		await page.getByLabel('Margin, % of revenue').fill('35');
		await page.getByLabel('Margin, % of revenue').blur();
		await asked;
		await page.getByText('Five euro for champions earns more than it costs', { exact: false }).waitFor();
	},
	'loyalty: a new offer that holds only at times proposes a holdout, one with a code does not': async (page, context) => {
		if (!context.mock) return;
		await open(page, context, '/loyalty/offers/new');
		const holdout = page.getByRole('spinbutton', { name: 'Holdout' });
		must((await holdout.inputValue()) === '0', 'an offer to everybody holds somebody out');
		await page.getByLabel('Last day').fill('2026-12-24');
		await page.getByText('Proposed because it holds only at times', { exact: false }).waitFor();
		must((await holdout.inputValue()) === '10', 'a campaign proposes nothing');
		await page.getByLabel('It takes a code', { exact: false }).check();
		must((await holdout.inputValue()) === '0', 'a code is a promise');
	},
	'loyalty: an offer that asks for what no price may depend on is refused with the reason': async (page, context) => {
		if (!context.mock) return;
		context.refusals.push('422');
		await open(page, context, '/loyalty/offers/new');
		await page.getByLabel('Name', { exact: true }).fill('For some only');
		await page.getByLabel('By what is known of a person').check();
		await page.getByRole('combobox', { name: 'Fact that is a number' }).fill('trait.gender');
		await page.keyboard.press('Tab');
		await page.getByRole('button', { name: 'Save draft' }).click();
		await page.getByText('is something that no price may depend on', { exact: false }).waitFor();
	}
};
