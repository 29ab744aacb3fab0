// Rules tried on the past and judged by their holdouts, as people do it.
import { must, open, sent } from './steps.mjs';

export const loyaltyTrialScenarios = {
	'loyalty simulator: rules are switched and changed, asked for, and what comes of it leads to people': async (page, context) => {
		if (!context.mock) return;
		await open(page, context, '/loyalty/simulator');
		await page.getByRole('link', { name: 'New simulation' }).click();
		const start = page.getByRole('button', { name: 'Simulate', exact: true });
		await page.getByText('Change a rule, or compare', { exact: false }).waitFor();
		must(await start.isDisabled(), 'nothing differs and yet it can be asked for');
		await page.getByLabel('In the trial: Northern Lights weeks').selectOption('off');
		await page.getByLabel('In the trial: Points for a visit to the shop').selectOption('on');
		await page.getByLabel('In the trial: Double points on camping').selectOption('number');
		await page.getByLabel('Points of Double points on camping').fill('3');
		await page.waitForURL(/rules=.*camping%3A3/);
		await page.getByText('3 rules differ', { exact: false }).waitFor();
		await page.reload();
		await page.getByText('3 rules differ', { exact: false }).waitFor();
		await page.getByLabel('First day').fill('2026-06-01');
		await page.getByLabel('Last day').fill('2026-10-31');
		await page.getByLabel('Name', { exact: true }).fill('Three times on camping');
		await page.getByLabel('Name', { exact: true }).blur();
		await page.waitForURL(/name=Three/);
		const { url, body } = await sent(page, 'POST', '/loyalty/simulations', () => start.click());
		must(url.endsWith('/loyalty/simulations') && body.without.join() === 'northern-lights' && body.drafts.join() === 'visit' && body.rules.length === 1 && body.rules[0].key === 'camping' && body.rules[0].gives.points === 3, `asked ${JSON.stringify(body)}`);
		must(body.scope.from === '2026-05-31T22:00:00Z' && body.scope.until === '2026-10-31T23:00:00Z' && body.scope.name === 'Three times on camping' && body.scope.against === 'now', `over ${JSON.stringify(body.scope)}`);
		await page.getByText('It goes on when you leave this page', { exact: false }).waitFor();
		await page.getByText('1,320 of 3,436 people', { exact: false }).waitFor();
		await sent(page, 'POST', '/cancel', () => page.getByRole('button', { name: 'Stop' }).click());
		await open(page, context, '/loyalty/simulator/sim_1');
		await page.getByText('would have given 48,810 points more: between 41,300 and 56,900', { exact: false }).waitFor();
		await page.getByText('it would cost €375.84 more', { exact: false }).waitFor();
		await page.getByText('1,204 gain, 312 lose', { exact: false }).waitFor();
		await page.getByRole('button', { name: 'Who they are' }).click();
		await page.locator('dialog').getByText('Lose most').waitFor();
		await page.keyboard.press('Escape');
		await page.getByLabel('Wallet').selectOption('stamps');
		await page.waitForURL(/wallet=stamps/);
		await page.getByText('Nothing changes for anybody', { exact: false }).waitFor();
	},
	'loyalty simulator: a rule is tried from its editor as it is written there, and what was not saved stays': async (page, context) => {
		if (!context.mock) return;
		await open(page, context, '/loyalty/rules/euro');
		await page.getByRole('button', { name: 'Simulate on the past' }).click();
		const dialog = page.locator('dialog');
		await dialog.getByText('the programme without it', { exact: false }).waitFor();
		await dialog.getByRole('button', { name: 'Close' }).last().click();
		await page.getByLabel('How many points', { exact: true }).fill('4');
		await page.getByRole('button', { name: 'Simulate on the past' }).click();
		await dialog.getByText('365 days').click();
		const { body } = await sent(page, 'POST', '/loyalty/simulations', () => dialog.getByRole('button', { name: 'Simulate', exact: true }).click());
		must(body.rules.length === 1 && body.rules[0].key === 'euro' && body.rules[0].gives.points === 4 && body.scope.from.startsWith('2025-11-20T23'), `asked ${JSON.stringify(body)}`);
		await dialog.getByRole('link', { name: 'Open it in a new window' }).waitFor();
		await dialog.getByRole('button', { name: 'Close' }).last().click();
		must((await page.getByLabel('How many points', { exact: true }).inputValue()) === '4', 'what was not saved is lost');
	},
	'loyalty effect: rules are judged by whom they hold out, with the margin by what they earn, down to who only buys with offers': async (page, context) => {
		if (!context.mock) return;
		await open(page, context, '/loyalty/effect');
		await page.getByText('brought in revenue that would not be there without it', { exact: false }).waitFor();
		await page.getByText('Northern Lights weeks cannot be told yet: it may have brought in as little as −€6,410', { exact: false }).waitFor();
		await page.getByRole('button', { name: 'Northern Lights weeks' }).click();
		await page.waitForURL(/rule=northern-lights/);
		await page.getByRole('heading', { name: 'How Northern Lights weeks was judged' }).waitFor();
		const asked = page.waitForRequest((it) => it.url().includes('/effect?margin_percent=35'));
		await page.getByLabel('Margin', { exact: false }).fill('35');
		await page.getByLabel('Margin', { exact: false }).blur();
		await asked;
		await page.getByText('earns more than it costs', { exact: false }).waitFor();
		await page.getByRole('button', { name: 'Only with offers' }).click();
		await page.waitForURL(/group=only_offers/);
		await page.locator('dialog').getByRole('link').first().waitFor();
	},
	'loyalty rules: a campaign proposes a holdout and says why, a base rule none': async (page, context) => {
		if (!context.mock) return;
		await open(page, context, '/loyalty/rules/new');
		const holdout = page.getByRole('spinbutton', { name: 'Holdout' });
		must((await holdout.inputValue()) === '0', 'a base rule holds somebody out');
		await page.getByLabel('Last day').fill('2026-12-24');
		must((await holdout.inputValue()) === '10', 'a campaign holds nobody out');
		await page.getByText('Proposed because it is a campaign', { exact: false }).waitFor();
		await page.getByLabel('Last day').fill('');
		must((await holdout.inputValue()) === '0', 'a base rule keeps the proposal');
		await page.getByLabel('Last day').fill('2026-12-24');
		await holdout.fill('0');
		await page.getByRole('button', { name: 'Hold 10 % out' }).waitFor();
		await page.getByLabel('First day').fill('2026-12-01');
		must((await holdout.inputValue()) === '0', 'what somebody said is proposed over');
		await page.getByRole('button', { name: 'Hold 10 % out' }).click();
		must((await holdout.inputValue()) === '10', 'ten are not held out');
	}
};
