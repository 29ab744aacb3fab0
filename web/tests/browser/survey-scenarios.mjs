// Surveys by hand: one is made from a ready one, changed, opened, answered on its page, and its score is seen.
import { must, open } from './steps.mjs';

export const surveyPageScenarios = {
	'a survey is made from a ready one, changed, opened, answered, and its score is seen': async (page, context) => {
		const key = context.mock ? 'walked' : `walked_${Date.now()}`;
		await open(page, context, '/feedback/surveys/new');
		await page.getByRole('button', { name: /^Recommendation \(NPS\)/ }).click();
		const dialog = page.locator('dialog');
		await dialog.getByText('Reichheld').waitFor();
		await dialog.getByRole('textbox', { name: 'Name' }).fill('Walked');
		await dialog.getByRole('textbox', { name: 'Key' }).fill(key);
		await dialog.getByRole('button', { name: 'Create survey' }).click();
		await page.waitForURL(new RegExp(`/feedback/surveys/${key}$`));
		await page.getByRole('link', { name: 'Questions', exact: true }).click();
		await page.locator('.card .face').first().click();
		await page.getByRole('textbox', { name: 'Question', exact: true }).fill('Would you send a friend to us?');
		await page.frameLocator('iframe').getByText('Would you send a friend to us?').waitFor();
		await page.getByText('Not saved yet').waitFor();
		await page.keyboard.press('Control+s');
		await page.getByText(/Saved as version 2/).waitFor();
		must((await page.getByText('Not saved yet').count()) === 0, 'it is still said not to be saved');
		await page.getByRole('button', { name: 'Open', exact: true }).click();
		await page.getByText('It is open').waitFor();
		await page.getByRole('link', { name: 'Links', exact: true }).click();
		const link = await page.locator('[data-link]').first().innerText();
		if (context.mock) return;
		for (const points of [10, 9, 2]) {
			await page.goto(link.replace(/^https?:\/\/[^/]+/, context.base));
			await page.getByText('Would you send a friend to us?').waitFor();
			await page.locator(`input[type=radio][value="${points}"]`).check({ force: true });
			await page.getByRole('button', { name: 'Next' }).click();
			await page.locator('textarea').first().fill(`Because of ${points}`);
			await page.getByRole('button', { name: /Send/ }).click();
			await page.getByRole('heading', { name: /^Thank you/ }).waitFor();
		}
		await open(page, context, `/feedback/surveys/${key}`);
		await page.getByText(/^-?[\d.]+ to [\d.]+$/).first().waitFor();
		await page.getByRole('button', { name: /^Detractors: 33/ }).click();
		await page.locator('dialog').getByText('Because of 2').waitFor();
	},
	'questions are moved by keyboard alone, and undone': async (page, context) => {
		const rows = (await (await page.request.get(`${context.base}/api/v1/surveys`)).json()).rows;
		const key = rows.find((row) => row.state !== 'closed')?.key;
		if (!key) return;
		await open(page, context, `/feedback/surveys/${key}/edit`);
		const names = () => page.locator('section.page').evaluateAll((all) => all.map((one) => [...one.querySelectorAll('[data-question]')].map((it) => it.dataset.question).join()).join('|'));
		const before = await names();
		await page.locator('.card .face').first().focus();
		await page.keyboard.press('Alt+ArrowDown');
		must((await names()) !== before || !/[,|]/.test(before), 'the question did not move');
		must((await page.evaluate(() => document.activeElement?.closest('[data-question]')?.dataset.question)) === before.split(/[,|]/)[0], 'the focus did not go along');
		await page.keyboard.press('Control+z');
		must((await names()) === before, 'undo did not bring it back');
	},
	'the preview of a survey can do nothing, and shows what an answer leads to': async (page, context) => {
		const rows = (await (await page.request.get(`${context.base}/api/v1/surveys`)).json()).rows;
		let key;
		for (const row of rows.filter((it) => it.state !== 'closed')) {
			const { definition } = await (await page.request.get(`${context.base}/api/v1/surveys/${row.key}`)).json();
			if (definition.pages.some((it) => it.questions.some((question) => question.show_if?.question === 'nps'))) key = row.key;
		}
		if (!key) return;
		await open(page, context, `/feedback/surveys/${key}/edit?page=1`);
		const frame = page.locator('.look iframe');
		await frame.waitFor();
		must((await frame.getAttribute('sandbox')) === '', 'the frame is not sandboxed');
		const content = await frame.getAttribute('srcdoc');
		must(content.includes("default-src 'none'") && !content.includes('<script') && !content.includes(' action='), 'the frame holds what could act');
		await page.locator('.pretend select').first().selectOption('3');
		await page.frameLocator('.look iframe').getByText('What would we have to do better?').waitFor();
	},
	'a survey says whom it will ask, and warns of a letterhead that is not set': async (page, context) => {
		const rows = (await (await page.request.get(`${context.base}/api/v1/surveys`)).json()).rows;
		const key = rows.find((row) => row.state !== 'closed')?.key;
		if (!key) return;
		await page.route('**/api/v1/letterhead', (route) => route.fulfill({ json: { name: 'Shop', address: '', url: '', logo_url: '' } }));
		await open(page, context, `/feedback/surveys/${key}/edit?part=asking`);
		await page.getByText('After an event', { exact: true }).first().click();
		const says = page.locator('[data-says]');
		await says.getByText(/whoever it happened to is asked, once for each order_id/).waitFor();
		await page.getByRole('spinbutton', { name: 'Remind after days' }).fill('4');
		await page.keyboard.press('Tab');
		await says.getByText('Who has not answered after 4 days is reminded once').waitFor();
		if (context.mock) {
			await page.getByRole('combobox', { name: 'Topic of consent' }).selectOption('offers');
			await says.getByText(/“Offers”/).waitFor();
		}
		// With letters of its own, where it names them.
		const letter = page.locator('[data-part=letters]').getByRole('combobox', { name: /Reminder/ }).first();
		await letter.locator('option').nth(1).waitFor({ state: 'attached' });
		await letter.selectOption({ index: 1 });
		await says.getByText('They are written to with templates of this survey’s own.').waitFor();
		await letter.selectOption('');
		must((await says.getByText('of this survey’s own').count()) === 0, 'a letter that was taken away is still named');
		await page.keyboard.press('Control+s');
		await page.getByText(/Saved as version/).waitFor();
		const warning = page.locator('[data-unwritable]');
		await warning.getByText('the letterhead lacks its postal address and its site').waitFor();
		must((await warning.getByRole('link').getAttribute('href')) === '/engage/templates?letterhead=open', 'the warning does not lead to the setting');
	},
	'invitations are narrowed, with why somebody was not asked, and lead to the person': async (page, context) => {
		if (!context.mock) return;
		await open(page, context, '/feedback/surveys/nps/invitations');
		await page.getByRole('combobox', { name: 'How far it came' }).selectOption('suppressed');
		await page.waitForURL(/way=suppressed/);
		await page.getByRole('combobox', { name: 'Why' }).selectOption('quarantine');
		await page.waitForURL(/reason=quarantine/);
		await context.settled(page);
		const rows = page.locator('tbody tr');
		must((await rows.count()) > 0 && (await rows.filter({ hasText: 'got another survey lately' }).count()) === (await rows.count()), 'a line is there for another reason');
		await rows.first().locator('a').click();
		await page.waitForURL(/\/customers\//);
	},
	'a model of the survey is shown with its paths, compared, and drawn otherwise': async (page, context) => {
		if (!context.mock) return;
		await open(page, context, '/feedback/surveys/satisfaction/model');
		const picture = page.getByRole('img', { name: /^A model of 6 blocks/ });
		must((await picture.locator('path.arc').count()) === 9 && (await picture.locator('path.unsure').count()) === 2, 'not each path is drawn, or what may be none is not dashed');
		await page.getByText(/Left out: “How well was your complaint handled\?”\. It is asked of some alone, 43 of 299 answered it/).waitFor();
		await page.getByRole('combobox', { name: 'Compare' }).selectOption('zh');
		await page.getByText('not comparable').waitFor();
		await page.getByRole('button', { name: 'Draw the model' }).click();
		const dialog = page.locator('dialog');
		const [request] = await Promise.all([page.waitForRequest((it) => it.method() === 'POST' && it.url().endsWith('/model') && it.postData().includes('blocks')), dialog.getByRole('group', { name: 'Complaints leads to' }).getByRole('checkbox', { name: 'Loyalty' }).uncheck()]);
		const { blocks, paths } = request.postDataJSON();
		must(blocks.length === 6 && blocks.some((it) => it.questions.includes('complained')) && paths.length === 8 && !paths.some((it) => it.from === 'complaint'), 'the path is still asked for');
	},
	'answers are downloaded as they are narrowed': async (page, context) => {
		if (!context.mock) return;
		await open(page, context, '/feedback/surveys/nps/answers');
		const link = page.getByRole('link', { name: 'Download' });
		must((await link.getAttribute('href')) === '/api/v1/surveys/nps/responses.csv', 'not all answers are in the file');
		await page.getByRole('combobox', { name: 'State' }).selectOption('completed');
		await page.waitForURL(/state=completed/);
		await context.settled(page);
		must((await link.getAttribute('href')) === '/api/v1/surveys/nps/responses.csv?state=completed', 'the file is not narrowed as the list is');
	},
	'a file of answers is looked at, mapped, and taken in': async (page, context) => {
		if (!context.mock) return;
		await open(page, context, '/feedback/surveys/nps/answers');
		await page.getByRole('button', { name: 'Take in a file' }).click();
		const dialog = page.locator('dialog');
		await dialog.locator('input[type=file]').setInputFiles({ name: 'answers.csv', mimeType: 'text/csv', buffer: Buffer.from('Points;Mail\n9;anna@example.com\n11;bo@example.com\n3;') });
		await dialog.getByText('No column answers a question yet').waitFor();
		must(await dialog.getByRole('button', { name: /^Take in/ }).isDisabled(), 'a file without answers can be taken in');
		await dialog.getByRole('combobox', { name: 'Points' }).selectOption('nps');
		await dialog.getByText('Of 3 lines 2 are new.').waitFor();
		await dialog.getByText('Line 3, Points: is no point of its scale').waitFor();
		await dialog.getByRole('combobox', { name: 'Mail' }).selectOption('nps');
		await dialog.getByText('Two columns are the same').waitFor();
		await dialog.getByRole('combobox', { name: 'Mail' }).selectOption(':email');
		const [request] = await Promise.all([page.waitForRequest((it) => it.url().endsWith('/response-file') && it.postDataJSON().only_look === false), dialog.getByRole('button', { name: 'Take in 2 responses' }).click()]);
		must(JSON.stringify(request.postDataJSON().mapping) === JSON.stringify({ Points: 'nps', Mail: ':email' }), 'it is taken with another mapping than was looked at');
		await dialog.getByText('2 responses were taken in.').waitFor();
	},
	'a choice is looked at over time and by group, and leads to who chose it': async (page, context) => {
		if (!context.mock) return;
		await open(page, context, '/feedback/surveys/leaving');
		await page.getByRole('button', { name: /over time and by group$/ }).first().click();
		await page.waitForURL(/score=/);
		await context.settled(page);
		const part = new URL(page.url()).searchParams.get('score').split(' ')[1];
		must((await page.getByRole('combobox', { name: 'Break down by' }).getByRole('option', { name: 'Segment' }).count()) === 0, 'choices are offered by segment, which the server does not have');
		must((await page.getByText(/What they spent/).count()) === 0, 'a choice has what people spent by stance');
		await page.getByRole('combobox', { name: 'Break down by' }).selectOption('channel');
		await context.settled(page);
		await page.getByRole('button', { name: 'E-mail', exact: true }).click();
		await page.locator('dialog').getByText('Answers behind this number').waitFor();
		const behind = new URL(page.url()).searchParams.get('behind');
		must(behind.includes(part) && behind.includes('email') && behind.includes('choice'), `the answers behind it are others: ${behind}`);
	}
};
