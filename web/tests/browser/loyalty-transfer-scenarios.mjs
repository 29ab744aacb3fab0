// Points that members send each other, as staff do it for them; and what the programme allows.
import { must, open, sent } from './steps.mjs';
const MEMBER = '/loyalty/members/5100000000000';

export const loyaltyTransferScenarios = {
	'loyalty-transfers: points go to another member, and a gift shows its code once': async (page, context) => {
		if (!context.mock) return;
		await open(page, context, `${MEMBER}?view=transfers`);
		await page.getByText('waits for its code until', { exact: false }).waitFor();
		await page.getByText('More than they may send this year').waitFor();
		await page.getByRole('button', { name: 'Send points' }).click();
		const dialog = page.locator('dialog');
		const button = dialog.getByRole('button', { name: 'Send points' });
		await dialog.getByLabel('How many').fill('50');
		must(await button.isDisabled(), 'fewer than can be sent at once are sent');
		await dialog.getByLabel('How many').fill('200');
		must(await button.isDisabled(), 'points are sent to nobody');
		await dialog.getByLabel('Who gets it').fill('51000000079');
		await dialog.getByRole('listitem').getByRole('button').first().click();
		await dialog.getByLabel('A few words', { exact: false }).fill('For the tent');
		const { body } = await sent(page, 'POST', '/loyalty/transfers', () => button.click());
		must(body.member_id === '5100000000000' && body.to_member_id === '5100000007919' && body.points === 200 && body.wallet === 'points' && body.reason === 'For the tent' && body.id.startsWith('console-'), `sent ${JSON.stringify(body)}`);
		await dialog.waitFor({ state: 'detached' });
		await page.getByRole('button', { name: 'Send points' }).click();
		await dialog.getByText('As a gift by code').click();
		await dialog.getByLabel('How many').fill('300');
		const { body: gift } = await sent(page, 'POST', '/loyalty/transfers', () => dialog.getByRole('button', { name: 'Make the gift' }).click());
		must(!('to_member_id' in gift) && gift.points === 300, `made ${JSON.stringify(gift)}`);
		await dialog.getByText('R7K2-M4PX-9QT3').waitFor();
	},
	'loyalty-transfers: a gift is called off, a transfer undone with a reason, a code claimed': async (page, context) => {
		if (!context.mock) return;
		await open(page, context, `${MEMBER}?view=transfers`);
		const dialog = page.locator('dialog');
		must((await page.getByRole('button', { name: 'Undo' }).count()) === 3, 'something that is over can be undone');
		await page.getByRole('button', { name: 'Call off' }).click();
		const { url } = await sent(page, 'POST', '/loyalty/transfers/', () => dialog.getByRole('button', { name: 'Call off' }).click());
		must(url.endsWith('/trf_0/cancelled'), `called off ${url}`);
		await dialog.waitFor({ state: 'detached' });
		await page.getByRole('button', { name: 'Undo' }).first().click();
		must(await dialog.getByRole('button', { name: 'Undo' }).isDisabled(), 'undone without a reason');
		await dialog.getByLabel('Reason; the sender can see it').fill('To the wrong Tariq');
		await dialog.getByLabel('Whoever got it owes', { exact: false }).check();
		const { body } = await sent(page, 'POST', '/trf_1/reversed', () => dialog.getByRole('button', { name: 'Undo' }).click());
		must(body.reason === 'To the wrong Tariq' && body.shortage === 'into_arrears', `undone ${JSON.stringify(body)}`);
		await dialog.waitFor({ state: 'detached' });
		context.refusals.push('404');
		await page.getByRole('button', { name: 'Claim a gift' }).click();
		await dialog.getByLabel('Code of the gift').fill('WRONG');
		await dialog.getByRole('button', { name: 'Claim a gift' }).click();
		await dialog.getByText('No gift has this code.').waitFor();
		await dialog.getByLabel('Code of the gift').fill('R7K2-M4PX-9QT3');
		const { body: claimed } = await sent(page, 'POST', '/transfers/claim', () => dialog.getByRole('button', { name: 'Claim a gift' }).click());
		must(claimed.member_id === '5100000000000', `claimed ${JSON.stringify(claimed)}`);
		await page.getByText('300 points arrived.').waitFor();
	},
	'loyalty-transfers: the programme says what may be sent': async (page, context) => {
		if (!context.mock) return;
		await open(page, context, '/loyalty/program');
		const save = page.getByRole('button', { name: 'Save', exact: true });
		await page.getByLabel('At most at once').fill('50');
		await page.getByText('No limit is below the fewest', { exact: false }).waitFor();
		must(await save.isDisabled(), 'limits that let nothing be sent can be saved');
		await page.getByLabel('At most at once').fill('');
		await page.getByLabel('Days that a gift waits').fill('');
		const { body } = await sent(page, 'PUT', '/loyalty/program', () => save.click());
		must(body.program.transfers.most === null && body.program.transfers.claim_days === null && body.program.transfers.least === 100, `saved ${JSON.stringify(body.program.transfers)}`);
		await page.getByLabel('Members may send each other points').uncheck();
		const { body: off } = await sent(page, 'PUT', '/loyalty/program', () => save.click());
		must(off.program.transfers === null, `saved ${JSON.stringify(off.program.transfers)}`);
	},
	'loyalty-transfers: a Chinese reader sees what was sent': async (page, context) => {
		if (!context.mock) return;
		await open(page, context, `${MEMBER}?view=transfers`);
		await page.getByText('今年', { exact: false }).or(page.getByText('超过今年可送出的数量')).first().waitFor();
		const text = await page.locator('main').innerText();
		const bare = /\btransfers\.[a-z_]+/.exec(text) ?? /\{\w+\}/.exec(text);
		must(!bare, `it says ${bare?.[0]}`);
	}
};
