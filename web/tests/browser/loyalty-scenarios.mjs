// Runs a programme as people do.
import { withoutLadders } from './loyalty-pages.mjs';
import { must, open, sent } from './steps.mjs';

export const loyaltyScenarios = {
	'from what is outstanding to who loses points soon, and from a rule to what it gives': async (page, context) => {
		await open(page, context, '/loyalty');
		const rows = page.getByRole('table', { name: 'When it lapses' });
		if (!(await rows.count())) return;
		await page.getByRole('link', { name: 'Who loses points within 30 days' }).click();
		await page.waitForURL(/\/segments\/new\?condition=/);
		must(decodeURIComponent(page.url()).includes('points.points.expires_at'), 'the way to the people asks for something else');
		await open(page, context, '/loyalty');
		await page.getByRole('table', { name: 'Where points come from' }).getByRole('link').first().click();
		await page.waitForURL(/\/loyalty\/rules\/[\w-]+$/);
		await page.getByRole('heading', { name: 'Try it on a real order' }).waitFor();
	},
	'what the programme costs and brings is said with the way to where it is told; books that are not kept yet say so': async (page, context) => {
		if (!context.mock) return;
		await open(page, context, '/loyalty');
		const row = page.getByRole('region', { name: 'What it costs and brings' });
		for (const [name, there] of [[/Lapsed/, '/loyalty/liability'], [/Expected breakage.*12[.]1%.*estimated from earlier points/s, '/loyalty/liability'], [/Put off \(liability\).*7,981/s, '/loyalty/liability'], [/Incremental effect.*2 of 7/s, '/loyalty/effect']]) {
			const link = row.getByRole('link', { name });
			must((await link.getAttribute('href')) === there, `${name} leads to ${await link.getAttribute('href')}`);
		}
		await open(page, context, '/loyalty?wallet=stamps');
		must((await row.getByRole('link', { name: /say first what one is worth/ }).getAttribute('href')) === '/loyalty/program', 'nothing leads to where a worth is said');
		await page.route('**/api/v1/loyalty/overview*', async (route) => { const response = await route.fetch(); const all = await response.json(); await route.fulfill({ response, json: { ...all, measured_rules: 0, wallets: all.wallets.map((it) => ({ ...it, books: null })) } }); });
		await open(page, context, '/loyalty');
		must((await row.getByRole('link', { name: /the books are not kept yet/ }).count()) === 2, 'books that are not kept are not said to be');
		await row.getByRole('link', { name: /no live rule holds anybody out/ }).click();
		await page.waitForURL(/\/loyalty\/effect$/);
	},
	'a rule is tried on a real order before it is saved, and goes live as another version': async (page, context) => {
		if (!context.mock) return;
		await open(page, context, '/loyalty/rules/euro');
		const rated = page.getByRole('table', { name: 'Try it on a real order' });
		await rated.waitFor();
		const before = await rated.getByRole('row', { name: /^A point for each euro/ }).innerText();
		const { body: asked } = await sent(page, 'POST', '/loyalty/ratings', () => page.getByLabel('How many points', { exact: true }).fill('4'));
		const tried = asked.rules.find((it) => it.key === 'euro');
		must(tried.gives.points === 4 && asked.rules.length > 3 && asked.rules.every((it) => it.event === 'Order Completed'), `tried ${JSON.stringify(asked.rules)}`);
		await page.waitForFunction((text) => ![...document.querySelectorAll('tr.own')].some((row) => row.innerText === text), before);
		must((await rated.getByRole('row', { name: /^A point for each euro/ }).innerText()) !== before, 'four times as many points are rated the same');
		const { url, body } = await sent(page, 'PUT', '/loyalty/rules/', () => page.getByRole('button', { name: 'Save', exact: true }).click());
		must(url.endsWith('/rules/euro') && body.version === 1 && body.state === 'live' && body.rule.gives.points === 4, `saved ${JSON.stringify(body)}`);
	},
	'a condition of the event and of the person is one condition of the rule': async (page, context) => {
		if (!context.mock) return;
		await open(page, context, '/loyalty/rules/big-basket');
		await page.getByText('Who must have done it').waitFor();
		await page.getByLabel('How many points', { exact: true }).fill('60');
		const { body } = await sent(page, 'PUT', '/loyalty/rules/', () => page.getByRole('button', { name: 'Save', exact: true }).click());
		must(body.rule.when.all.length === 2 && 'property' in body.rule.when.all[0] && 'fact' in body.rule.when.all[1], `saved ${JSON.stringify(body.rule.when)}`);
	},
	'a draft goes live with one press, and a new rule lacks a name': async (page, context) => {
		if (!context.mock) return;
		await open(page, context, '/loyalty/rules?state=draft');
		await page.getByRole('link', { name: 'Points for a visit to the shop' }).click();
		await page.waitForURL(/\/rules\/visit$/);
		const { body } = await sent(page, 'PUT', '/loyalty/rules/visit', () => page.getByRole('button', { name: 'Go live' }).click());
		must(body.state === 'live', `became ${body.state}`);
		await open(page, context, '/loyalty/rules/new');
		must(await page.getByRole('button', { name: 'Go live' }).isDisabled(), 'a rule without a name can go live');
		await page.getByLabel('Name', { exact: true }).fill('Double points on tents');
		const { url } = await sent(page, 'PUT', '/loyalty/rules/', () => page.getByRole('button', { name: 'Save draft' }).click());
		must(url.endsWith('/rules/double-points-on-tents'), `saved as ${url}`);
	},
	'a wallet says in words what a change does, and the programme is saved whole': async (page, context) => {
		if (!context.mock) return;
		await open(page, context, '/loyalty/program');
		const points = page.getByRole('group', { name: 'Points', exact: true });
		await points.getByText('can be spent from 6 Dec 2026 and lapse after 30 Nov 2027', { exact: false }).waitFor();
		await points.getByLabel('To the end of which period Points last').selectOption('year');
		await points.getByText('lapse after 31 Dec 2027', { exact: false }).waitFor();
		const { body } = await sent(page, 'PUT', '/loyalty/program', () => page.getByRole('button', { name: 'Save' }).click());
		must(body.version === 2 && body.program.wallets.length === 3 && body.program.wallets[0].expiry.rounding === 'year' && body.program.rates.length === 1, `saved ${JSON.stringify(body)}`);
	},
	'why a balance is what it is, down to what moved in a lot, also at another time': async (page, context) => {
		if (!context.mock) return;
		await open(page, context, '/loyalty/members');
		await page.getByRole('table', { name: 'Members' }).getByRole('link').first().click();
		await page.waitForURL(/\/loyalty\/members\/\d+$/);
		await page.getByText('in 6 lots', { exact: false }).waitFor();
		await page.locator('details summary').nth(1).click();
		await page.getByRole('row', { name: /Set aside at the checkout/ }).waitFor();
		const answer = page.waitForRequest((request) => request.url().includes('/why?') && request.url().includes('at=2026-06-30T23'));
		await page.getByLabel('As of').fill('2026-06-30');
		await answer;
		await page.waitForURL(/day=2026-06-30/);
		const known = page.waitForRequest((request) => request.url().includes('known_at=2026-06-30T23'));
		await page.getByLabel('as known then').check();
		await known;
	},
	'points are given by hand only with a reason, once': async (page, context) => {
		if (!context.mock) return;
		await open(page, context, '/loyalty/members');
		await page.getByRole('table', { name: 'Members' }).getByRole('link').first().click();
		await page.getByRole('button', { name: 'Adjust balance' }).click();
		const dialog = page.locator('dialog');
		await dialog.getByLabel('How many').fill('150');
		const give = dialog.getByRole('button', { name: 'Give them' });
		must(await give.isDisabled(), 'points are given without a reason');
		await dialog.getByLabel('Reason').fill('Parcel came a week late');
		const { body } = await sent(page, 'POST', '/loyalty/changes', () => give.click());
		must(body.amount === 150 && body.wallet === 'points' && body.reason === 'Parcel came a week late' && body.id.startsWith('console-'), `sent ${JSON.stringify(body)}`);
		await dialog.waitFor({ state: 'detached' });
		await page.getByRole('button', { name: 'Adjust balance' }).click();
		await dialog.getByText('Take', { exact: true }).click();
		await dialog.getByLabel('How many').fill('99999');
		await dialog.getByText('are available', { exact: false }).waitFor();
		must(await dialog.getByRole('button', { name: 'Take them' }).isDisabled(), 'more can be taken than there is');
	},
	'what waits is marked as paid first, then as delivered; calling off takes a reason': async (page, context) => {
		if (!context.mock) return;
		await open(page, context, '/loyalty/rewards');
		const waiting = page.getByRole('list', { name: 'What waits to be paid or delivered' });
		const dialog = page.locator('dialog');
		await waiting.getByRole('button', { name: 'Mark as paid' }).click();
		const { url: paid } = await sent(page, 'POST', '/loyalty/redemptions/', () => dialog.getByRole('button', { name: 'Mark as paid' }).click());
		must(paid.endsWith('/rdm_0/paid'), `said ${paid}`);
		await dialog.waitFor({ state: 'detached' });
		await waiting.getByRole('button', { name: 'Mark as delivered' }).first().click();
		await dialog.getByLabel('Number of the parcel', { exact: false }).fill('DHL 77');
		const { url, body } = await sent(page, 'POST', '/loyalty/redemptions/', () => dialog.getByRole('button', { name: 'Mark as delivered' }).click());
		must(url.endsWith('/rdm_1/fulfilled') && body.reference === 'DHL 77', `said ${url} ${JSON.stringify(body)}`);
		await dialog.waitFor({ state: 'detached' });
		await waiting.getByRole('button', { name: 'Call off' }).last().click();
		const off = dialog.getByRole('button', { name: 'Call off' });
		must(await off.isDisabled(), 'a redemption is called off without a reason');
		await dialog.getByLabel('Reason', { exact: false }).fill('Broken in the warehouse');
		const { url: called, body: why } = await sent(page, 'POST', '/loyalty/redemptions/', () => off.click());
		must(called.endsWith('/rdm_3/cancelled') && why.reason === 'Broken in the warehouse', `said ${called}`);
	},
	'a member is blocked after being told what that does': async (page, context) => {
		if (!context.mock) return;
		await open(page, context, '/loyalty/members?standing=active');
		await page.getByRole('table', { name: 'Members' }).getByRole('link').nth(1).click();
		await page.getByRole('button', { name: 'More', exact: true }).click();
		await page.getByRole('button', { name: 'Block' }).click();
		const dialog = page.locator('dialog');
		await dialog.getByText('cannot spend anything', { exact: false }).waitFor();
		const { body } = await sent(page, 'PATCH', '/loyalty/members/', () => dialog.getByRole('button', { name: 'Block' }).click());
		must(body.standing === 'blocked', `became ${body.standing}`);
	},
	'a reward is written with prices in order, and seen as members see it': async (page, context) => {
		if (!context.mock) return;
		await open(page, context, '/loyalty/rewards');
		await page.getByRole('link', { name: 'New reward' }).click();
		const live = page.getByRole('button', { name: 'Go live' });
		must(await live.isDisabled(), 'a reward without a name can go live');
		await page.getByLabel('What members call it').fill('Mug');
		await page.getByText('Another reward has this key', { exact: false }).waitFor();
		await page.getByLabel('Key', { exact: true }).fill('big-mug');
		await page.getByLabel('Kind').selectOption('delivered');
		await page.getByLabel('Price 1: points').fill('');
		must(await live.isDisabled(), 'a price of nothing written can go live');
		await page.getByLabel('Price 1: points').fill('1000');
		await page.getByRole('button', { name: 'Add a price' }).click();
		await page.getByText('Nobody comes to this price', { exact: false }).waitFor();
		await page.getByLabel('Price 2: points').fill('600');
		await page.getByLabel('Price 2: and money').fill('4,50');
		await page.getByRole('button', { name: 'Move price 2 up' }).click();
		await page.getByLabel('There are only so many').check();
		await page.getByLabel('In all').fill('20');
		await page.getByRole('button', { name: 'Add a limit' }).click();
		await page.getByText('At most 1 per member a month', { exact: false }).waitFor();
		await page.getByText('20 in all', { exact: false }).waitFor();
		const { url, body } = await sent(page, 'PUT', '/loyalty/rewards/', () => live.click());
		const { reward } = body;
		must(url.endsWith('/big-mug') && body.version === 0 && body.state === 'live' && reward.prices[0].points === 600 && reward.prices[0].money === '4.50' && reward.prices[1].points === 1000 && reward.stock === 20 && reward.gives.kind === 'delivered' && reward.limits[0].most === 1 && !('key' in reward), `saved ${url} ${JSON.stringify(body)}`);
	},
	'another version of a reward keeps what is not touched': async (page, context) => {
		if (!context.mock) return;
		await open(page, context, '/loyalty/rewards/mug');
		await page.getByLabel('In all').fill('300');
		const { body } = await sent(page, 'PUT', '/loyalty/rewards/mug', () => page.getByRole('button', { name: 'Save', exact: true }).click());
		must(body.version === 2 && body.state === 'live' && body.reward.stock === 300 && body.reward.prices.length === 3 && body.reward.prices[0].when.fact.value === 'gold', `saved ${JSON.stringify(body)}`);
	},
	'codes are added to a pool, and what is left out is named with why': async (page, context) => {
		if (!context.mock) return;
		await open(page, context, '/loyalty/rewards');
		await page.getByText('few left', { exact: true }).waitFor();
		await page.getByRole('button', { name: 'cinema', exact: true }).click();
		const dialog = page.locator('dialog');
		const add = dialog.getByRole('button', { name: 'Add codes' });
		must(await add.isDisabled(), 'no code can be added');
		await dialog.getByLabel('Codes, one a line').fill('AB-12\nAB-12\n??\n');
		const { url, body } = await sent(page, 'POST', '/loyalty/vouchers/pools/', () => add.click());
		must(url.endsWith('/pools/cinema') && body.text.startsWith('AB-12') && !('valid_until' in body), `sent ${url} ${JSON.stringify(body)}`);
		await dialog.getByText('1 code was added', { exact: false }).waitFor();
		await dialog.getByText('line 2: it is in the list before', { exact: false }).waitFor();
		await dialog.getByText('line 3: it is no code', { exact: false }).waitFor();
	},
	'thresholds of the tiers are tried before they are saved, and lead to who stands and moved': async (page, context) => {
		if (!context.mock) return;
		await open(page, context, '/loyalty/tiers');
		const moved = decodeURIComponent(await page.getByRole('link', { name: '6 lost it' }).getAttribute('href'));
		must(moved.includes('"event":"Tier Lost"') && moved.includes('"path":"from","op":"equals","value":"silver"') && moved.includes('"from":"2026-11-01"'), `who lost silver is ${moved}`);
		await page.getByRole('button', { name: 'Change thresholds' }).click();
		const silver = page.getByLabel('Silver needs: Spent');
		await silver.fill('2x');
		must(await page.getByRole('button', { name: 'What if' }).isDisabled(), 'nonsense can be tried');
		await silver.fill('400');
		const { body: asked } = await sent(page, 'POST', '/loyalty/tiers/what-if', () => page.getByRole('button', { name: 'What if' }).click());
		must(asked.ladder.key === 'club' && asked.ladder.tiers[1].needs.at_least === '400' && asked.ladder.tiers[2].needs.any.length === 2 && asked.ladder.benefits.length === 3, `tried ${JSON.stringify(asked)}`);
		await page.getByText('192 from Silver to Friend', { exact: false }).waitFor();
		await page.getByLabel('Gold needs: Orders').fill('25');
		await page.getByText('were changed since', { exact: false }).waitFor();
		const { body } = await sent(page, 'PUT', '/loyalty/program', () => page.getByRole('button', { name: 'Save', exact: true }).click());
		must(body.version === 2 && body.program.wallets.length === 3 && body.program.ladders.length === 1 && body.program.ladders[0].tiers[2].needs.any[1].at_least === '25' && body.program.ladders[0].grace.count === 1, `saved ${JSON.stringify(body.program.ladders)}`);
	},
	'a benefit is written, reckoned, saved with the ladder as it was, and removed': async (page, context) => {
		if (!context.mock) return;
		await open(page, context, '/loyalty/tiers');
		await page.getByRole('button', { name: 'Add a benefit' }).click();
		const save = page.getByRole('button', { name: 'Save', exact: true });
		must(await save.isDisabled(), 'a benefit without a name can be saved');
		await page.getByLabel('What members call it').fill('Coffee');
		await page.getByLabel('Kind').selectOption('content');
		await page.getByRole('group', { name: 'Tiers that have it' }).getByLabel('Silver').check();
		await page.getByLabel('Use is limited').check();
		await page.getByLabel('At most').fill('0');
		must(await save.isDisabled(), 'a use of never can be saved');
		await page.getByLabel('At most').fill('4');
		await page.getByLabel('One use costs you').fill('2,50');
		await page.getByText('Silver, Gold: Coffee, at most 4 a year', { exact: false }).waitFor();
		await page.getByText('1,025 members stand on these tiers', { exact: false }).waitFor();
		const { body: asked } = await sent(page, 'POST', '/loyalty/tiers/what-if', () => page.getByRole('button', { name: 'What would it cost' }).click());
		must(asked.ladder.benefits.length === 4 && asked.ladder.benefits[3].cost === '2.50', `reckoned ${JSON.stringify(asked.ladder.benefits)}`);
		// The key of a benefit is its name for ever: the shop has a coffee already.
		const { body } = await sent(page, 'PUT', '/loyalty/program', () => save.click());
		const [ladder] = body.program.ladders;
		const { key, kind, tiers, times } = ladder.benefits[3];
		must(body.version === 2 && body.program.wallets.length === 3 && ladder.grace.count === 1 && key === 'coffee-2' && kind === 'content' && tiers.join() === 'silver,gold' && times.most === 4 && times.every === 'year', `saved ${JSON.stringify(ladder)}`);
		await page.getByText('Coffee holds from now on', { exact: false }).waitFor();
		await page.getByRole('button', { name: 'Free tent repair' }).click();
		must(page.url().endsWith('?benefit=repair'), `the benefit is not in the address: ${page.url()}`);
		page.once('dialog', (it) => void it.accept());
		const { body: left } = await sent(page, 'PUT', '/loyalty/program', () => page.getByRole('button', { name: 'Remove the benefit' }).click());
		must(!left.program.ladders[0].benefits.some((it) => it.key === 'repair') && left.program.ladders[0].tiers.length === 3, `left ${JSON.stringify(left.program.ladders)}`);
	},
	'three tiers begin with one click, which says first what they would mean': async (page, context) => {
		if (!context.mock) return;
		await open(page, context, '/loyalty/tiers');
		await withoutLadders(page);
		await page.getByText('237 would be Gold', { exact: false }).waitFor();
		must(!(await page.locator('main').innerText()).includes('below the first'), 'nobody would be below the first, and yet it is said');
		const { body } = await sent(page, 'PUT', '/loyalty/program', () => page.getByRole('button', { name: 'Begin with three tiers' }).click());
		must(body.program.ladders[0].tiers.length === 3 && body.program.ladders[0].tiers[2].needs.at_least === '1000' && body.program.wallets.length === 3, `saved ${JSON.stringify(body.program.ladders)}`);
	},
	'a tier is given with a reason, and taken back': async (page, context) => {
		if (!context.mock) return;
		await open(page, context, '/loyalty/members');
		await page.getByRole('table', { name: 'Members' }).getByRole('link').first().click();
		await page.getByText('187.60 missing', { exact: false }).waitFor();
		await page.getByRole('button', { name: 'Give a tier' }).click();
		const dialog = page.locator('dialog');
		const give = dialog.getByRole('button', { name: 'Give a tier' });
		must(await give.isDisabled(), 'a tier is given without a reason');
		await dialog.getByLabel('Reason').fill('Holds the alpine club’s card');
		await dialog.getByLabel('Until the end of').fill('2027-05-31');
		const { url, body } = await sent(page, 'PUT', '/match', () => give.click());
		must(url.endsWith('/tiers/club/match') && body.tier === 'gold' && body.until.startsWith('2027-05-31T') && body.reason === 'Holds the alpine club’s card', `sent ${JSON.stringify(body)}`);
		await open(page, context, '/loyalty/members');
		await page.getByRole('table', { name: 'Members' }).getByRole('link').nth(1).click();
		page.once('dialog', (it) => void it.accept());
		await sent(page, 'DELETE', '/match', () => page.getByRole('button', { name: 'Take it back' }).click());
	},
	'the books add up in points and in money, and leave as a file': async (page, context) => {
		await open(page, context, '/loyalty/liability');
		const table = page.getByRole('table', { name: 'Month by month' });
		if (!(await table.count())) return;
		await page.getByText('Every month adds up', { exact: false }).waitFor();
		await page.getByText('Money', { exact: true }).click();
		await page.waitForURL(/view=money/);
		await table.getByText('Earned: breakage').waitFor();
		if (!context.mock) return;
		const again = page.waitForRequest((request) => request.url().includes('/loyalty/liability?') && request.url().includes('basis=effective'));
		await page.getByLabel('A month has what').selectOption('effective');
		await again;
		const file = await page.getByRole('link', { name: 'CSV' }).getAttribute('href');
		await page.waitForFunction(() => [...document.querySelectorAll('a[download]')].some((it) => it.href.includes('basis=effective')));
		must(file.includes('/loyalty/liability.csv') && file.includes('wallet=points'), `the file is ${file}`);
	}
};
