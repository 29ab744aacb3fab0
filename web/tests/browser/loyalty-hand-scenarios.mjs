// Points given and taken by hand, as people do it: with a second person, as goodwill, for many at once, out of a file.
import { must, open, sent } from './steps.mjs';

export const loyaltyHandScenarios = {
	'loyalty changes: what waits is approved or declined by somebody else, and who was quicker is said': async (page, context) => {
		if (!context.mock) return;
		await open(page, context, '/loyalty/members');
		await page.getByRole('link', { name: 'Approvals 2' }).waitFor();
		await page.getByRole('link', { name: 'Approvals 2' }).click();
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
	}
};
