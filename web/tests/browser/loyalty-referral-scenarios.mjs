// Writes referral programmes and decides about suspicious friends, as people do.
import { must, open, sent } from './steps.mjs';

export const loyaltyReferralScenarios = {
	'loyalty-referrals: a programme is written with steps and signs of fraud, and saved as a draft': async (page, context) => {
		if (!context.mock) return;
		await open(page, context, '/loyalty/referrals');
		await page.getByRole('link', { name: 'New programme' }).click();
		await page.getByLabel('Name', { exact: true }).fill('Friends of friends');
		await page.getByText('Say where friends go on', { exact: false }).waitFor();
		await page.getByLabel('Address in your shop where they go on').fill('https://nordlicht.example/friends');
		await page.getByRole('button', { name: 'Add a step' }).click();
		await page.getByLabel('Step 2: from which friend on').fill('1');
		await page.getByText('each other one later than the one before', { exact: false }).waitFor();
		await page.getByLabel('Step 2: from which friend on').fill('5');
		await page.getByLabel('Step 2: points for each').fill('300');
		await page.getByText('200 points for the member (from friend 5 on 300 points), 100 points for the friend.', { exact: false }).waitFor();
		await page.getByLabel('Same device').selectOption('block');
		const { url, body } = await sent(page, 'PUT', '/loyalty/referrals/programs/', () => page.getByRole('button', { name: 'Save draft' }).click());
		must(url.endsWith('/programs/friends-of-friends') && body.state === 'draft' && body.version === 0, `saved ${url} ${JSON.stringify(body)}`);
		must(body.program.referrer.steps[1].from === 5 && body.program.referrer.steps[1].points === 300 && body.program.fraud.same_device === 'block' && body.program.friend.points === 100, `saved ${JSON.stringify(body.program)}`);
	},
	'loyalty-referrals: what a programme says of its condition is kept and can be changed': async (page, context) => {
		if (!context.mock) return;
		await open(page, context, '/loyalty/referrals/programs/friends');
		const { body } = await sent(page, 'PUT', '/loyalty/referrals/programs/', async () => { await page.getByLabel('Must stand so many days').fill('21'); await page.getByRole('button', { name: 'Save', exact: true }).click(); });
		must(body.program.stands_days === 21 && body.version === 3 && body.state === 'live' && body.program.qualifies.when.property.path === 'channel' && !('key' in body.program), `saved ${JSON.stringify(body)}`);
	},
	'loyalty-referrals: a suspicious friend is refused with a reason, which must be given': async (page, context) => {
		if (!context.mock) return;
		await open(page, context, '/loyalty/referrals/review');
		await page.getByText('goods go to an address', { exact: false }).first().waitFor();
		await page.getByRole('button', { name: 'Refuse' }).first().click();
		const button = page.locator('dialog').getByRole('button', { name: 'Refuse' });
		must(await button.isDisabled(), 'refused without a reason');
		await page.getByLabel('Why').fill('One household, one card');
		const { url, body } = await sent(page, 'POST', '/loyalty/referrals/ref_0/', () => button.click());
		must(url.endsWith('/refused') && body.reason === 'One household, one card', `sent ${url} ${JSON.stringify(body)}`);
		await page.getByText('Refused.').waitFor();
	},
	'loyalty-referrals: a suspension is lifted, and from a member one comes to their friends': async (page, context) => {
		if (!context.mock) return;
		await open(page, context, '/loyalty/members/5100000000000');
		await page.getByRole('link', { name: 'Friends they brought' }).click();
		await page.getByText('RK7P-2M9X-4QWD').first().waitFor();
		await page.getByText('What the friend ordered went back.').waitFor();
		await open(page, context, '/loyalty/referrals/review');
		await page.getByRole('button', { name: 'Lift' }).first().click();
		await page.getByLabel('Why').fill('All were real');
		const { url } = await sent(page, 'POST', '/referral-suspension/lifted', () => page.locator('dialog').getByRole('button', { name: 'Lift' }).click());
		must(url.includes('/members/5100000023757/'), `lifted ${url}`);
	}
};
