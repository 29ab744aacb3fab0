// Issues gift cards, finds one by its last characters, adds value to it, gives it a new code and takes it back, as people do; and looks at what points paid at tills.
import { must, open, sent } from './steps.mjs';

export const loyaltyGiftCardScenarios = {
	'loyalty-gift-cards: cards are issued, and their codes are shown once': async (page, context) => {
		if (!context.mock) return;
		await open(page, context, '/loyalty/gift-cards');
		await page.getByText('Still promised', { exact: true }).waitFor();
		await page.getByText('€30.01 in the books').waitFor();
		await page.getByRole('button', { name: 'Issue gift cards' }).click();
		const dialog = page.locator('dialog');
		const act = dialog.getByRole('button', { name: 'Issue gift cards' });
		must(await act.isDisabled(), 'nothing can be issued');
		await dialog.getByLabel('On each card', { exact: false }).fill('25.50');
		await dialog.getByLabel('How many').fill('3');
		const { body } = await sent(page, 'POST', '/loyalty/gift-cards', () => act.click());
		must(body.amount === 2550 && body.count === 3 && body.wallet === 'credit' && body.id.startsWith('console-'), `asked ${JSON.stringify(body)}`);
		await dialog.getByText('Keep these codes now', { exact: false }).waitFor();
		must((await dialog.locator('textarea').inputValue()).split('\n').length === 3, 'not three codes');
	},
	'loyalty-gift-cards: one is found by its end, gets a new code, and is taken back with a reason': async (page, context) => {
		if (!context.mock) return;
		await open(page, context, '/loyalty/gift-cards?tail=k7qx');
		await page.getByText('…K7QX').first().click();
		await page.getByText('€9.99 of it came back', { exact: false }).waitFor();
		await page.getByRole('button', { name: 'Add value' }).click();
		const adding = page.locator('dialog');
		must(await adding.getByRole('button', { name: 'Add value' }).isDisabled(), 'nothing can be added');
		await adding.getByLabel('How much', { exact: false }).fill('12,50');
		const { body: added } = await sent(page, 'POST', '/gift-cards/top-ups', () => adding.getByRole('button', { name: 'Add value' }).click());
		must(added.amount === 1250 && added.currency === 'EUR' && added.gift_card_id === 'gft_1' && added.id.startsWith('console-'), JSON.stringify(added));
		await page.getByRole('button', { name: 'New code' }).click();
		await page.locator('dialog').getByRole('button', { name: 'New code' }).click();
		must((await page.locator('dialog textarea').inputValue()) === 'R4MX-7TGH-2WPC', 'the new code is not shown');
		await page.locator('dialog').getByRole('button', { name: 'Close' }).last().click();
		await page.getByRole('button', { name: 'Take back' }).click();
		const dialog = page.locator('dialog');
		await dialog.getByText('€30.01', { exact: false }).waitFor();
		await dialog.locator('input').fill('money went back');
		const { body } = await sent(page, 'POST', '/voided', () => dialog.getByRole('button', { name: 'Take back' }).click());
		must(body.reason === 'money went back', JSON.stringify(body));
	},
	'loyalty-gift-cards: what points paid at tills stands at the member, and is narrowed by its state': async (page, context) => {
		if (!context.mock) return;
		await open(page, context, '/loyalty/members/5100000000000?view=payments');
		await page.getByText('unless the receipt is told before', { exact: false }).waitFor();
		await page.getByText('100 points came back', { exact: false }).waitFor();
		await page.locator('main').getByLabel('State').selectOption('lapsed');
		await page.getByText('mitte, receipt 998', { exact: false }).waitFor();
		await page.getByText('receipt 1208', { exact: false }).waitFor({ state: 'detached' });
		await open(page, context, '/loyalty/members/5100000000000?view=payments&state=lapsed');
		await page.getByText('mitte, receipt 998', { exact: false }).waitFor();
		must((await page.locator('ul[aria-label="What they paid with points at tills"] > li').count()) === 1, 'the address does not keep the state');
	}
};
