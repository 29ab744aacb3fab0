// What each page of insights is made of: a part by its heading, and what it shows there. A part that goes is noticed, though the page still says everything else.

/** How sure it is, and what it cannot say. */
const honest = { 'How sure is this': 'li', 'What this cannot say': 'li' };
/** What is foretold of people: of whom, why, what would go with a change, and whether chances mean what they say. */
const foretold = (who, spread, why) => ({ [who]: 'tbody tr button', [spread]: 'tbody tr button', [why]: 'tbody tr button', 'What would go with a change': '.point', 'Does it mean what it says': 'svg circle', 'Which model': 'tbody tr .tag' });

/** By the name of a page: of each part what it shows. */
export const PARTS = {
	value: {
		'How much hangs on how few': 'tbody tr button',
		'How value is spread': 'tbody tr button',
		'Who is still there': 'td button b',
		'What is to come': 'tbody tr',
		'By when they came': 'tbody tr button',
		'By where they come from': 'tbody tr',
		'Which model': 'tbody tr .tag',
		'The simple formula': 'p.say:has-text("It gives everybody the same")',
		...honest
	},
	churn: {
		...foretold('Who is at risk', 'How risks are spread', 'What goes with a risk'),
		'What comes before a loss': 'tbody tr',
		'When people buy again': 'tbody tr',
		'What acting costs and brings': 'tbody tr',
		...honest
	},
	propensity: { ...foretold('Who will probably do it', 'How chances are spread', 'What goes with a chance'), 'Whom you reach': 'svg circle', ...honest },
	groups: { 'Where the groups lie': 'svg circle', 'Side by side': 'tbody tr', 'What was tried': 'tbody tr .tag', ...honest },
	offers: { 'Try a person': 'p', 'What is used, and why': 'tbody tr .tag', ...honest },
	baskets: { 'What goes with what': '.chart svg path', Rules: 'tbody tr', ...honest },
	'loyalty-index': { 'How it is spread': 'tbody tr button', 'What they say beside what they do': 'li', 'What it is made of': 'tbody tr', 'By what it differs': 'tbody tr', 'How it was': 'tbody tr', ...honest },
	'survey-model': { 'What leads to what': '[role=img] path.arc', Blocks: 'tbody tr', 'Does the whole model hold?': 'tbody tr', 'Who is behind it': 'button', ...honest }
};

/** What a page does not show of what it is made of. */
export async function missing(page, name) {
	const gone = [];
	for (const [title, shows] of Object.entries(PARTS[name] ?? {})) {
		const part = page.getByRole('region', { name: title, exact: true });
		if ((await part.locator(shows).count()) === 0) gone.push(`the part “${title}” is not there, or shows no ${shows}`);
	}
	return gone;
}
