// Runs a programme as people do.
import { must, open, sent } from './steps.mjs';

export const loyaltyScenarios = {
	'from what is outstanding to who loses points soon, and from a rule to what it gives': async (page, context) => {
		await open(page, context, '/loyalty');
		const rows = page.getByRole('table', { name: 'When it lapses' });
		if (!(await rows.count())) return;
		await page.getByRole('link', { name: 'Who loses points within 30 days' }).click();
		await page.waitForURL(/\/segments\/new\?condition=/);
		must(decodeURIComponent(page.url()).includes('points.points.expires_at'), 'the way to the people asks for something else');
		await open(page, context, '/loyalty');
		await page.getByRole('table', { name: 'Where points come from' }).getByRole('link').first().click();
		await page.waitForURL(/\/loyalty\/rules\/[\w-]+$/);
		await page.getByRole('heading', { name: 'Try it on a real order' }).waitFor();
	},
	'a rule is tried on a real order before it is saved, and goes live as another version': async (page, context) => {
		if (!context.mock) return;
		await open(page, context, '/loyalty/rules/euro');
		const rated = page.getByRole('table', { name: 'Try it on a real order' });
		await rated.waitFor();
		const before = await rated.getByRole('row', { name: /^A point for each euro/ }).innerText();
		const { body: asked } = await sent(page, 'POST', '/loyalty/ratings', () => page.getByLabel('How many points', { exact: true }).fill('4'));
		const tried = asked.rules.find((it) => it.key === 'euro');
		must(tried.gives.points === 4 && asked.rules.length > 3 && asked.rules.every((it) => it.event === 'Order Completed'), `tried ${JSON.stringify(asked.rules)}`);
		await page.waitForFunction((text) => ![...document.querySelectorAll('tr.own')].some((row) => row.innerText === text), before);
		must((await rated.getByRole('row', { name: /^A point for each euro/ }).innerText()) !== before, 'four times as many points are rated the same');
		const { url, body } = await sent(page, 'PUT', '/loyalty/rules/', () => page.getByRole('button', { name: 'Save', exact: true }).click());
		must(url.endsWith('/rules/euro') && body.version === 1 && body.state === 'live' && body.rule.gives.points === 4, `saved ${JSON.stringify(body)}`);
	},
	'a condition of the event and of the person is one condition of the rule': async (page, context) => {
		if (!context.mock) return;
		await open(page, context, '/loyalty/rules/big-basket');
		await page.getByText('Who must have done it').waitFor();
		await page.getByLabel('How many points', { exact: true }).fill('60');
		const { body } = await sent(page, 'PUT', '/loyalty/rules/', () => page.getByRole('button', { name: 'Save', exact: true }).click());
		must(body.rule.when.all.length === 2 && 'property' in body.rule.when.all[0] && 'fact' in body.rule.when.all[1], `saved ${JSON.stringify(body.rule.when)}`);
	},
	'a draft goes live with one press, and a new rule lacks a name': async (page, context) => {
		if (!context.mock) return;
		await open(page, context, '/loyalty/rules?state=draft');
		await page.getByRole('link', { name: 'Points for a visit to the shop' }).click();
		await page.waitForURL(/\/rules\/visit$/);
		const { body } = await sent(page, 'PUT', '/loyalty/rules/visit', () => page.getByRole('button', { name: 'Go live' }).click());
		must(body.state === 'live', `became ${body.state}`);
		await open(page, context, '/loyalty/rules/new');
		must(await page.getByRole('button', { name: 'Go live' }).isDisabled(), 'a rule without a name can go live');
		await page.getByLabel('Name', { exact: true }).fill('Double points on tents');
		const { url } = await sent(page, 'PUT', '/loyalty/rules/', () => page.getByRole('button', { name: 'Save draft' }).click());
		must(url.endsWith('/rules/double-points-on-tents'), `saved as ${url}`);
	},
	'a wallet says in words what a change does, and the programme is saved whole': async (page, context) => {
		if (!context.mock) return;
		await open(page, context, '/loyalty/program');
		const points = page.getByRole('group', { name: 'Points', exact: true });
		await points.getByText('can be spent from 6 Dec 2026 and lapse after 30 Nov 2027', { exact: false }).waitFor();
		await points.getByLabel('To the end of which period Points last').selectOption('year');
		await points.getByText('lapse after 31 Dec 2027', { exact: false }).waitFor();
		const { body } = await sent(page, 'PUT', '/loyalty/program', () => page.getByRole('button', { name: 'Save' }).click());
		must(body.version === 2 && body.program.wallets.length === 3 && body.program.wallets[0].expiry.rounding === 'year' && body.program.rates.length === 1, `saved ${JSON.stringify(body)}`);
	},
	'why a balance is what it is, down to what moved in a lot, also at another time': async (page, context) => {
		if (!context.mock) return;
		await open(page, context, '/loyalty/members');
		await page.getByRole('table', { name: 'Members' }).getByRole('link').first().click();
		await page.waitForURL(/\/loyalty\/members\/\d+$/);
		await page.getByText('in 6 lots', { exact: false }).waitFor();
		await page.locator('details summary').nth(1).click();
		await page.getByRole('row', { name: /Set aside at the checkout/ }).waitFor();
		const answer = page.waitForRequest((request) => request.url().includes('/why?') && request.url().includes('at=2026-06-30T23'));
		await page.getByLabel('As of').fill('2026-06-30');
		await answer;
		await page.waitForURL(/day=2026-06-30/);
		const known = page.waitForRequest((request) => request.url().includes('known_at=2026-06-30T23'));
		await page.getByLabel('as known then').check();
		await known;
	},
	'points are given by hand only with a reason, once': async (page, context) => {
		if (!context.mock) return;
		await open(page, context, '/loyalty/members');
		await page.getByRole('table', { name: 'Members' }).getByRole('link').first().click();
		await page.getByRole('button', { name: 'Adjust balance' }).click();
		const dialog = page.locator('dialog');
		await dialog.getByLabel('How many').fill('150');
		const give = dialog.getByRole('button', { name: 'Give them' });
		must(await give.isDisabled(), 'points are given without a reason');
		await dialog.getByLabel('Reason').fill('Parcel came a week late');
		const { body } = await sent(page, 'POST', '/loyalty/operations', () => give.click());
		const [operation] = body.operations;
		must(operation.act.kind === 'adjust' && operation.act.amount === 150 && operation.reason === 'Parcel came a week late' && operation.id.startsWith('console-'), `sent ${JSON.stringify(body)}`);
		await dialog.waitFor({ state: 'detached' });
		await page.getByRole('button', { name: 'Adjust balance' }).click();
		await dialog.getByText('Take', { exact: true }).click();
		await dialog.getByLabel('How many').fill('99999');
		await dialog.getByText('are available', { exact: false }).waitFor();
		must(await dialog.getByRole('button', { name: 'Take them' }).isDisabled(), 'more can be taken than there is');
	},
	'a member is blocked after being told what that does': async (page, context) => {
		if (!context.mock) return;
		await open(page, context, '/loyalty/members?standing=active');
		await page.getByRole('table', { name: 'Members' }).getByRole('link').nth(1).click();
		await page.getByRole('button', { name: 'More', exact: true }).click();
		await page.getByRole('button', { name: 'Block' }).click();
		const dialog = page.locator('dialog');
		await dialog.getByText('cannot spend anything', { exact: false }).waitFor();
		const { body } = await sent(page, 'PATCH', '/loyalty/members/', () => dialog.getByRole('button', { name: 'Block' }).click());
		must(body.standing === 'blocked', `became ${body.standing}`);
	}
};
