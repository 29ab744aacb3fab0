// Writes notes as people do.
import { must, open, sent } from './steps.mjs';

export const noteScenarios = {
	'a note is pasted, parted at empty lines, put into a topic, and saved': async (page, context) => {
		if (!context.mock) return;
		await open(page, context, '/feedback/notes?new=1');
		const dialog = page.locator('dialog');
		const save = dialog.getByRole('button', { name: 'Save' });
		await dialog.getByText('A title is missing.').waitFor();
		await dialog.getByLabel('Title').fill('A visit');
		must(await save.isDisabled(), 'a note without a passage can be saved');
		await dialog.getByLabel('Passage 1').fill('Nobody came.\n\nThen everybody did.');
		await dialog.getByRole('button', { name: 'Part at empty lines' }).click();
		await dialog.getByLabel('Put into a topic').nth(1).selectOption('packaging');
		const { body } = await sent(page, 'POST', '/notes', () => save.click());
		must(body.passages.length === 2 && body.passages[1].topics[0] === 'packaging' && body.revision === 0, `sent ${JSON.stringify(body)}`);
		await dialog.waitFor({ state: 'detached' });
	},
	'words of a note get a name only with how the person agreed': async (page, context) => {
		if (!context.mock) return;
		await open(page, context, '/feedback/notes?note=nte_2');
		const dialog = page.locator('dialog');
		await dialog.getByText('Nobody who is named').first().click();
		await dialog.getByRole('searchbox').first().click();
		await dialog.getByRole('button', { name: /Hanna Nyberg/ }).first().click();
		await dialog.getByText('Say how the person agreed', { exact: false }).waitFor();
		await dialog.getByLabel('How they agreed').fill('by mail');
		const { url, body } = await sent(page, 'PUT', '/notes', () => dialog.getByRole('button', { name: 'Save' }).click());
		must(url.endsWith('/notes/nte_2') && body.passages[0].person_id && body.passages[0].consent === 'by mail' && body.revision === 1, `sent ${JSON.stringify(body)}`);
	},
	'a note is deleted only when asked twice': async (page, context) => {
		if (!context.mock) return;
		await open(page, context, '/feedback/notes?note=nte_3');
		const dialog = page.locator('dialog');
		await dialog.getByRole('button', { name: 'Delete', exact: true }).click();
		const { url } = await sent(page, 'DELETE', '/notes', () => dialog.getByRole('button', { name: 'Delete for good' }).click());
		must(url.endsWith('/notes/nte_3'), url);
	}
};
