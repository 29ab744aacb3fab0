// Finds who speaks for the company, as people do.
import { must } from './steps.mjs';

export const advocacyScenarios = {
	'from how many refer to who they are, and to one of them': async (page, context) => {
		await page.goto(`${context.base}/feedback/advocacy`);
		await context.settled(page);
		const row = page.getByRole('table', { name: 'By kind' }).getByRole('row', { name: /^Referrals/ });
		if (!(await row.getByRole('link').count())) return;
		await row.getByRole('link').click();
		await page.waitForURL(/kind=referral/);
		const people = page.getByRole('table', { name: 'Advocates' });
		await people.getByRole('link').first().waitFor();
		must((await people.getByText('Referral').count()) > 0, 'those who are listed refer nobody');
		const name = await people.getByRole('link').first().innerText();
		await people.getByRole('link').first().click();
		await page.waitForURL(/\/customers\/\d+/);
		await page.getByRole('heading', { level: 1, name }).waitFor().catch(() => page.getByRole('heading', { level: 1 }).waitFor());
		await page.getByRole('heading', { name: 'Speaks for you' }).waitFor();
	},
	'the way to the brand of one wave': async (page, context) => {
		const rows = (await (await page.request.get(`${context.base}/api/v1/surveys`)).json()).rows ?? [];
		const brand = rows.find((it) => it.key.startsWith('brand') && it.completed > 0);
		if (!brand) return;
		await page.goto(`${context.base}/feedback/surveys/${brand.key}`);
		await context.settled(page);
		await page.getByRole('table', { name: 'Beside others' }).waitFor();
		const choice = page.getByRole('combobox', { name: 'Wave' });
		if (!(await choice.count())) return;
		const before = await page.getByRole('list', { name: 'The way to the brand' }).innerText();
		await choice.selectOption({ index: 1 });
		await page.waitForURL(/brand_wave=/);
		must((await page.getByRole('list', { name: 'The way to the brand' }).innerText()) !== before, 'a wave shows what all waves show');
	}
};
