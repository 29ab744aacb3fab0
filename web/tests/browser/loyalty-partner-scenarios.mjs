// Partners as people settle with them: a contract is written, a month is read, compared, paid and closed.
import { must, open, sent } from './steps.mjs';

export const loyaltyPartnerScenarios = {
	'loyalty-partners: a contract is written, and its next prices hold from a later day': async (page, context) => {
		if (!context.mock) return;
		await open(page, context, '/loyalty/partners');
		await page.getByRole('link', { name: 'New partner' }).click();
		await page.getByLabel('Name', { exact: true }).fill('Lake Ferries');
		await page.getByText('Whoever spends €100.00 there earns 100 points, for which Lake Ferries pays you €1.20.', { exact: false }).waitFor();
		await page.getByLabel('Members pay with points there').uncheck();
		await page.getByLabel('Members earn points there').uncheck();
		await page.getByText('Say whether members earn points there', { exact: false }).waitFor();
		await page.getByLabel('Members earn points there').check();
		await page.getByLabel('They pay you for a point').fill('0,015');
		await page.getByRole('button', { name: 'Add a limit' }).click();
		await page.getByLabel('Limit 1: how many').fill('300');
		const { url, body } = await sent(page, 'PUT', '/loyalty/partners/', () => page.getByRole('button', { name: 'Save draft' }).click());
		must(url.endsWith('/partners/lake-ferries') && body.version === 0 && body.partner.gives.price === '0.015' && body.partner.burns === null && body.partner.limits[0].most === 300 && body.partner.currency === 'EUR' && !('in_force_from' in body), `saved ${url} ${JSON.stringify(body)}`);
		await open(page, context, '/loyalty/partners/alpine');
		must(await page.getByLabel('Currency of settlement').isDisabled(), 'the currency of a partner can be changed');
		await page.getByLabel('They pay you for a point').fill('0.014');
		await page.getByLabel('These prices hold from').fill('2027-01-01');
		const { body: next } = await sent(page, 'PUT', '/loyalty/partners/alpine', () => page.getByRole('button', { name: 'Save', exact: true }).click());
		must(next.in_force_from === '2027-01-01T00:00:00+01:00' && next.partner.keys[0] === 'key_5', `saved ${JSON.stringify(next)}`);
	},
	'loyalty-partners: a month says who owes whom, is paid and closed': async (page, context) => {
		if (!context.mock) return;
		await open(page, context, '/loyalty/partners');
		await page.getByRole('table', { name: 'Partners' }).getByRole('link', { name: 'October 2026' }).click();
		await page.getByRole('heading', { name: 'Alpine Air, October 2026' }).waitFor();
		await page.getByText('Alpine Air owes you €1,059.80', { exact: false }).first().waitFor();
		await page.getByRole('table', { name: 'Line by line' }).getByText('late').waitFor();
		await page.getByRole('button', { name: 'Note a payment' }).click();
		const dialog = page.locator('dialog');
		await dialog.getByLabel('Amount in EUR').fill('1059,80');
		await dialog.getByLabel('Reference of the bank', { exact: false }).fill('AA-2026-0901');
		context.refusals.push('409');
		await sent(page, 'POST', '/payments', () => dialog.getByRole('button', { name: 'Note a payment' }).click());
		await dialog.getByRole('alert').waitFor();
		await dialog.getByLabel('Reference of the bank', { exact: false }).fill('bank 77');
		await dialog.getByLabel('Day').fill('2026-11-03');
		const { body } = await sent(page, 'POST', '/payments', () => dialog.getByRole('button', { name: 'Note a payment' }).click());
		must(body.amount === '1059.80' && body.paid_at === '2026-11-03T00:00:00+01:00', `noted ${JSON.stringify(body)}`);
		await dialog.waitFor({ state: 'detached' });
		await page.getByRole('button', { name: 'Close the month' }).click();
		await dialog.getByText('This cannot be undone.', { exact: false }).waitFor();
		await sent(page, 'POST', '/months/2026-10/closed', () => dialog.getByRole('button', { name: 'Close the month' }).click());
		await page.getByText('The month is closed.').waitFor();
		await open(page, context, '/loyalty/partners/alpine/months/2026-11');
		must(await page.getByRole('button', { name: 'Close the month' }).isDisabled(), 'a month that is not over can be closed');
	},
	'loyalty-partners: their own list is compared, pasted out of a spreadsheet': async (page, context) => {
		if (!context.mock) return;
		await open(page, context, '/loyalty/partners/alpine/months/2026-10');
		await page.getByRole('textbox', { name: 'Their list' }).fill('Booking ref\tMiles\nAA-2026-0901\t468\nAA-2026-0902\t1100\nAA-2026-0999\t50\nAA-2026-0998\t9000\n');
		const { body } = await sent(page, 'POST', '/compare', () => page.getByRole('button', { name: 'Compare', exact: true }).click());
		must(body.text.startsWith('Booking ref,Miles\n') && body.columns.reference === 'Booking ref' && body.columns.points === 'Miles' && !body.columns.money, `compared ${JSON.stringify(body)}`);
		await page.getByRole('table', { name: '1 differs' }).getByRole('row', { name: 'AA-2026-0902 1,100 points 1,200 points, €9.60' }).waitFor();
		await page.getByRole('table', { name: '2 are only in their list' }).getByText('in your statement of November 2026').waitFor();
		await page.getByRole('table', { name: '3 are only in yours' }).waitFor();
		await page.getByRole('combobox', { name: 'Points are in' }).selectOption('Booking ref');
		await page.getByText('Each column means one thing.').waitFor();
	},
	'loyalty-partners: a Chinese reader settles a month': async (page, context) => {
		if (!context.mock) return;
		await open(page, context, '/loyalty/partners/alpine/months/2026-10');
		await page.getByRole('button', { name: '结账' }).waitFor();
		await page.getByText('Alpine Air 欠您', { exact: false }).first().waitFor();
		const text = await page.locator('main').innerText();
		const bare = /\bpartners\.[a-z_]+/.exec(text) ?? /\{\w+\}/.exec(text);
		must(!bare, `it says ${bare?.[0]}`);
	}
};
