// Teaches intents as people do.
import { must, open, sent } from './steps.mjs';

export const intentScenarios = {
	'on a phone the tab that is open is in sight, of the room and within it': async (page, context) => {
		await page.setViewportSize({ width: 390, height: 844 });
		for (const place of ['intents', 'complaints', 'advocacy']) {
			await open(page, context, `/feedback/${place}`);
			const tabs = page.locator('main nav a[aria-current]');
			must((await tabs.count()) === (place === 'advocacy' ? 1 : 2), `another number of tabs is open on ${place}`);
			for (const tab of await tabs.all()) {
				const box = await tab.boundingBox();
				must(box.x >= 0 && box.x + box.width <= 390, `the tab of ${place} is out of sight`);
			}
		}
	},
	'an intent is named, taught by pasted lines, and saved once each': async (page, context) => {
		await open(page, context, '/feedback/intents');
		await page.getByRole('button', { name: 'New intent' }).first().click();
		await page.waitForURL(/new=1/);
		const dialog = page.locator('dialog');
		const save = dialog.getByRole('button', { name: 'Save' });
		await dialog.getByRole('textbox', { name: 'Name' }).fill('Gift wrapping?');
		await dialog.getByText('Key: gift_wrapping', { exact: true }).waitFor();
		must(await save.isDisabled(), 'an intent without examples can be saved');
		await dialog.getByRole('textbox', { name: 'More examples' }).fill('Can you wrap it?\n\nCan you WRAP it?\nIt is a present');
		await dialog.getByRole('button', { name: 'Add' }).click();
		await dialog.getByText('2 added. 1 was there already.').waitFor();
		await dialog.getByRole('button', { name: 'Remove “It is a present”' }).click();
		const { url, body } = await sent(page, 'PUT', '/intents/', () => save.click());
		must(url.endsWith('/intents/gift_wrapping'), 'another key');
		must(JSON.stringify(body) === '{"examples":["Can you wrap it?"]}', 'not the examples that stand there');
		await page.getByText('Saved and learnt').first().waitFor();
		must(!page.url().includes('new='), 'the panel stays');
	},
	'a deleted intent is put back with its examples': async (page, context) => {
		await open(page, context, '/feedback/intents');
		const row = page.locator('a.intent').first();
		if (!(await row.count())) return;
		await row.click();
		await page.locator('dialog li').first().waitFor();
		const examples = await page.locator('dialog li').count();
		await sent(page, 'DELETE', '/intents/', () => page.locator('dialog').getByRole('button', { name: 'Delete' }).click());
		const { body } = await sent(page, 'PUT', '/intents/', () => page.getByRole('button', { name: 'Undo' }).click());
		must(body.examples.length === examples, 'not all examples come back');
		await page.getByText('It is back').first().waitFor();
	},
	'a text is tried on the intents, and the old answer goes with the old text': async (page, context) => {
		await open(page, context, '/feedback/intents');
		if (!(await page.locator('a.intent').count())) return;
		const box = page.getByRole('textbox', { name: 'What a customer might write' });
		const go = page.getByRole('button', { name: 'What does it want?' });
		await box.fill('When does my parcel come?');
		await go.click();
		await page.getByText(/% probable/).first().waitFor();
		await box.fill('qwxqwx');
		must((await page.getByText(/% probable/).count()) === 0, 'the answer to another text stays');
		await go.click();
		// What a taught model knows of such letters is its own affair.
		if (context.mock) await page.getByText('Nothing in it is known').waitFor();
	}
};
