// What the programme says of households and of paying with points.
import { must, open, sent } from './steps.mjs';

export const loyaltyHouseholdScenarios = {
	'loyalty-households: the programme says what households may do': async (page, context) => {
		if (!context.mock) return;
		await open(page, context, '/loyalty/program');
		const save = page.getByRole('button', { name: 'Save', exact: true });
		await page.getByLabel('Members may share points in a household').check();
		await page.getByText('each of them redeems with what all have', { exact: false }).waitFor();
		await page.getByLabel('People in one, at most').fill('1');
		await page.getByText('2 to 20 people belong to one.').waitFor();
		must(await save.isDisabled(), 'a household of one can be saved');
		await page.getByLabel('People in one, at most').fill('4');
		await page.getByLabel('Points of one member that others use a month, at most').fill('');
		await page.getByLabel('Who uses what others have').selectOption('head');
		await page.getByText('whoever leads the household redeems', { exact: false }).waitFor();
		const { body } = await sent(page, 'PUT', '/loyalty/program', () => save.click());
		const saved = body.program.households;
		must(saved.most_members === 4 && saved.used_per_month === null && saved.who_spends === 'head' && saved.joins_per_year === 2 && saved.wallets.join() === 'points', `saved ${JSON.stringify(saved)}`);
	},
	'loyalty-households: the programme says what points pay at a till': async (page, context) => {
		if (!context.mock) return;
		await open(page, context, '/loyalty/program');
		const save = page.getByRole('button', { name: 'Save', exact: true });
		await page.getByLabel('Members pay with Points').check();
		const fields = page.getByRole('group', { name: 'How Points pay' });
		await fields.getByLabel('In steps of').fill('0');
		await page.getByText('The fewest and the steps are whole numbers', { exact: false }).waitFor();
		must(await save.isDisabled(), 'steps of nothing can be saved');
		await fields.getByLabel('In steps of').fill('50');
		await fields.getByLabel('One is worth at the till', { exact: false }).fill('0,01');
		await fields.getByLabel('Of a receipt at most', { exact: false }).fill('50');
		await fields.getByLabel('Of a receipt at most', { exact: false }).blur();
		await page.getByText('More go in steps of 50.', { exact: false }).waitFor();
		const { body } = await sent(page, 'PUT', '/loyalty/program', () => save.click());
		const [paying] = body.program.paying;
		must(paying.wallet === 'points' && paying.worth === '0.01' && paying.least === 100 && paying.step === 50 && paying.most === '0.5', `saved ${JSON.stringify(paying)}`);
	}
};
