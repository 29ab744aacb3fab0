// Works on follow-ups as people do.
import { must, open, sent } from './steps.mjs';

export const followUpScenarios = {
	'a follow-up is taken, the talk is noted, and it is done': async (page, context) => {
		await open(page, context, '/feedback/follow-ups?owner=nobody');
		const card = page.locator('section[aria-label="Open"] a.card').first();
		if (!(await card.count())) return;
		const id = await card.getAttribute('data-follow-up');
		await card.click();
		await page.waitForURL((url) => url.searchParams.get('open') === id);
		const dialog = page.locator('dialog');
		await dialog.getByRole('button', { name: 'It is done' }).click();
		must(await dialog.getByRole('option', { name: 'Content again' }).isDisabled(), 'whoever was not spoken with can be content again');
		if (context.mock) {
			await dialog.getByRole('button', { name: 'I take it' }).click();
			await page.getByText('Noted').first().waitFor();
			return;
		}
		await dialog.getByRole('button', { name: 'I spoke with them' }).click();
		await dialog.getByRole('textbox', { name: 'What was said' }).fill('We talked.');
		await dialog.getByRole('button', { name: 'Note it' }).click();
		await dialog.getByText('We talked.').waitFor();
		await dialog.getByRole('button', { name: 'Undo the last step' }).click();
		await dialog.getByText('Took a step back').waitFor();
	},
	'what helped others is used in what is noted': async (page, context) => {
		if (!context.mock) return;
		await open(page, context, '/feedback/follow-ups?open=fup_0');
		const dialog = page.locator('dialog');
		await dialog.getByRole('button', { name: 'Use this' }).first().click();
		must((await dialog.getByRole('textbox', { name: 'What was said' }).inputValue()).startsWith('I am sorry'), 'the answer is not taken over');
		await dialog.getByRole('button', { name: 'Note it' }).click();
		await dialog.getByText('Spoke with them, by phone').first().waitFor();
	},
	'points are given for what somebody answered, and it is noted': async (page, context) => {
		if (!context.mock) return;
		await open(page, context, '/feedback/follow-ups?open=fup_0');
		const dialog = page.locator('dialog');
		await dialog.getByRole('button', { name: 'Give points' }).click();
		must((await dialog.getByLabel('Reason').inputValue()).startsWith('Your answer: The parcel came'), 'the reason does not come from the answer');
		await dialog.getByLabel('How many').fill('50');
		const noted = page.waitForRequest((it) => it.method() === 'POST' && it.url().endsWith('/act'));
		const { body } = await sent(page, 'POST', '/loyalty/goodwill', () => dialog.getByRole('button', { name: 'Give points' }).last().click());
		must(body.points === 50 && body.member_id && body.reason.startsWith('Your answer: '), `gave ${JSON.stringify(body)}`);
		const note = (await noted).postDataJSON();
		must(note.act === 'note' && note.text.startsWith('Gave 50 points: Your answer: ') && note.revision > 0, `noted ${JSON.stringify(note)}`);
	},
	'late follow-ups are alone on the board, and the address keeps it': async (page, context) => {
		await open(page, context, '/feedback/follow-ups');
		if (!(await page.locator('a.card').count())) return;
		await page.getByRole('checkbox', { name: 'Only late ones' }).check();
		await page.waitForURL(/late=1/);
		await context.settled(page);
		const [cards, late] = [await page.locator('a.card').count(), await page.locator('a.card .tag.bad').count()];
		must(cards === late, `${cards} follow-ups are there, ${late} of them late`);
	},
	'a theme becomes an improvement': async (page, context) => {
		await open(page, context, '/feedback/themes?period=365d');
		if (!(await page.locator('button.name').count())) return;
		await page.locator('button.name').first().click();
		await page.locator('dialog').getByRole('link', { name: 'Make it an improvement' }).click();
		await page.waitForURL(/propose=/);
		const title = page.locator('dialog').getByRole('textbox', { name: 'What is to be better' });
		await title.waitFor();
		must((await title.inputValue()).length > 0, 'the words of the theme are lost on the way');
		await page.locator('dialog').getByRole('button', { name: 'Propose an improvement' }).click();
		await page.waitForURL(/improvement=/);
		await page.locator('dialog').getByText('Before and after').waitFor();
	},
	'a rule asks for what the event is like, and one for more is changed as text': async (page, context) => {
		if (!context.mock) return;
		await open(page, context, '/feedback/follow-ups?view=rules&edit=urgent_text');
		must((await page.locator('dialog').getByRole('combobox', { name: 'Property' }).count()) === 2, 'the tests of the rule are not there');
		await page.locator('dialog').getByRole('button', { name: 'Save' }).click();
		await page.getByText('The rule is saved').waitFor();
		await page.goto(`${context.base}/feedback/follow-ups?view=rules&edit=gold-detractor`);
		must((await page.locator('dialog textarea').inputValue()).includes('in segment'), 'the condition is not there as text');
	}
};
