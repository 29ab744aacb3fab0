// Uses the console as people do. Each scenario fails by throwing; none depends on exact numbers, so they hold on a real server too.
import { must, open } from './steps.mjs';

export const scenarios = {
	'the palette finds a page and goes there': async (page, context) => {
		await open(page, context, '/');
		await page.keyboard.press('Control+k');
		await page.getByRole('combobox', { name: 'Search or jump to' }).fill('import');
		await page.keyboard.press('Enter');
		await page.waitForURL(/\/data\/imports/);
	},
	'a search is in the address and survives a reload': async (page, context) => {
		await open(page, context, '/customers');
		await page.locator('tbody tr').first().waitFor();
		const name = (await page.locator('tbody tr a.open').first().innerText()).split('\n').pop().trim();
		await page.keyboard.press('/');
		// Slower than the pause after which the address follows: no letter may be lost on the way.
		await page.keyboard.type(name, { delay: 230 });
		await page.waitForURL((url) => url.searchParams.get('search') === name);
		must((await page.locator('#customer-search').inputValue()) === name, 'typing lost letters');
		await page.reload();
		await context.settled(page);
		must((await page.locator('#customer-search').inputValue()) === name, 'the search is lost after a reload');
		must((await page.locator('tbody tr a.open').first().innerText()).includes(name), 'the first row is not the one searched for');
	},
	'rows answer to the keyboard': async (page, context) => {
		await open(page, context, '/customers?sort=spent');
		await page.locator('#customer-search').focus();
		await page.keyboard.press('ArrowDown');
		await page.keyboard.press('ArrowDown');
		const wanted = await page.evaluate(() => document.activeElement?.getAttribute('href'));
		must(wanted?.startsWith('/customers/'), 'arrow down does not reach the rows');
		await page.keyboard.press('Enter');
		await page.waitForURL(`**${wanted}`);
	},
	'sorting is in the address and Back undoes it': async (page, context) => {
		await open(page, context, '/customers');
		await page.getByRole('columnheader', { name: 'Orders' }).getByRole('button').click();
		await page.waitForURL(/sort=orders/);
		await context.settled(page);
		must((await page.locator('th[aria-sort="descending"]').innerText()).includes('Orders'), 'the head does not say how it is sorted');
		await page.goBack();
		await page.waitForURL((url) => !url.search.includes('sort='));
	},
	'more than two hundred rows are drawn in part only': async (page, context) => {
		if (!context.mock) return;
		await open(page, context, '/customers?sort=name&direction=asc');
		await page.locator('tbody tr').first().waitFor();
		for (let i = 0; i < 14; i++) {
			await page.mouse.wheel(0, 4000);
			await page.waitForTimeout(120);
		}
		const rows = await page.locator('tbody tr').count();
		must(rows > 20 && rows < 160, `${rows} rows are in the page`);
		await page.getByText('That is everyone').waitFor();
	},
	'a changed question is asked again and kept in the address': async (page, context) => {
		await open(page, context, '/insights/new');
		await page.getByText('Retention', { exact: true }).first().click();
		await page.waitForURL(/retention/);
		await page.locator('td.cell').first().waitFor();
		await page.reload();
		await page.locator('td.cell').first().waitFor();
		must(await page.getByRole('radio', { name: 'Retention' }).isChecked(), 'the kind is lost after a reload');
	},
	'a condition built by hand reaches the question': async (page, context) => {
		await open(page, context, '/insights/new');
		await page.getByRole('button', { name: 'Filter this event' }).first().click();
		await page.getByRole('combobox', { name: 'Property' }).fill('price');
		await page.keyboard.press('Enter');
		await page.getByRole('combobox', { name: 'Comparison' }).selectOption('at_least');
		await page.getByRole('combobox', { name: 'value' }).or(page.getByRole('textbox', { name: 'value' })).first().fill('20');
		await page.waitForURL((url) => (url.searchParams.get('question') ?? '').includes('"path":"price","op":"at_least","value":20'));
		// So does what it is split by, such as what a model says of people.
		await page.getByRole('combobox', { name: 'Split by' }).fill('churn.level');
		await page.keyboard.press('Enter');
		await page.waitForURL((url) => (url.searchParams.get('question') ?? '').includes('"breakdown":{"fact":"churn.level"}'));
	},
	'a number leads to its people and the panel is in the address': async (page, context) => {
		await open(page, context, '/insights/new');
		await page.locator('ol.funnel button.line').first().click();
		await page.waitForURL(/people=/);
		await page.locator('dialog a.row').first().waitFor();
		await page.keyboard.press('Escape');
		await page.waitForURL((url) => !url.search.includes('people='));
	},
	'the chart answers a click': async (page, context) => {
		if (!context.mock) return;
		await open(page, context, '/insights/qst_1');
		const box = await page.locator('.chart').boundingBox();
		await page.mouse.click(box.x + box.width / 2, box.y + box.height / 2);
		await page.waitForURL(/people=/);
	},
	'a value with a name is changed by its name, wherever it stands': async (page, context) => {
		const condition = { performed: { event: 'Order Completed', times: { at_least: { parameter: 'least' } }, within: { last: { parameter: 'window' } } }, with: { least: 3, window: '90d' } };
		await open(page, context, `/segments/new?condition=${encodeURIComponent(JSON.stringify(condition))}`);
		await page.getByText(/Customers who did “Order Completed” at least 3 times in the last 90 days/).waitFor();
		await page.getByRole('spinbutton', { name: 'Least' }).fill('5');
		await page.getByText(/Customers who did “Order Completed” at least 5 times in the last 90 days/).waitFor();
		await page.waitForURL((url) => (url.searchParams.get('condition') ?? '').includes('"with":{"least":5'));
		await page.getByRole('button', { name: 'Write the values in' }).click();
		must((await page.getByRole('spinbutton', { name: 'Number of times' }).inputValue()) === '5', 'the value is lost with its name');
		must((await page.getByRole('spinbutton', { name: 'Least' }).count()) === 0, 'a name that nothing uses is still there');
	},
	'a condition is built by keyboard, survives the text form, and is saved': async (page, context) => {
		await open(page, context, '/segments/new');
		await page.getByRole('textbox', { name: 'Name' }).fill('Walked by hand');
		await page.getByRole('button', { name: 'Condition', exact: true }).press('Enter');
		must((await page.evaluate(() => document.activeElement?.getAttribute('aria-label'))) === 'Kind of condition', 'a new row does not take the focus');
		await page.getByText(/Customers who did “Order Completed” in the last 90 days/).waitFor();
		await page.getByRole('spinbutton', { name: 'Number of times' }).fill('3');
		await page.getByText(/at least 3 times in the last 90 days/).waitFor();
		await page.waitForURL((url) => (url.searchParams.get('condition') ?? '').includes('"at_least":3'));
		await page.getByText('Who came in last').waitFor();
		await page.getByText('As text').click();
		await page.locator('textarea').waitFor();
		await page.getByText('Builder').click();
		must((await page.getByRole('spinbutton', { name: 'Number of times' }).inputValue()) === '3', 'the text form lost the number');
		if (!context.mock) return;
		await page.getByRole('button', { name: 'Save' }).click();
		await page.waitForURL(/\/segments\/[\w-]+$/);
	},
	'an error in the text is shown at its column': async (page, context) => {
		if (!context.mock) return;
		context.refusals.push('422');
		await open(page, context, '/segments/later-than-usual/edit');
		await page.getByText('As text').click();
		await page.locator('textarea').fill('performed oops');
		await page.getByRole('button', { name: 'Line 1, column 10' }).click();
		must((await page.locator('textarea').evaluate((field) => field.selectionStart)) === 9, 'the cursor is not where the error is');
	},
	'a key that is taken is said beside its field': async (page, context) => {
		if (!context.mock) return;
		context.refusals.push('422');
		await open(page, context, '/segments/new?template=one_time');
		await page.getByRole('textbox', { name: 'Key' }).fill('employees');
		await page.getByRole('button', { name: 'Save' }).click();
		await page.getByText('there is a segment with the key employees already').waitFor();
	},
	'a guess is counted exactly': async (page, context) => {
		if (!context.mock) return;
		await open(page, context, '/segments/new?template=frequent');
		await page.getByText('about 412').waitFor();
		await page.getByRole('button', { name: 'Count exactly' }).click();
		await page.getByText('about 412').waitFor({ state: 'detached' });
		must((await page.getByRole('button', { name: 'Count exactly' }).count()) === 0, 'what was counted is still called a guess');
	},
	'every kind of condition can be asked for in a question, and survives a reload': async (page, context) => {
		await open(page, context, '/insights/new');
		await page.getByRole('button', { name: 'Condition', exact: true }).click();
		await page.getByRole('combobox', { name: 'Kind of condition' }).selectOption('overdue');
		await page.waitForURL((url) => (url.searchParams.get('question') ?? '').includes('"overdue"'));
		await page.reload();
		await page.getByText(/their own usual gap, once 3 gaps are known/).waitFor();
		must((await page.getByRole('combobox', { name: 'Kind of condition' }).inputValue()) === 'overdue', 'the kind is lost after a reload');
	},
	'an intersection becomes a segment': async (page, context) => {
		if (!context.mock) return;
		await open(page, context, '/segments?compare=high-value,later-than-usual,reachable');
		await page.getByRole('link', { name: /people exactly in “High value”, “Reachable by newsletter”, not in/ }).click();
		await page.waitForURL((url) => url.pathname === '/segments/new' && (url.searchParams.get('condition') ?? '').includes('{"not":{"segment":{"key":"later-than-usual"}}}'));
		await page.getByText(/and who are not in the segment “Later than usual/).waitFor();
	},
	'a flow leads to its people, in the picture and in the table': async (page, context) => {
		if (!context.mock) return;
		await open(page, context, '/segments/flows?fact=engagement.level');
		await page.locator('table button').first().click();
		await page.waitForURL(/was=light&is=inactive/);
		await page.locator('dialog a.row').first().waitFor();
		await page.keyboard.press('Escape');
		await page.waitForURL((url) => !url.search.includes('was='));
		// The largest flow lies at the top: heavy stays heavy.
		const box = await page.locator('.chart').boundingBox();
		await page.mouse.click(box.x + box.width / 2, box.y + 30);
		await page.waitForURL(/was=heavy&is=heavy/);
	},
	'people are pasted into a list, and what is unknown is said': async (page, context) => {
		if (!context.mock) return;
		await open(page, context, '/segments/lists?list=vip');
		await page.getByRole('textbox', { name: 'E-mails or user ids' }).fill('a@example.com\nnobody@example.com, 10482');
		await page.getByRole('button', { name: 'Add 3' }).click();
		await page.getByText('2 people added').waitFor();
		await page.getByRole('status').getByText('nobody@example.com').waitFor();
		must((await page.getByRole('textbox', { name: 'E-mails or user ids' }).inputValue()) === 'nobody@example.com', 'what was not found is not kept');
	},
	'a webhook shows its secret once, and a test says what came back': async (page, context) => {
		if (!context.mock) return;
		await open(page, context, '/settings/webhooks');
		await page.getByRole('button', { name: 'Send a test' }).nth(1).click();
		await page.getByText('No good answer: 503 Service Unavailable').waitFor();
		await page.getByRole('button', { name: 'Add webhook' }).click();
		await page.getByRole('textbox', { name: 'Address' }).fill('https://example.com/in');
		await page.locator('dialog').getByRole('button', { name: 'Add webhook' }).click();
		await page.getByText('only this once').waitFor();
	},
	'a picture is copied': async (page, context) => {
		await open(page, context, '/insights/new');
		await page.getByRole('button', { name: 'Picture' }).click();
		await page.getByText(/The picture is/).waitFor();
	},
	'evidence can be undone with a reason': async (page, context) => {
		if (!context.mock) return;
		await open(page, context, '/customers/7100000000?why=1');
		await page.getByRole('button', { name: 'Undo' }).first().click();
		await page.getByLabel('Reason').fill('shared address');
		await page.getByRole('button', { name: 'Separate them' }).click();
		await page.getByText('shared address').waitFor();
	},
	'what somebody said is noted, and their preference link is copied': async (page, context) => {
		if (!context.mock) return;
		await open(page, context, '/customers/7100000000');
		await page.getByRole('button', { name: 'Note what they said' }).click();
		await page.getByText('They refuse').click();
		await page.getByLabel('Channel').selectOption('sms');
		const sent = page.waitForRequest((request) => request.method() === 'POST' && request.url().endsWith('/consents'));
		await page.getByRole('button', { name: 'Note it' }).click();
		must((await sent).postData() === '{"state":"denied","channel":"sms","topic":null,"method":"phone"}', 'something else is noted than was chosen');
		await page.locator('dialog').waitFor({ state: 'detached' });
		await page.getByRole('button', { name: 'Preference link' }).click();
		await page.getByText('The address is copied').waitFor();
		must((await page.evaluate(() => navigator.clipboard.readText())).includes('/preferences/'), 'the address is not on the clipboard');
	},
	'what waits to be confirmed is asked again, an address revived, and somebody taken out': async (page, context) => {
		if (!context.mock) return;
		await open(page, context, '/customers/7100000000');
		const told = (path) => page.waitForRequest((request) => request.method() === 'POST' && request.url().endsWith(path));
		const asked = told('/confirmation-mail');
		await page.getByRole('button', { name: 'Ask again' }).click();
		must((await asked).postData() === '{"topic":"news"}', 'something else is asked for again');
		await page.getByRole('button', { name: 'Send again' }).click();
		await page.locator('dialog').getByText('550 5.1.1').waitFor();
		const revived = told('/revive-address');
		await page.locator('dialog').getByRole('button', { name: 'Send again' }).click();
		must((await revived).postData() === '{"channel":"email"}', 'another channel is revived');
		await page.locator('dialog').waitFor({ state: 'detached' });
		await page.getByRole('button', { name: /^Take out/ }).first().click();
		const out = told('/take-out');
		await page.locator('dialog').getByRole('button', { name: 'Take out' }).click();
		must((await out).postData() === '{"person_id":"7100000000"}', 'somebody else is taken out');
		await page.locator('dialog').waitFor({ state: 'detached' });
		await open(page, context, '/engage/sending');
		const replayed = told('/failed-acts/replay');
		await page.getByRole('button', { name: /^Try again: Webhook/ }).first().click();
		must((await replayed).postData() === '{"id":"act_f0"}', 'another act is tried again');
		await page.getByText('1 is tried again').waitFor();
	},
	'what was said leads to the text that was shown': async (page, context) => {
		if (!context.mock) return;
		await open(page, context, '/customers/7100000000');
		await page.getByRole('button', { name: 'Show history' }).click();
		await page.waitForURL(/consent=1/);
		await page.getByRole('link', { name: 'newsletter, version 1' }).click();
		await page.waitForURL(/privacy\/requests\?notice=newsletter/);
		await page.getByText('Ja, ich möchte den Newsletter erhalten.').waitFor();
	},
	'a customer gets their data as a file': async (page, context) => {
		if (!context.mock) return;
		await open(page, context, '/customers/7100000000');
		await page.getByRole('button', { name: 'Their rights over their data' }).press('Enter');
		const file = page.waitForEvent('download');
		await page.getByRole('button', { name: 'Give them their data' }).press('Enter');
		must((await file).suggestedFilename() === 'customer-7100000000.json', 'the file has another name');
		await page.getByText('The file is in your downloads').waitFor();
	},
	'a customer is erased only once the word is typed': async (page, context) => {
		if (!context.mock) return;
		await open(page, context, '/customers/7100000000');
		await page.getByRole('button', { name: 'Their rights over their data' }).click();
		await page.getByRole('button', { name: 'Erase' }).click();
		const erase = page.locator('dialog').getByRole('button', { name: 'Erase' });
		must(await erase.isDisabled(), 'it can be done without the word');
		await page.getByLabel('To go on, type').fill('erase');
		await erase.click();
		await page.waitForURL(/\/customers$/);
		await page.getByText('The customer is erased').waitFor();
	},
	'a topic is added in a language of its own': async (page, context) => {
		if (!context.mock) return;
		await open(page, context, '/privacy/requests');
		await page.getByRole('button', { name: 'Add topic' }).click();
		await page.getByLabel('Key').fill('walks');
		await page.getByLabel('Language to add').fill('de');
		await page.keyboard.press('Enter');
		await page.getByRole('group', { name: 'German' }).getByLabel('Name').fill('Wanderungen');
		await page.getByLabel('Must be confirmed').check();
		const sent = page.waitForRequest((request) => request.method() === 'PUT');
		await page.getByRole('button', { name: 'Save' }).click();
		const { names, channels, double_opt_in } = (await sent).postDataJSON();
		must(JSON.stringify({ names, channels, double_opt_in }) === '{"names":{"de":"Wanderungen"},"channels":["email"],"double_opt_in":true}', 'something else is saved than was typed');
		await page.locator('dialog').waitFor({ state: 'detached' });
	},
	'whoever is not kept out cannot be taken in again': async (page, context) => {
		if (!context.mock) return;
		context.refusals.push('404');
		await open(page, context, '/privacy/requests');
		await page.getByRole('textbox', { name: 'Identifier' }).fill('nobody@example.com');
		await page.getByRole('button', { name: 'Take in again' }).click();
		await page.getByText('This identifier is not kept out').waitFor();
	},
	'a new key is shown once': async (page, context) => {
		if (!context.mock) return;
		await open(page, context, '/data/sources/src_1?view=keys');
		await page.getByRole('button', { name: 'Create key' }).click();
		await page.getByText('only this once').waitFor();
	},
	'text from outside stays text': async (page, context) => {
		if (!context.mock) return;
		await open(page, context, '/customers/7100000000');
		await page.getByText('<b>though</b>').waitFor();
	},
	'everything is there in Chinese': async (page, context) => {
		await open(page, context, '/');
		await page.getByRole('heading', { name: '首页' }).waitFor();
		must((await page.evaluate(() => document.documentElement.lang)) === 'zh-CN', 'the language is not said');
		await open(page, context, '/insights/new');
		await page.getByText('漏斗').first().waitFor();
		await page.getByText(/完成了全部 \d+ 步/).waitFor();
		await open(page, context, '/segments/new?template=frequent');
		await page.getByText(/做过“Order Completed”至少 \d+ 次的客户/).waitFor();
		await open(page, context, '/segments/flows');
		await page.getByRole('heading', { name: '生命周期阶段' }).waitFor();
		await open(page, context, '/privacy/requests');
		await page.getByRole('heading', { name: '人们同意的文本' }).waitFor();
	},
	'a file is dropped, looked at, imported, and its rejects are shown': async (page, context) => {
		if (context.mock) return;
		const line = (n) => `${n},walk-${n % 7},2026-03-${String(n).padStart(2, '0')},tent,1,10.00`;
		const lines = ['order_no,customer_id,order_date,sku,qty,unit_price', ...Array.from({ length: 28 }, (_, i) => line(i + 1)), '29,walk-1,2026-13-45,tent,1,10.00'];
		await open(page, context, '/data/imports');
		await page.locator('input[type=file]').setInputFiles({ name: 'walk-orders.csv', mimeType: 'text/csv', buffer: Buffer.from(lines.join('\n')) });
		await page.waitForURL(/\/data\/imports\/imp_/);
		await page.getByText('customer_id').first().waitFor();
		await page.getByRole('button', { name: 'Start import' }).click();
		await page.getByText('Rows read').waitFor();
		await page.getByText('bad_date').first().waitFor();
		must((await page.locator('main').innerText()).includes('29'), 'the report does not count the rows');
		await page.reload();
		await page.getByText('bad_date').first().waitFor();
		// The list of customers follows the events within a second or two.
		const found = page.locator('tbody tr a.open').first();
		for (let tries = 0; tries < 5; tries++) {
			await open(page, context, '/customers?search=walk-3');
			if (await found.waitFor({ timeout: 2000 }).then(() => true, () => false)) return;
		}
		must(false, 'the imported customers are not found');
	},
	'a template is edited by keyboard, undone, saved with Ctrl S, and not left unsaved': async (page, context) => {
		const made = context.mock ? 'abandoned-cart' : (await (await page.request.get(`${context.base}/api/v1/message-templates`)).json()).rows.find((row) => row.form === 'email').key;
		await open(page, context, `/engage/templates/${made}`);
		const heads = page.locator('.edit > .stack > .list > ol > li > .line > .head');
		await heads.first().waitFor();
		const kinds = () => heads.locator('.kind').allInnerTexts();
		const before = await kinds();
		await heads.first().press('Alt+ArrowDown');
		must((await kinds())[0] === before[1], 'Alt and arrow down does not move the block');
		must((await page.evaluate(() => document.activeElement?.dataset.block ?? '')).endsWith('blocks[1]'), 'the focus does not stay on the moved block');
		await page.keyboard.press('Control+z');
		must((await kinds()).join() === before.join(), 'undo does not bring the order back');
		await page.keyboard.press('Control+Shift+z');
		must((await kinds())[0] === before[1], 'redo does not do it again');
		await page.getByRole('button', { name: 'Add block' }).click();
		await page.getByRole('button', { name: 'Button', exact: true }).click();
		await page.getByRole('textbox', { name: 'What stands on it' }).fill('Walked here');
		await page.getByRole('button', { name: 'Insert value' }).click();
		await page.getByRole('searchbox', { name: 'Find a value' }).fill('last name');
		await page.locator('dialog li button').first().click();
		must((await page.getByRole('textbox', { name: 'What stands on it' }).inputValue()) === 'Walked here{{ profile.last_name|default("") }}', 'the value did not go to where the writer was');
		await page.getByRole('link', { name: 'Customers' }).first().click();
		await page.locator('dialog').getByRole('button', { name: 'Stay' }).click();
		must(page.url().includes(`/engage/templates/${made}`), 'an unsaved draft was left');
		await page.keyboard.press('Control+s');
		await page.getByText('Saved', { exact: true }).waitFor();
		await page.getByRole('link', { name: 'Customers' }).first().click();
		await page.waitForURL(/\/customers/);
	},
	'a finding leads to its place': async (page, context) => {
		const made = context.mock ? 'abandoned-cart' : (await (await page.request.get(`${context.base}/api/v1/message-templates`)).json()).rows.find((row) => row.form === 'email').key;
		await open(page, context, `/engage/templates/${made}`);
		await page.locator('[data-place$=".subject"]').fill('Hi {{ profile.frist_name }}');
		await page.getByRole('button', { name: 'Add block' }).click();
		await page.getByRole('button', { name: 'Button', exact: true }).click();
		await page.getByRole('textbox', { name: 'Where it leads' }).fill('javascript:alert(1)');
		await page.locator('[data-block]').first().click();
		await page.getByRole('button', { name: /This link would be left out/ }).click();
		must((await page.evaluate(() => document.activeElement?.value)) === 'javascript:alert(1)', 'the block did not open at its address');
		await page.getByRole('button', { name: /frist_name` is no token/ }).click();
		must((await page.evaluate(() => document.activeElement?.dataset.place))?.endsWith('.subject'), 'the finding does not lead to the subject');
	},
	'an experiment is planned, saved, started and decided': async (page, context) => {
		await open(page, context, '/engage/experiments/new');
		await page.getByRole('textbox', { name: 'Name', exact: true }).first().fill(context.mock ? 'Walked' : `Walked ${Date.now()}`);
		await page.getByText(/^About [\d.,]+ days/).waitFor();
		await page.getByRole('button', { name: 'Add guardrail' }).click();
		await page.getByRole('button', { name: 'Save' }).click();
		await page.waitForURL(/\/engage\/experiments\/[^/]+$/);
		await page.getByRole('button', { name: 'Start' }).click();
		await page.getByText('It runs', { exact: true }).waitFor();
		await page.getByRole('button', { name: 'Decide' }).click();
		await page.locator('dialog').getByRole('button', { name: 'Decide' }).click();
		await page.getByText('It is decided', { exact: true }).waitFor();
		must(await page.getByText(/^Everybody gets/).first().isVisible(), 'it does not say who gets what now');
	},
	'the frame of a preview can do nothing': async (page, context) => {
		await open(page, context, `/engage/templates/${context.mock ? 'birthday' : (await (await page.request.get(`${context.base}/api/v1/message-templates`)).json()).rows.find((row) => row.form === 'email').key}`);
		const frame = page.locator('.look iframe');
		await frame.waitFor();
		must((await frame.getAttribute('sandbox')) === '', 'the frame is not sandboxed');
		const content = await frame.getAttribute('srcdoc');
		must(content.includes("default-src 'none'") && !/<a [^>]*href/.test(content) && !content.includes('<script'), 'the frame holds what could act');
	},
	'a journey is built by keyboard alone, undone and saved': async (page, context) => {
		const key = context.mock ? 'review' : (await (await page.request.get(`${context.base}/api/v1/journeys`)).json()).rows.find((row) => row.kind === 'journey')?.key;
		if (!key) return;
		await open(page, context, `/engage/journeys/${key}?view=outline`);
		const lines = page.locator('[data-line][data-node]');
		const before = await lines.count();
		await page.locator('[data-line]').first().focus();
		await page.keyboard.press('ArrowDown');
		await page.keyboard.press('Insert');
		await page.locator('dialog').getByRole('button', { name: /^Goal/ }).press('Enter');
		await page.waitForURL(/step=goal/);
		must((await lines.count()) === before + 1, 'the step was not added');
		// What the step says is where one is, and Escape leads back; Enter leads in again.
		const isIn = () => page.evaluate(() => !!document.activeElement?.closest('.panel fieldset'));
		await page.waitForFunction(() => document.activeElement?.closest('.panel fieldset'));
		await page.keyboard.press('Escape');
		must(!(await isIn()) && (await page.evaluate(() => document.activeElement?.dataset.node)) === 'goal', 'Escape does not lead back to the step');
		await page.keyboard.press('Enter');
		await page.waitForFunction(() => document.activeElement?.closest('.panel fieldset'));
		await page.keyboard.press('Control+z');
		must((await lines.count()) === before, 'undo did not take it out');
		await page.keyboard.press('Control+Shift+z');
		await page.getByText('Not saved yet').waitFor();
		await page.locator('[data-node="goal"]').focus();
		await page.keyboard.press('Delete');
		must((await lines.count()) === before, 'Delete did not take it out');
		await page.getByRole('textbox', { name: 'Once at a time for each' }).fill('order_id');
		await page.keyboard.press('Control+s');
		await page.getByText('Saved', { exact: true }).waitFor();
		must((await page.getByText('Not saved yet').count()) === 0, 'it is still said not to be saved');
	},
	'every kind of step is added and filled in by keyboard alone': async (page, context) => {
		if (!context.mock) return;
		await open(page, context, '/engage/journeys/review?view=outline');
		await page.locator('[data-line]').first().focus();
		await page.keyboard.press('Insert');
		const kinds = await page.locator('dialog li button .strong').allInnerTexts();
		must(kinds.length >= 10, `only ${kinds.length} kinds of steps`);
		await page.keyboard.press('Escape');
		for (const kind of kinds) {
			await page.locator('[data-line]').first().focus();
			await page.keyboard.press('Insert');
			await page.locator('dialog').waitFor();
			// Tab leads to each kind in turn.
			for (let i = 0; i <= kinds.length + 2; i++) {
				if ((await page.evaluate(() => document.activeElement?.querySelector('.strong')?.textContent)) === kind) break;
				await page.keyboard.press('Tab');
			}
			await page.keyboard.press('Enter');
			await page.waitForFunction(() => document.activeElement?.closest('.panel fieldset'));
			// Every field of it is reached by Tab, up to the way on.
			const wanted = await page.locator('.panel fieldset').first().locator('select, input, textarea, button').filter({ visible: true }).count();
			const reached = new Set();
			for (let i = 0; i < wanted + 4; i++) {
				const at = await page.evaluate(() => [...(document.querySelector('.panel fieldset')?.querySelectorAll('select, input, textarea, button') ?? [])].indexOf(document.activeElement));
				if (at >= 0) reached.add(at);
				await page.keyboard.press('Tab');
			}
			must(reached.size >= Math.min(wanted, 2), `${kind}: ${reached.size} of ${wanted} fields are reached`);
			await page.keyboard.press('Control+z');
		}
	},
	'links and pictures of a template are asked by a button only': async (page, context) => {
		if (!context.mock) return;
		const asked = [];
		page.on('request', (request) => request.url().endsWith('/message-links') && asked.push(request.url()));
		const rows = (await (await page.request.get(`${context.base}/api/v1/message-templates`)).json()).rows;
		await open(page, context, `/engage/templates/${rows.find((row) => row.form === 'email').key}`);
		must(asked.length === 0, 'links are asked without being told to');
		await page.getByRole('button', { name: 'Ask links and pictures' }).click();
		await page.getByText('This link answers 404').waitFor();
		await page.getByText('3 addresses were asked').waitFor();
		await page.getByRole('textbox', { name: /^Subject/ }).fill('Another subject');
		await page.getByText('This link answers 404').waitFor({ state: 'detached' });
		must(asked.length === 1, 'links are asked while somebody writes');
	},
	'a journey with errors cannot be launched, and a finding leads to its step': async (page, context) => {
		if (!context.mock) return;
		await open(page, context, '/engage/journeys/review?view=outline');
		await page.getByRole('button', { name: /choose a template/ }).click();
		await page.waitForURL(/step=plain/);
		await page.getByRole('button', { name: 'Launch', exact: true }).click();
		const dialog = page.locator('dialog');
		await dialog.getByText('1 error in the plan').waitFor();
		await dialog.getByText('Nothing is set up to send by Text messages').waitFor();
		must(await dialog.getByRole('button', { name: 'Launch', exact: true }).isDisabled(), 'a wrong journey can be launched');
	},
	'a step comes into an edge of the canvas of a journey': async (page, context) => {
		if (!context.mock) return;
		await open(page, context, '/engage/journeys/review?view=canvas');
		await page.locator('.svelte-flow__node').first().waitFor();
		const before = await page.locator('.svelte-flow__node-step').count();
		await page.getByRole('button', { name: /Add a step after Put on list vip/ }).click();
		await page.locator('dialog').getByRole('button', { name: /^Webhook/ }).click();
		await page.getByRole('textbox', { name: 'Address' }).fill('https://example.com/hook');
		must((await page.locator('.svelte-flow__node-step').count()) === before + 1, 'the step is not on the canvas');
		await page.getByText('Tell https://example.com/hook').first().waitFor();
	},
	'an empty month of the calendar leads to the month that is not': async (page, context) => {
		if (!context.mock) return;
		await open(page, context, '/engage/calendar?month=2026-07');
		await page.getByText('Nothing goes out in July 2026').waitFor();
		await page.locator('main .empty').getByRole('button', { name: / (went|goes) out on / }).first().click();
		await page.waitForURL((url) => url.searchParams.get('month') !== '2026-07');
		await page.locator('main .days li').first().waitFor();
	},
	'a readout begins with its answer, with every column of its effects in sight': async (page, context) => {
		await open(page, context, '/engage/experiments');
		await page.getByRole('row').filter({ hasText: 'Running' }).filter({ hasText: 'Experiment' }).locator('a.open').first().click();
		await page.getByRole('heading', { name: 'What we can and cannot say' }).waitFor();
		const first = await page.locator('.verdict .first').innerText();
		must(!first.startsWith('You may look at any time'), `the answer is how to read it: ${first}`);
		const hidden = await page.locator('div.wide:has(table[aria-label="Effects"])').evaluate((box) => box.scrollWidth - box.clientWidth);
		must(hidden <= 0, `${hidden} px of the effects are out of sight`);
	}
};
