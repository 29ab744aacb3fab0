// Lists of codes, and codes that are taken back.
import { must, open, sent } from './steps.mjs';

export const loyaltyCodeScenarios = {
	'loyalty-codes: codes of an offer are listed, filtered and taken back, by hand and by code': async (page, context) => {
		if (!context.mock) return;
		await open(page, context, '/loyalty/offers/summer');
		await page.getByRole('link', { name: 'List of codes' }).click();
		const table = page.getByRole('table', { name: 'Codes of Summer code' });
		await table.getByRole('row', { name: /SUMMER To be used endless/ }).waitFor();
		must(await table.getByRole('checkbox').nth(2).isDisabled(), 'what is used can be taken back');
		await table.getByRole('checkbox', { name: 'Choose SUMMER' }).check();
		await page.getByRole('button', { name: 'Take back 1' }).click();
		const dialog = page.locator('dialog');
		await dialog.getByText('this cannot be undone', { exact: false }).waitFor();
		const { url, body } = await sent(page, 'POST', '/codes/voided', () => dialog.getByRole('button', { name: 'Take back' }).click());
		must(url.endsWith('/offers/summer/codes/voided') && JSON.stringify(body) === '{"places":[1]}', `took back ${JSON.stringify(body)}`);
		await dialog.waitFor({ state: 'detached' });
		await page.getByRole('button', { name: 'Take back by code' }).click();
		await dialog.getByLabel('Codes, one a line').fill('SUMMER\nWINTER');
		const { body: codes } = await sent(page, 'POST', '/codes/voided', () => dialog.getByRole('button', { name: 'Take back' }).click());
		must(codes.codes.length === 2, `took back ${JSON.stringify(codes)}`);
		await dialog.getByText('WINTER is no code of these').waitFor();
		await dialog.getByRole('button', { name: 'Close' }).last().click();
		const [request] = await Promise.all([page.waitForRequest((it) => it.url().includes('/codes/list') && it.url().includes('state=void')), page.getByText('Taken back', { exact: true }).first().click()]);
		must(new URL(page.url()).searchParams.get('state') === 'void' || request.url().includes('state=void'), 'the state is not in the address');
		const file = await page.getByRole('link', { name: 'Download as CSV' }).getAttribute('href');
		must(file.endsWith('/loyalty/offers/summer/codes.csv?state=void'), `the file is ${file}`);
	},
	'loyalty-codes: what a member has out of a pool is not taken back in the list': async (page, context) => {
		if (!context.mock) return;
		await open(page, context, '/loyalty/rewards');
		await page.getByRole('link', { name: '38', exact: true }).click();
		await page.waitForURL(/pools\/cinema\?state=free/);
		await page.getByText('All', { exact: true }).click();
		const table = page.getByRole('table', { name: 'Codes of cinema' });
		await table.getByRole('link', { name: 'Hanna Nyberg' }).first().waitFor();
		must(await table.getByRole('checkbox').nth(1).isDisabled(), 'what a member has can be taken back');
		await page.getByRole('button', { name: 'Take all back' }).click();
		const { body } = await sent(page, 'POST', '/pools/cinema/voided', () => page.locator('dialog').getByRole('button', { name: 'Take back' }).click());
		must(body.all === true && !body.places, `took back ${JSON.stringify(body)}`);
	}
};
