// Decides about ideas as people do.
import { must, open, sent } from './steps.mjs';

export const ideaScenarios = {
	'an idea is declined only with a reason, which everybody reads': async (page, context) => {
		if (!context.mock) return;
		await open(page, context, '/feedback/ideas');
		await page.getByRole('button', { name: /Paper instead of plastic/ }).click();
		await page.waitForURL(/idea=ide_2/);
		const dialog = page.locator('dialog');
		await dialog.getByLabel('What becomes of it').selectOption('declined');
		const decide = dialog.getByRole('button', { name: 'Decide' });
		must(await decide.isDisabled(), 'an idea can be declined without a reason');
		await dialog.getByLabel('What everybody reads below it').fill('Paper breaks more cups.');
		const { url, body } = await sent(page, 'POST', '/decision', () => decide.click());
		must(url.endsWith('/ideas/ide_2/decision') && body.state === 'declined' && body.answer === 'Paper breaks more cups.', `sent ${JSON.stringify(body)}`);
	},
	'ideas that are the same are merged after being asked once more': async (page, context) => {
		if (!context.mock) return;
		await open(page, context, '/feedback/ideas?idea=ide_1');
		const dialog = page.locator('dialog');
		await dialog.getByRole('button', { name: 'Merge into this' }).click();
		await dialog.getByText('This cannot be undone', { exact: false }).waitFor();
		const { url, body } = await sent(page, 'POST', '/merge', () => dialog.getByRole('button', { name: 'Merge for good' }).click());
		must(url.endsWith('/ideas/ide_1/merge') && body.into === 'ide_9', `merged into ${body.into}`);
		await dialog.waitFor({ state: 'detached' });
	},
	'the box of ideas is opened and closed, and the list shows one state': async (page, context) => {
		if (!context.mock) return;
		await open(page, context, '/feedback/ideas?box=1');
		const dialog = page.locator('dialog');
		await dialog.getByLabel('The page is there for everybody').uncheck();
		await dialog.getByLabel('What stands above it, in English').fill('  ');
		const { body } = await sent(page, 'PUT', '/ideas/settings', () => dialog.getByRole('button', { name: 'Save' }).click());
		must(body.settings.is_open === false && !('en' in body.settings.text), `saved ${JSON.stringify(body)}`);
		await page.getByText('The public page is closed', { exact: false }).waitFor();
		await open(page, context, '/feedback/ideas?state=merged');
		await page.getByRole('button', { name: /Lockers at stations/ }).click();
		await page.getByRole('link', { name: 'Look at that one' }).waitFor();
	}
};
