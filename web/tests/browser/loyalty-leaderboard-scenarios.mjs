// Writes a leaderboard and looks who is where, as people do.
import { must, open, sent } from './steps.mjs';

export const loyaltyLeaderboardScenarios = {
	'loyalty-leaderboards: one is written with prizes, and what never ends has none': async (page, context) => {
		if (!context.mock) return;
		await open(page, context, '/loyalty/leaderboards');
		await page.getByRole('link', { name: 'New leaderboard' }).click();
		await page.getByLabel('Name', { exact: true }).fill('Most units');
		await page.getByRole('combobox', { name: 'Rank by' }).selectOption('challenge');
		await page.getByText('Choose the challenge by which it ranks.').waitFor();
		const challenge = page.getByRole('combobox', { name: 'Challenge', exact: true });
		must(!(await challenge.textContent()).includes('Seven days of moving'), 'a streak can be ranked by');
		await challenge.selectOption('coffee');
		await page.getByRole('combobox', { name: 'Period' }).selectOption('ever');
		await page.getByText('What never ends has no winners', { exact: false }).waitFor();
		await page.getByRole('combobox', { name: 'Period' }).selectOption('week');
		await page.getByLabel('Prize 2: to which place').fill('1');
		await page.getByText('Each prize goes to later places than the one before.').waitFor();
		await page.getByLabel('Prize 2: to which place').fill('5');
		const { url, body } = await sent(page, 'PUT', '/loyalty/leaderboards/', () => page.getByRole('button', { name: 'Save draft' }).click());
		must(url.endsWith('/leaderboards/most-units') && body.version === 0 && body.leaderboard.ranks.challenge === 'coffee' && body.leaderboard.period.kind === 'week' && body.leaderboard.prizes[1].to_place === 5, `saved ${url} ${JSON.stringify(body)}`);
	},
	'loyalty-leaderboards: who is where is said under the names they chose, now and before': async (page, context) => {
		if (!context.mock) return;
		await open(page, context, '/loyalty/leaderboards/walkers');
		await page.getByText('Only members who asked to be on it are here', { exact: false }).waitFor();
		await page.getByText('It can still change.', { exact: false }).waitFor();
		await page.locator('select').filter({ hasText: 'October 2026' }).selectOption('month 2026-10-01');
		await page.getByText('The winners stand.', { exact: false }).waitFor();
		await page.getByText('1,000 points, the badge Walker').waitFor();
		must(new URL(page.url()).searchParams.get('period') === 'month 2026-10-01', 'the period is not in the address');
	},
	'loyalty-leaderboards: a Chinese reader sees who is where': async (page, context) => {
		if (!context.mock) return;
		await open(page, context, '/loyalty/leaderboards/walkers?period=month 2026-10-01');
		await page.getByText('胜者已定。', { exact: false }).waitFor();
		await page.getByText('1,000 积分', { exact: false }).or(page.getByText('1,000', { exact: false })).first().waitFor();
	}
};
