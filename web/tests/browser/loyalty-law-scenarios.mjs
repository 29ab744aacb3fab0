// Enters a law of lapsing, gives back what lapsed, and looks for the proof of a notice, as people do.
import { must, open, sent } from './steps.mjs';

export const loyaltyLawScenarios = {
	'loyalty-laws: a law is entered beside the others, and everything else of the programme is kept': async (page, context) => {
		if (!context.mock) return;
		await open(page, context, '/loyalty/laws');
		await page.getByText('It concerns 412 members now.').waitFor();
		await page.getByRole('button', { name: 'Add a law' }).click();
		await page.getByText('Give the law a name.').waitFor();
		await page.getByLabel('Name of law 3').fill('British Columbia');
		await page.getByText('Say whom it concerns', { exact: false }).waitFor();
		await page.getByLabel('Key of law 3').fill('bc');
		await page.getByPlaceholder('value').or(page.getByLabel('Value', { exact: false })).last().fill('CA');
		await page.getByRole('checkbox', { name: 'A notice was given' }).nth(2).check();
		await page.getByLabel('At least so many days before, law 3').fill('90');
		await page.getByText('The smaller number of days comes first', { exact: false }).waitFor();
		await page.getByLabel('At least so many days before, law 3').fill('20');
		const { body } = await sent(page, 'PUT', '/loyalty/program', () => page.getByRole('button', { name: 'Save', exact: true }).click());
		const law = body.program.jurisdictions[2];
		must(body.program.jurisdictions.length === 3 && law.key === 'bc' && law.notice_between[0] === 20 && law.no_expiry_by_time && law.when.fact.value === 'CA', `saved ${JSON.stringify(law)}`);
		must(body.program.wallets.length === 3 && body.program.ladders.length > 0 && body.program.jurisdictions[0].excepted_wallets[0] === 'stamps', 'something of the programme was lost');
	},
	'loyalty-laws: what lapsed is said before it is given back, part by part': async (page, context) => {
		if (!context.mock) return;
		await open(page, context, '/loyalty/laws');
		await page.getByRole('button', { name: 'Give back what lapsed' }).first().click();
		await page.getByLabel('What lapsed since').fill('2016-10-01');
		const looked = await sent(page, 'POST', '/give-back', () => page.locator('dialog').getByRole('button', { name: 'Look' }).click());
		must(looked.body.since === '2016-10-01T00:00:00Z' && looked.body.confirmed === false, `asked ${JSON.stringify(looked.body)}`);
		await page.getByText('2 times points lapsed that the law would have kept: 320 points, €2.50.').waitFor();
		const { url, body } = await sent(page, 'POST', '/give-back', () => page.getByRole('button', { name: 'Give it back' }).click());
		must(url.includes('/jurisdictions/ontario/') && body.confirmed === true, `sent ${url} ${JSON.stringify(body)}`);
		await page.getByText('Given back: 320 points, €2.50.').waitFor();
	},
	'loyalty-laws: a Chinese reader sees what a member was told of, and what proves it': async (page, context) => {
		if (!context.mock) return;
		await open(page, context, '/loyalty/members/5100000000000?view=notices');
		await page.getByText('送出', { exact: false }).first().waitFor();
		await page.getByText('没有；积分已延后失效').waitFor();
		await page.getByText('没有法律要求').waitFor();
	}
};
