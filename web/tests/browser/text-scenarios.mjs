// Uses the pages of texts, themes and reviews as people do.
import { must, open } from './steps.mjs';

export const textScenarios = {
	'texts are narrowed, the address keeps it, and Back undoes it': async (page, context) => {
		await open(page, context, '/feedback/texts?period=all');
		await page.getByRole('combobox', { name: 'Any tone' }).selectOption('negative');
		await page.waitForURL(/tone=negative/);
		await context.settled(page);
		const tags = await page.locator('a.text .tag.bad').count();
		must(tags > 0 && tags === (await page.locator('a.text').count()), 'a text is there that is not negative');
		await page.reload();
		await context.settled(page);
		must((await page.getByRole('combobox', { name: 'Any tone' }).inputValue()) === 'negative', 'the tone is lost after a reload');
		await page.goBack();
		await page.waitForURL((url) => !url.search.includes('tone='));
	},
	'texts answer to the keyboard, and the one beside the list follows': async (page, context) => {
		await open(page, context, '/feedback/texts?period=all');
		await page.locator('body').press('/');
		await page.keyboard.press('ArrowDown');
		const first = await page.evaluate(() => document.activeElement?.getAttribute('data-text'));
		must(first, 'arrow down does not reach the texts');
		await page.keyboard.press('Enter');
		await page.waitForURL((url) => url.searchParams.get('text') === first);
		await page.getByRole('heading', { name: 'Understood as' }).waitFor();
		await page.keyboard.press('ArrowDown');
		await page.waitForURL((url) => url.searchParams.has('text') && url.searchParams.get('text') !== first);
		await page.keyboard.press('Escape');
		await page.waitForURL((url) => !url.searchParams.has('text'));
	},
	'a text is put right where it is read, and that is taken back': async (page, context) => {
		await open(page, context, '/feedback/texts?period=all&tone=negative');
		await page.locator('a.text').first().click();
		const panel = page.getByRole('complementary', { name: 'One text' });
		await panel.getByRole('heading', { name: 'Understood as' }).waitFor();
		await panel.getByText('Positive', { exact: true }).click();
		await panel.getByText(/^Corrected/).waitFor();
		must(await panel.getByRole('radio', { name: 'Positive' }).isChecked(), 'the correction does not count');
		await panel.getByRole('button', { name: 'Undo' }).click();
		await page.getByText('The correction is taken back').waitFor();
		await panel.getByText(/^Corrected/).waitFor({ state: 'detached' });
	},
	'topics: one is added below another, and one is removed and comes back': async (page, context) => {
		await open(page, context, '/feedback/themes/topics');
		await page.getByRole('button', { name: 'Add topic' }).click();
		await page.waitForURL(/new=1/);
		const dialog = page.locator('dialog');
		must(await dialog.getByRole('button', { name: 'Save topic' }).isDisabled(), 'a topic without a name can be saved');
		await dialog.getByLabel('Name in English').fill('Couriers');
		await dialog.getByLabel('Below').selectOption('delivery');
		await dialog.getByLabel('Words that always mean it').fill('courier, Zusteller');
		await dialog.getByRole('button', { name: 'Save topic' }).click();
		await page.waitForURL((url) => !url.searchParams.has('new'));
		await page.getByRole('button', { name: 'Couriers', exact: true }).waitFor();
		await page.getByRole('button', { name: 'Change Couriers' }).click();
		must((await dialog.getByLabel('Below').inputValue()) === 'delivery', 'the new topic does not stand where it was put');
		await dialog.getByRole('button', { name: 'Remove topic' }).click();
		await page.getByRole('button', { name: 'Couriers', exact: true }).waitFor({ state: 'detached' });
		await page.locator('.undo').getByRole('button', { name: 'Undo' }).click();
		await page.getByRole('button', { name: 'Couriers', exact: true }).waitFor();
	},
	'a topic is merged into another after a look at what goes with it, and that is undone': async (page, context) => {
		await open(page, context, '/feedback/themes/topics');
		await page.getByRole('button', { name: 'Change Packaging' }).click();
		await page.locator('dialog').getByRole('button', { name: 'Merge into another topic' }).click();
		await page.waitForURL(/merge=packaging/);
		const dialog = page.locator('dialog');
		const go = dialog.getByRole('button', { name: 'Merge', exact: true });
		must(await go.isDisabled(), 'it can be merged into nothing');
		await dialog.getByLabel('Into').selectOption('service');
		await dialog.getByRole('list', { name: 'What goes with it' }).getByText(/parcel/).waitFor();
		await go.click();
		await page.getByRole('button', { name: 'Packaging', exact: true }).waitFor({ state: 'detached' });
		await page.locator('.undo').getByText('“Packaging” is merged into “Service”.').waitFor();
		await page.locator('.undo').getByRole('button', { name: 'Undo' }).click();
		await page.getByRole('button', { name: 'Packaging', exact: true }).waitFor();
	},
	'a topic leads to what was said of it': async (page, context) => {
		await open(page, context, '/feedback/themes/topics');
		const [topic] = (await (await page.request.get(`${context.base}/api/v1/topics/aspects`)).json()).rows;
		if (!topic) return;
		await page.getByRole('button', { name: topic.name.en, exact: true }).click();
		await page.waitForURL(/topic=/);
		await page.locator('dialog a.row').first().click();
		await page.waitForURL(/texts\?.*text=/);
	},
	'a topic leads to all texts about it, and they are narrowed further': async (page, context) => {
		await open(page, context, '/feedback/themes/topics?period=365d');
		const delivery = page.getByRole('button', { name: 'Delivery', exact: true });
		await delivery.waitFor();
		await delivery.click();
		await page.locator('dialog').getByRole('link', { name: 'All texts about it' }).click();
		await page.waitForURL(/feedback\/texts\?.*topic=delivery/);
		await context.settled(page);
		must((await page.getByRole('combobox', { name: 'Any topic' }).inputValue()) === 'delivery', 'the topic is not chosen');
		const count = async () => page.locator('a.text').count();
		const about = await count();
		await page.getByRole('combobox', { name: 'Any tone' }).selectOption('negative');
		await page.waitForURL((url) => url.searchParams.get('topic') === 'delivery' && url.searchParams.get('tone') === 'negative');
		await context.settled(page);
		must((await count()) <= about, 'narrowed further, there are more');
		await page.getByRole('combobox', { name: 'Any topic' }).selectOption('');
		await page.waitForURL((url) => !url.searchParams.has('topic') && url.searchParams.get('tone') === 'negative');
	},
	'a part of a text is put into another topic': async (page, context) => {
		await open(page, context, '/feedback/texts?period=all');
		await page.locator('a.text').first().click();
		const topics = page.getByRole('region', { name: 'About which topics' });
		await topics.getByRole('combobox').first().selectOption('service');
		await topics.getByText('put by hand').waitFor();
		must((await topics.getByRole('combobox').first().inputValue()) === 'service', 'the part is not where it was put');
	},
	'a text is made an example of an intent, and that is taken back': async (page, context) => {
		await open(page, context, '/feedback/texts?period=all');
		await page.locator('a.text').first().click();
		await page.getByRole('region', { name: 'About which topics' }).waitFor();
		const known = await (await page.request.get(`${context.base}/api/v1/intents`)).json();
		const wants = page.getByRole('region', { name: 'What it wants' });
		if (!known.rows.length) return must((await wants.count()) === 0, 'it says what texts want where nothing was taught');
		const field = wants.getByRole('combobox', { name: 'Said by hand' });
		await field.selectOption(known.rows[0].key);
		await page.getByText('It is an example of').first().waitFor();
		must((await field.inputValue()) === known.rows[0].key, 'what was said does not stand there');
		await field.selectOption('');
		await page.getByText('It is taken back').first().waitFor();
		must((await field.inputValue()) === '', 'what was taken back stands there');
	},
	'a theme leads to its texts and to who wrote them': async (page, context) => {
		await open(page, context, '/feedback/themes?period=365d');
		if (!(await page.locator('button.name').count())) return;
		await page.locator('button.name').first().click();
		await page.waitForURL(/theme=/);
		await page.locator('dialog a.text').first().waitFor();
		await page.locator('dialog').getByText('Who', { exact: true }).click();
		await page.waitForURL(/who=1/);
		await page.locator('dialog a[href^="/customers/"]').first().click();
		await page.waitForURL(/\/customers\//);
	},
	'a review is hidden with a reason, and that is taken back': async (page, context) => {
		await open(page, context, '/feedback/reviews?view=all');
		if (!(await page.locator('article').count())) return;
		const card = page.locator('article').filter({ has: page.getByRole('button', { name: 'Do not show it' }) }).first();
		const name = await card.getAttribute('aria-label');
		await card.getByRole('button', { name: 'Do not show it' }).click();
		const dialog = page.locator('dialog');
		must(await dialog.getByRole('button', { name: 'Do not show it' }).isDisabled(), 'a review can be hidden without a reason');
		await dialog.getByRole('button', { name: 'Not about the product' }).click();
		await dialog.getByRole('button', { name: 'Do not show it' }).click();
		const same = page.getByRole('article', { name }).first();
		await same.getByText('Hidden', { exact: true }).waitFor();
		await same.getByRole('button', { name: 'Undo' }).click();
		await page.getByText('The decision is taken back').waitFor();
	},
	'a review is answered in public': async (page, context) => {
		await open(page, context, '/feedback/reviews?view=all');
		const button = page.getByRole('button', { name: 'Answer in public' }).first();
		if (!(await button.count())) return;
		await button.click();
		await page.getByRole('textbox', { name: 'What everybody reads below it' }).fill('Thank you, we pass it on.');
		await page.getByRole('button', { name: 'Publish the answer' }).click();
		await page.getByText('Thank you, we pass it on.').first().waitFor();
		await page.getByText(/Answered in public by/).first().waitFor();
	}
};
