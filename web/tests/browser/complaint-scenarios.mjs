// Works on complaints as people do.
import { must, open, sent } from './steps.mjs';

export const complaintScenarios = {
	'a complaint is taken in by hand, and opens': async (page, context) => {
		await open(page, context, '/feedback/complaints');
		await page.getByRole('button', { name: 'Take in a complaint' }).first().click();
		await page.waitForURL(/new=1/);
		const dialog = page.locator('dialog');
		must(await dialog.getByRole('button', { name: 'Take in a complaint' }).isDisabled(), 'nothing can be taken in');
		await dialog.getByRole('textbox', { name: 'What was said' }).fill('The lamp flickers, and nobody at the desk knew why.');
		await dialog.getByRole('button', { name: 'Take in a complaint' }).click();
		await page.waitForURL(/open=/);
		await page.locator('dialog').getByText('What was done').first().waitFor();
	},
	'what was answered to a complaint is noted': async (page, context) => {
		await open(page, context, '/feedback/complaints');
		const row = page.locator('a.complaint').first();
		if (!(await row.count())) return;
		await row.click();
		const dialog = page.locator('dialog');
		await dialog.getByRole('button', { name: 'I answered' }).click();
		must(await dialog.getByRole('button', { name: 'Note it' }).isDisabled(), 'an answer without words can be noted');
		await dialog.getByRole('textbox', { name: 'What was answered' }).fill('A new one is on its way.');
		await dialog.getByRole('button', { name: 'Note it' }).click();
		await page.getByText('Noted', { exact: true }).first().waitFor();
	},
	'points are given to whoever complained, for a reason that comes from their words, and it stands in what was done': async (page, context) => {
		if (!context.mock) return;
		await open(page, context, '/feedback/complaints?open=00000000000000000000000000000bb8');
		const dialog = page.locator('dialog');
		await dialog.getByRole('button', { name: 'Give points' }).click();
		const reason = dialog.getByLabel('Reason');
		must((await reason.inputValue()).startsWith('Your complaint: My refund is three weeks late'), 'the reason does not come from the complaint');
		const give = dialog.getByRole('button', { name: 'Give points' }).last();
		await dialog.getByLabel('How many').fill('301');
		await dialog.getByText('That is more than you have left: 300 of 300 points a day', { exact: false }).waitFor();
		must(await give.isDisabled(), 'more than is left can be given');
		await dialog.getByLabel('How many').fill('120');
		await dialog.getByText('You have left: 300 of 300 points a day', { exact: false }).waitFor();
		await reason.fill('For a refund that came late');
		const noted = page.waitForRequest((it) => it.method() === 'POST' && it.url().endsWith('/act'));
		const { body } = await sent(page, 'POST', '/loyalty/goodwill', () => give.click());
		must(body.points === 120 && body.wallet === 'points' && body.reason === 'For a refund that came late' && body.id.startsWith('console-'), `gave ${JSON.stringify(body)}`);
		const note = (await noted).postDataJSON();
		must(note.act === 'note' && note.text === 'Gave 120 points: For a refund that came late', `noted ${JSON.stringify(note)}`);
		await page.getByText('Given: 120 points.').first().waitFor();
	},
	'a category is added, hours are written, and what cannot be read is not saved': async (page, context) => {
		await open(page, context, '/feedback/complaints/settings');
		const save = page.getByRole('button', { name: 'Save' });
		must(await save.isDisabled(), 'what was not changed can be saved');
		await page.getByRole('button', { name: 'Add', exact: true }).click();
		await page.getByText('A category has no name in any language.').waitFor();
		await page.getByRole('textbox', { name: /^Name \d+ in English$/ }).last().fill('Packaging');
		await page.getByRole('textbox', { name: 'Saturday' }).fill('10-9');
		await page.keyboard.press('Tab');
		await page.getByText('Write it as 09:00').waitFor();
		must(await save.isDisabled(), 'hours that end before they begin can be saved');
		await page.getByRole('textbox', { name: 'Saturday' }).fill('10-14');
		await page.keyboard.press('Tab');
		const [request] = await Promise.all([page.waitForRequest((it) => it.method() === 'PUT' && it.url().endsWith('/complaint-settings')), save.click()]);
		const { settings } = request.postDataJSON();
		must(settings.categories.at(-1).key === 'packaging' && settings.categories.at(-1).name.en === 'Packaging', 'the category has no key of its name');
		must(settings.hours.week[5].join() === '10:00-14:00', 'the hours are not those that were written');
		await page.getByText('Saved. It holds').waitFor();
	}
};
