// Writes challenges and badges, tries a challenge on what was, and finds who is on it, as people do.
import { must, open, sent } from './steps.mjs';

export const loyaltyChallengeScenarios = {
	'loyalty-challenges: a challenge is written with targets and a badge, tried on the past, and saved as a draft': async (page, context) => {
		if (!context.mock) return;
		await open(page, context, '/loyalty/challenges');
		await page.getByRole('link', { name: 'New challenge' }).click();
		await page.getByLabel('Name', { exact: true }).fill('Two orders');
		await page.getByLabel('Target 1', { exact: true }).fill('2');
		await page.getByRole('button', { name: 'Add a target' }).click();
		await page.getByLabel('Target 2', { exact: true }).fill('2');
		await page.getByText('Each target is more than the one before.', { exact: true }).waitFor();
		await page.getByLabel('Target 2', { exact: true }).fill('6');
		await page.getByLabel('Badge of target 2').selectOption('walker');
		await page.getByText('Order Completed within a month: 2 times for 100 points, then 6 times for 100 points, the badge Walker.', { exact: false }).waitFor();
		const tried = await sent(page, 'POST', '/loyalty/challenges/try', () => page.getByRole('button', { name: 'Look', exact: true }).click());
		must(tried.body.days === 90 && tried.body.challenge.steps[1].target === '6' && !('key' in tried.body.challenge), `tried ${JSON.stringify(tried.body)}`);
		await page.getByText('Of 8,412 members, 640 would have taken part.', { exact: false }).waitFor();
		const { url, body } = await sent(page, 'PUT', '/loyalty/challenges/', () => page.getByRole('button', { name: 'Save draft' }).click());
		must(url.endsWith('/challenges/two-orders') && body.state === 'draft' && body.version === 0, `saved ${url} ${JSON.stringify(body)}`);
		must(body.challenge.steps[1].badge === 'walker' && body.challenge.steps[1].points === 100 && body.challenge.counts.kind === 'times', `saved ${JSON.stringify(body.challenge)}`);
	},
	'loyalty-challenges: of one that was live only what may change can be changed, and what is not shown is kept': async (page, context) => {
		if (!context.mock) return;
		await open(page, context, '/loyalty/challenges/walks');
		must(await page.getByRole('combobox', { name: 'Count', exact: true }).isDisabled(), 'what it counts can be changed');
		must(await page.getByRole('combobox', { name: 'Within', exact: true }).isDisabled(), 'its period can be changed');
		must(await page.getByRole('combobox', { name: 'Members take part', exact: true }).isDisabled(), 'how members join can be changed');
		await page.getByLabel('Points of target 1').fill('30');
		const { body } = await sent(page, 'PUT', '/loyalty/challenges/', () => page.getByRole('button', { name: 'Save', exact: true }).click());
		must(body.version === 2 && body.state === 'live' && body.challenge.steps[0].points === 30 && body.challenge.when.property.path === 'km' && body.challenge.steps[2].badge === 'walker', `saved ${JSON.stringify(body)}`);
	},
	'loyalty-challenges: from a challenge one comes to who is on it and who completed it': async (page, context) => {
		if (!context.mock) return;
		await open(page, context, '/loyalty/challenges/walks');
		const href = await page.getByRole('link', { name: 'Make a segment of those who completed it' }).getAttribute('href');
		must(decodeURIComponent(href).includes('"challenge.walks.completed"'), `leads to ${href}`);
		await page.getByRole('link', { name: '5100000000000' }).click();
		await page.getByText('Why this balance').first().waitFor();
	},
	'loyalty-badges: a badge is given by itself to whom a condition holds for, and a picture comes over https alone': async (page, context) => {
		if (!context.mock) return;
		await open(page, context, '/loyalty/badges');
		await page.getByRole('link', { name: 'New badge' }).click();
		await page.getByLabel('Name', { exact: true }).fill('Thousand');
		await page.getByLabel('Address of a picture').fill('http://nordlicht.example/thousand.png');
		await page.getByText('The address of a picture begins with https://.').waitFor();
		await page.getByLabel('Address of a picture').fill('');
		await page.getByLabel('By itself, to whoever this holds for').check();
		const { url, body } = await sent(page, 'PUT', '/loyalty/badges/', () => page.getByRole('button', { name: 'Go live' }).click());
		must(url.endsWith('/badges/thousand') && body.state === 'live' && body.badge.when.fact.op === 'at_least' && body.badge.picture === null, `saved ${url} ${JSON.stringify(body)}`);
	},
	'loyalty-badges: a Chinese reader sees how a badge is given and who has it': async (page, context) => {
		if (!context.mock) return;
		await open(page, context, '/loyalty/badges/walker');
		await page.getByText('38 名会员拥有', { exact: false }).waitFor();
		const href = await page.getByRole('link', { name: '查看谁拥有' }).getAttribute('href');
		must(decodeURIComponent(href).includes('"badge.walker"'), `leads to ${href}`);
	}
};
