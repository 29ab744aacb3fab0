// What staff do on a member's page: surprises, redemptions, challenges and badges.
import { must, open, sent } from './steps.mjs';
const MEMBER = '/loyalty/members/5100000000000';

export const loyaltyMemberScenarios = {
	'loyalty-member: a surprise needs a reason, is asked for once, and shows its code': async (page, context) => {
		if (!context.mock) return;
		await open(page, context, `${MEMBER}?view=rewards`);
		await page.getByRole('button', { name: 'Give a surprise' }).click();
		const dialog = page.locator('dialog');
		const button = dialog.getByRole('button', { name: 'Give it' });
		must(await button.isDisabled(), 'given without a reason');
		must(!(await dialog.locator('select').textContent()).includes('cinema'), 'a reward without a budget for surprises can be given');
		await dialog.getByLabel('Reward').selectOption('ten');
		await dialog.getByText('At most 100 for nothing a month', { exact: false }).waitFor();
		await dialog.getByLabel('Reason', { exact: false }).fill('Helped another hiker');
		const { body } = await sent(page, 'POST', '/loyalty/redemptions', () => button.click());
		must(body.is_surprise && body.reward === 'ten' && body.member_id === '5100000000000' && body.reason === 'Helped another hiker' && body.id.startsWith('console-') && !('points' in body), `sent ${JSON.stringify(body)}`);
		await dialog.getByText('TEN-7K2M-9XQ4').waitFor();
	},
	'loyalty-member: what they redeemed is called off with a reason, and what is over cannot be': async (page, context) => {
		if (!context.mock) return;
		await open(page, context, `${MEMBER}?view=rewards`);
		await page.getByText('for nothing: Parcel came a week late', { exact: false }).waitFor();
		must((await page.getByRole('button', { name: 'Call off' }).count()) === 3, 'something that is over can be called off');
		await page.getByRole('button', { name: 'Call off' }).first().click();
		await page.getByLabel('Reason; the member can see it').fill('They changed their mind');
		const { url, body } = await sent(page, 'POST', '/loyalty/redemptions/', () => page.locator('dialog').getByRole('button', { name: 'Call off' }).click());
		must(url.endsWith('/rdm_0/cancelled') && body.reason === 'They changed their mind', `sent ${url} ${JSON.stringify(body)}`);
	},
	'loyalty-member: a badge is given and taken back with a reason, and a challenge is left': async (page, context) => {
		if (!context.mock) return;
		await open(page, context, `${MEMBER}?view=challenges`);
		await page.getByRole('button', { name: 'Give a badge' }).click();
		await page.locator('dialog').getByLabel('Badge').selectOption('helper');
		await page.locator('dialog').getByLabel('Reason', { exact: false }).fill('Twelve answers');
		const given = await sent(page, 'PUT', '/badges/', () => page.getByRole('button', { name: 'Give the badge' }).click());
		must(given.url.endsWith('/members/5100000000000/badges/helper') && given.body.reason === 'Twelve answers', `sent ${given.url}`);
		await page.getByRole('button', { name: 'Take back' }).first().click();
		await page.getByRole('textbox', { name: 'Why' }).fill('By mistake');
		const taken = await sent(page, 'POST', '/taken_back', () => page.locator('dialog').getByRole('button', { name: 'Take back' }).click());
		must(taken.url.includes('/badges/walker/') && taken.body.reason === 'By mistake', `sent ${taken.url}`);
		const left = await sent(page, 'POST', '/challenges/daily/', () => page.getByRole('button', { name: 'Let them leave' }).click());
		must(left.url.endsWith('/left'), `sent ${left.url}`);
	},
	'loyalty-member: a Chinese reader sees their challenges and badges': async (page, context) => {
		if (!context.mock) return;
		await open(page, context, `${MEMBER}?view=challenges`);
		await page.getByText('现在 5，最长 6', { exact: false }).waitFor();
		await page.getByText('人工给出', { exact: false }).waitFor();
	}
};
