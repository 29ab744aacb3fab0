// Points given and taken by hand, as people do it: with a second person, as goodwill, for many at once, out of a file.
import { chooseHistory } from './loyalty-pages.mjs';
import { must, open, sent } from './steps.mjs';

export const loyaltyHandScenarios = {
	'loyalty changes: what waits is approved or declined by somebody else, and who was quicker is said': async (page, context) => {
		if (!context.mock) return;
		await open(page, context, '/');
		await page.getByRole('link', { name: 'Decide 2 changes of points' }).click();
		await page.waitForURL(/\/loyalty\/changes$/);
		await page.getByRole('link', { name: 'Approvals 2' }).waitFor();
		const waiting = page.getByRole('list', { name: 'Waiting for a second person' });
		await waiting.getByText('You asked for it', { exact: false }).waitFor();
		must((await waiting.getByRole('button', { name: 'Approve' }).count()) === 2, 'one’s own change can be approved');
		const dialog = page.locator('dialog');
		await waiting.getByRole('button', { name: 'Approve' }).first().click();
		await dialog.getByText('Available now', { exact: false }).waitFor();
		await dialog.getByLabel('What you say to it', { exact: false }).fill('Of course');
		const { url, body } = await sent(page, 'POST', '/loyalty/changes/', () => dialog.getByRole('button', { name: 'Approve' }).click());
		must(url.endsWith('/chg_1/approved') && body.answer === 'Of course', `said ${url} ${JSON.stringify(body)}`);
		await dialog.waitFor({ state: 'detached' });
		context.refusals.push('409');
		await waiting.getByRole('button', { name: 'Approve' }).nth(1).click();
		await dialog.getByRole('button', { name: 'Approve' }).click();
		await dialog.getByText('Somebody decided this change already', { exact: false }).waitFor();
		must(!(await dialog.getByRole('button', { name: 'Approve' }).count()), 'what somebody else decided can be approved again');
		await dialog.getByRole('button', { name: 'Close' }).last().click();
		await waiting.getByRole('button', { name: 'Decline' }).first().click();
		const { url: declined } = await sent(page, 'POST', '/loyalty/changes/', () => dialog.getByRole('button', { name: 'Decline' }).click());
		must(declined.endsWith('/chg_1/declined'), `said ${declined}`);
		await page.getByRole('group', { name: 'State' }).getByText('Refused').click();
		await page.waitForURL(/state=refused/);
		await page.getByRole('table', { name: 'What was decided' }).getByText('Too few points', { exact: false }).waitFor();
	},
	'loyalty changes: goodwill is there for everybody to see, with who gave it and what was taken back': async (page, context) => {
		if (!context.mock) return;
		await open(page, context, '/loyalty/changes');
		const given = page.getByRole('table', { name: 'Goodwill' });
		await given.getByRole('row', { name: /Aylin Demir.*150 points.*Hanna Nyberg.*Parcel came a week late/ }).waitFor();
		await given.getByText('300 points taken back', { exact: false }).waitFor();
		await given.getByRole('link', { name: 'Hanna Nyberg' }).click();
		await page.waitForURL(/\/loyalty\/members\/5100000000000$/);
	},
	'loyalty changes: more than one may change alone is asked for, and goodwill stays within the limit': async (page, context) => {
		if (!context.mock) return;
		await open(page, context, '/loyalty/members');
		await page.getByRole('table', { name: 'Members' }).getByRole('link').first().click();
		await page.getByText('wait for a second person', { exact: false }).first().waitFor();
		await page.getByRole('button', { name: 'Adjust balance' }).click();
		const dialog = page.locator('dialog');
		await dialog.getByText('You may change 5,000 points alone', { exact: false }).waitFor();
		await dialog.getByLabel('How many').fill('5001');
		await dialog.getByLabel('Reason').fill('Won the photo competition');
		const { body } = await sent(page, 'POST', '/loyalty/changes', () => dialog.getByRole('button', { name: 'Ask for it' }).click());
		must(body.amount === 5001, `asked ${JSON.stringify(body)}`);
		await page.getByText('at most 72 hours', { exact: false }).waitFor();
		await page.getByRole('button', { name: 'Give goodwill' }).click();
		await dialog.getByText('300 points a day, 2,000 points a month', { exact: false }).waitFor();
		await dialog.getByLabel('How many').fill('301');
		await dialog.getByLabel('Reason').fill('Parcel came a week late');
		await dialog.getByText('That is more than you have left: 300 of 300 points a day', { exact: false }).waitFor();
		const give = dialog.getByRole('button', { name: 'Give goodwill' });
		must(await give.isDisabled(), 'more than the limit can be given');
		await dialog.getByLabel('How many').fill('300');
		const { url, body: given } = await sent(page, 'POST', '/loyalty/goodwill', () => give.click());
		must(url.endsWith('/loyalty/goodwill') && given.points === 300 && given.reason === 'Parcel came a week late', `gave ${JSON.stringify(given)}`);
	},
	'loyalty changes: who may not decide sees what waits without buttons': async (page, context) => {
		if (!context.mock) return;
		await page.route('**/api/v1/me', async (route) => { const response = await route.fetch(); const me = await response.json(); await route.fulfill({ response, json: { ...me, user: { ...me.user, role: 'viewer' }, permissions: ['enter', 'view_reports', 'view_people'] } }); });
		await open(page, context, '/loyalty/changes');
		await page.getByText('Waiting for a second person').first().waitFor();
		must(!(await page.getByRole('button', { name: 'Approve' }).count()), 'a viewer can approve');
		for (const [path, name] of [['bulks', 'New adjustment'], ['bulks/blk_1', 'Start'], ['histories', 'Choose a CSV file'], ['simulator', 'New simulation'], ['simulator/sim_1', 'Delete']]) {
			await open(page, context, `/loyalty/${path}`);
			must(!(await page.getByText(name, { exact: true }).count()), `a viewer finds ${name} at ${path}`);
		}
	},
	'loyalty bulks: many members are chosen, looked at, started and undone': async (page, context) => {
		if (!context.mock) return;
		await open(page, context, '/loyalty/bulks');
		await page.getByRole('link', { name: 'New adjustment' }).click();
		await page.waitForURL(/\/bulks\/new$/);
		const look = page.getByRole('button', { name: 'Look at what would come of it' });
		await page.getByRole('combobox', { name: 'Segment' }).selectOption('reachable');
		await page.waitForURL(/segment=reachable/);
		await page.getByLabel('How many').fill('250');
		must(await look.isDisabled(), 'many are changed without a reason');
		await page.getByLabel('Reason', { exact: false }).fill('For the week in which the shop was closed');
		const { body } = await sent(page, 'POST', '/loyalty/bulks', () => look.click());
		must(body.segment === 'reachable' && body.amount === 250 && !body.member_ids && body.id.startsWith('console-'), `asked ${JSON.stringify(body)}`);
		await page.waitForURL(/\/bulks\/blk_1$/);
		await page.getByText('305 accounts would change, by 76,250 points in all', { exact: false }).waitFor();
		await page.getByText('7 would refuse: The account is closed (4), The wallet is full (3).', { exact: false }).waitFor();
		const dialog = page.locator('dialog');
		await page.getByRole('button', { name: 'Start', exact: true }).click();
		await dialog.getByText('It can be undone afterwards', { exact: false }).waitFor();
		const { url } = await sent(page, 'POST', '/started', () => dialog.getByRole('button', { name: 'Start' }).click());
		must(url.endsWith('/blk_1/started'), `started ${url}`);
		await dialog.waitFor({ state: 'detached' });
		await open(page, context, '/loyalty/bulks/blk_3');
		await page.getByRole('button', { name: 'Undo' }).click();
		const { url: undone } = await sent(page, 'POST', '/undone', () => dialog.getByRole('button', { name: 'Undo' }).click());
		must(undone.endsWith('/blk_3/undone'), `undid ${undone}`);
	},
	'loyalty bulks: members are pasted by their numbers, and what is none is named': async (page, context) => {
		if (!context.mock) return;
		await open(page, context, '/loyalty/bulks/new?whom=list');
		await page.getByLabel('Member numbers, one', { exact: false }).fill('5100000000000\nann@example.com');
		await page.getByText('no member numbers: ann@example.com', { exact: false }).waitFor();
		await page.getByLabel('Member numbers, one', { exact: false }).fill('5100000000000, 5100000007919; 5100000000000');
		await page.getByText('2 members', { exact: true }).waitFor();
		await page.getByText('Take', { exact: true }).click();
		await page.getByLabel('How many').fill('50');
		await page.getByLabel('Reason', { exact: false }).fill('Counted twice by the till');
		const { body } = await sent(page, 'POST', '/loyalty/bulks', () => page.getByRole('button', { name: 'Look at what would come of it' }).click());
		must(body.member_ids.length === 2 && body.amount === -50 && body.segment === undefined, `asked ${JSON.stringify(body)}`);
	},
	'loyalty histories: a file is tried before it comes in, and wrong lines are named': async (page, context) => {
		if (!context.mock) return;
		await open(page, context, '/loyalty/histories');
		await chooseHistory(page);
		const take = page.getByRole('button', { name: 'Bring them in' });
		must(await take.isDisabled(), 'a file comes in untried');
		const { body } = await sent(page, 'POST', '/loyalty/imports', () => page.getByRole('button', { name: 'Try it' }).click());
		must(body.dry_run && body.source === 'old-club' && body.who_is === 'email' && body.columns.who === 'E-mail' && body.columns.at === 'Earned' && body.columns.expires_at === 'Ends' && body.enrol, `tried ${JSON.stringify(body)}`);
		await page.getByText('2 members would get 170 points', { exact: false }).waitFor();
		await page.getByRole('table', { name: 'Line by line' }).getByRole('row', { name: /^4 The points are no whole number bea@example.com,lots/ }).waitFor();
		await page.getByLabel('Customers who are no members yet', { exact: false }).uncheck();
		await page.getByText('Something was changed since', { exact: false }).waitFor();
		must(await take.isDisabled(), 'something else comes in than was tried');
		await sent(page, 'POST', '/loyalty/imports', () => page.getByRole('button', { name: 'Try it' }).click());
		await page.getByText('2 members would get 170 points', { exact: false }).waitFor();
		const { body: taken } = await sent(page, 'POST', '/loyalty/imports', () => take.click());
		must(taken.dry_run === false && taken.enrol === false && taken.text === body.text, `brought in ${JSON.stringify(taken)}`);
		await page.getByText('2 members got 170 points', { exact: false }).waitFor();
	},
	'loyalty in Chinese: what is given by hand, tried and judged is said in Chinese': async (page, context) => {
		if (!context.mock) return;
		for (const [path, title] of [['changes', '审批'], ['bulks', '批量调整'], ['bulks/new', '新建调整'], ['histories', '导入历史'], ['simulator', '模拟'], ['simulator/new', '新建模拟'], ['effect?margin=35', '效果']]) {
			await open(page, context, `/loyalty/${path}`);
			await page.getByRole('heading', { name: title, exact: true, level: 1 }).waitFor();
			const text = await page.locator('main').innerText();
			const bare = /\b(changes|bulks|histories|simulator|works|buying|goodwill|loyalty)\.[a-z_]+/.exec(text) ?? /\{\w+\}/.exec(text);
			must(!bare, `${path} says ${bare?.[0]}`);
		}
	}
};
