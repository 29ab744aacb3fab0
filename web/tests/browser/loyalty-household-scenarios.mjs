// What the programme says of households and of paying with points, and what staff do with a household.
import { must, open, sent } from './steps.mjs';
const MEMBER = '/loyalty/members/5100000000000';

export const loyaltyHouseholdScenarios = {
	'loyalty-households: the programme says what households may do': async (page, context) => {
		if (!context.mock) return;
		await open(page, context, '/loyalty/program');
		const save = page.getByRole('button', { name: 'Save', exact: true });
		await page.getByLabel('Members may share points in a household').uncheck();
		await page.getByLabel('Members may share points in a household').check();
		await page.getByText('each of them redeems with what all have', { exact: false }).waitFor();
		await page.getByLabel('People in one, at most').fill('1');
		await page.getByText('2 to 20 people belong to one.').waitFor();
		must(await save.isDisabled(), 'a household of one can be saved');
		await page.getByLabel('People in one, at most').fill('4');
		await page.getByLabel('Points of one member that others use a month, at most').fill('');
		await page.getByLabel('Who uses what others have').selectOption('head');
		await page.getByText('whoever leads the household redeems', { exact: false }).waitFor();
		const { body } = await sent(page, 'PUT', '/loyalty/program', () => save.click());
		const saved = body.program.households;
		must(saved.most_members === 4 && saved.used_per_month === null && saved.who_spends === 'head' && saved.joins_per_year === 2 && saved.wallets.join() === 'points', `saved ${JSON.stringify(saved)}`);
	},
	'loyalty-households: the programme says what points pay at a till': async (page, context) => {
		if (!context.mock) return;
		await open(page, context, '/loyalty/program');
		const save = page.getByRole('button', { name: 'Save', exact: true });
		await page.getByLabel('Members pay with Points').check();
		const fields = page.getByRole('group', { name: 'How Points pay' });
		await fields.getByLabel('In steps of').fill('0');
		await page.getByText('The fewest and the steps are whole numbers', { exact: false }).waitFor();
		must(await save.isDisabled(), 'steps of nothing can be saved');
		await fields.getByLabel('In steps of').fill('50');
		await fields.getByLabel('One is worth at the till', { exact: false }).fill('0,01');
		await fields.getByLabel('Of a receipt at most', { exact: false }).fill('50');
		await fields.getByLabel('Of a receipt at most', { exact: false }).blur();
		await page.getByText('More go in steps of 50.', { exact: false }).waitFor();
		const told = fields.getByLabel('Days until the till must tell the receipt');
		await told.fill('91');
		await page.getByText('within 1 to 90 days', { exact: false }).waitFor();
		await told.fill('3');
		await page.getByText('not told within 3 days is called off', { exact: false }).waitFor();
		const { body } = await sent(page, 'PUT', '/loyalty/program', () => save.click());
		const [paying] = body.program.paying;
		must(paying.wallet === 'points' && paying.worth === '0.01' && paying.least === 100 && paying.step === 50 && paying.most === '0.5' && paying.told_within_days === 3, `saved ${JSON.stringify(paying)}`);
	},
	'loyalty-households: staff found one, invite, and accept for somebody': async (page, context) => {
		if (!context.mock) return;
		const dialog = page.locator('dialog');
		await open(page, context, '/loyalty/members/5100000023757?view=household');
		await page.getByRole('button', { name: 'Found a household' }).click();
		const found = dialog.getByRole('button', { name: 'Found a household' });
		await dialog.getByLabel('Name of the household').fill('The Lees');
		must(await found.isDisabled(), 'founded without a name of its head');
		await dialog.getByLabel('What the others call them').fill('mum@example.com');
		must(await found.isDisabled(), 'an address is a name');
		await dialog.getByLabel('What the others call them').fill('Mum');
		const { body } = await sent(page, 'POST', '/loyalty/households', () => found.click());
		must(body.member_id === '5100000023757' && body.name === 'The Lees' && body.member_name === 'Mum' && body.reason === '' && body.id.startsWith('console-'), `founded ${JSON.stringify(body)}`);
		await open(page, context, '/loyalty/members/5100000015838?view=household');
		await page.getByRole('button', { name: 'Accept for them' }).click();
		const accept = dialog.getByRole('button', { name: 'Accept for them' });
		await dialog.getByLabel('What the others call them').fill('Kim');
		must(await accept.isDisabled(), 'accepted for somebody without saying why');
		await dialog.getByLabel('Why', { exact: true }).fill('She asked on the phone');
		const joined = await sent(page, 'POST', '/invitations/', () => accept.click());
		must(joined.url.endsWith('/hsi_0/accepted') && joined.body.name === 'Kim' && joined.body.reason === 'She asked on the phone' && !('member_id' in joined.body), `accepted ${joined.url} ${JSON.stringify(joined.body)}`);
	},
	'loyalty-households: staff invite, call off, remove, hand over and close with a reason, and see what was done': async (page, context) => {
		if (!context.mock) return;
		const dialog = page.locator('dialog');
		await open(page, context, `${MEMBER}?view=household`);
		await page.getByText('Handed over to Hanna: “Her sister moved out”').waitFor();
		await page.getByText('Founded for member 5100000031676', { exact: false }).waitFor();
		await page.getByRole('button', { name: 'Invite' }).click();
		context.refusals.push('409');
		await dialog.getByLabel('Who is invited').fill('51000000316');
		await dialog.getByRole('listitem').filter({ hasText: '5100000031676' }).getByRole('button').click();
		await dialog.getByRole('button', { name: 'Invite' }).click();
		await dialog.getByText('as often as they may this year', { exact: false }).waitFor();
		await dialog.getByLabel('Who is invited').fill('51000000395');
		await dialog.getByRole('listitem').filter({ hasText: '5100000039595' }).getByRole('button').click();
		const invited = await sent(page, 'POST', '/invitations', () => dialog.getByRole('button', { name: 'Invite' }).click());
		must(invited.url.endsWith('/hsh_0/invitations') && invited.body.member_id === '5100000039595', `invited ${invited.url} ${JSON.stringify(invited.body)}`);
		await dialog.waitFor({ state: 'detached' });
		await page.getByRole('button', { name: 'Call off' }).click();
		const off = await sent(page, 'POST', '/withdrawn', () => dialog.getByRole('button', { name: 'Call off' }).click());
		must(off.url.endsWith('/invitations/hsi_0/withdrawn'), `called off ${off.url}`);
		for (const [open, button, method, end] of [['Hand over to Tariq', 'Hand over', 'PUT', '/hsh_0/head'], ['Remove Grandpa', 'Remove', 'POST', '/hsh_0/members/5100000023757/left'], ['Close the household', 'Close the household', 'POST', '/hsh_0/closed']]) {
			await dialog.waitFor({ state: 'detached' });
			await page.getByRole('main').getByRole('button', { name: open, exact: true }).click();
			const go = dialog.locator('button[form=household]');
			must((await go.textContent()) === button && (await go.isDisabled()), `${button} without a reason`);
			await dialog.getByLabel('Why', { exact: true }).fill('They asked by mail');
			const { url, body } = await sent(page, method, end, () => go.click());
			must(url.endsWith(end) && body.reason === 'They asked by mail' && (button !== 'Hand over' || body.member_id === '5100000007919'), `${button}: ${url} ${JSON.stringify(body)}`);
		}
	},
	'loyalty-households: a Chinese reader sees what staff did': async (page, context) => {
		if (!context.mock) return;
		await open(page, context, `${MEMBER}?view=household`);
		await page.getByText('移交给 Hanna', { exact: false }).waitFor();
		await page.getByRole('button', { name: '关闭家庭', exact: true }).waitFor();
	}
};
