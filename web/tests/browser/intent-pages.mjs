// The pages of intents to walk.
export async function intentPages(ask) {
	const one = (await ask('/intents')).rows[0]?.key;
	const list = [
		{ name: 'intents', path: '/feedback/intents', text: one ? 'How well they are told apart' : 'Here you will see' },
		{ name: 'intents-new', path: '/feedback/intents?new=1', act: (p) => p.locator('dialog').waitFor() }
	];
	if (one) list.push({ name: 'intent', path: `/feedback/intents?open=${one}`, act: (p) => p.locator('dialog li').first().waitFor() });
	return list;
}
