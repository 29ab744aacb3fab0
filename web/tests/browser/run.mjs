// Walks every page in Chromium, light and dark, at 390x844 and 1440x900. Fails on axe findings, console errors and missing content;
// keeps the screenshots in tests/browser/shots, with SHOTS=failed only those of pages that failed: where nobody looks at them they are work
// for nobody. Then uses the console by hand: see scenarios.mjs.
//
// Walks the mock with the fixtures; with RAPPORT_BINARY a sample shop of that binary; with BASE_URL (and SIGN_IN_LINK) a running server.
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { advocacyScenarios } from './advocacy-scenarios.mjs';
import { complaintScenarios } from './complaint-scenarios.mjs';
import { ideaScenarios } from './idea-scenarios.mjs';
import { intentScenarios } from './intent-scenarios.mjs';
import { loyaltyChallengeScenarios } from './loyalty-challenge-scenarios.mjs';
import { loyaltyCodeScenarios } from './loyalty-code-scenarios.mjs';
import { loyaltyHandScenarios } from './loyalty-hand-scenarios.mjs';
import { loyaltyLawScenarios } from './loyalty-law-scenarios.mjs';
import { loyaltyGiftCardScenarios } from './loyalty-gift-card-scenarios.mjs';
import { loyaltyLeaderboardScenarios } from './loyalty-leaderboard-scenarios.mjs';
import { loyaltyMemberScenarios } from './loyalty-member-scenarios.mjs';
import { loyaltyOfferScenarios } from './loyalty-offer-scenarios.mjs';
import { loyaltyPartnerScenarios } from './loyalty-partner-scenarios.mjs';
import { loyaltyReferralScenarios } from './loyalty-referral-scenarios.mjs';
import { loyaltyScenarios } from './loyalty-scenarios.mjs';
import { loyaltyHouseholdScenarios } from './loyalty-household-scenarios.mjs';
import { loyaltyTransferScenarios } from './loyalty-transfer-scenarios.mjs';
import { loyaltyTrialScenarios } from './loyalty-trial-scenarios.mjs';
import { noteScenarios } from './note-scenarios.mjs';
import { followUpScenarios } from './follow-up-scenarios.mjs';
import { missing, PARTS } from './insight-parts.mjs';
import { pages } from './pages.mjs';
import { scenarios } from './scenarios.mjs';
import { slotScenarios } from './slots-script.mjs';
import { surveyScenarios } from './survey-script.mjs';
import { surveyPageScenarios } from './survey-scenarios.mjs';
import { openShop } from './shop.mjs';
import { textScenarios } from './text-scenarios.mjs';

const shots = join(dirname(fileURLToPath(import.meta.url)), 'shots');
rmSync(shots, { recursive: true, force: true });
mkdirSync(shots, { recursive: true });

const shop = await openShop();
const base = shop.url;
/** Names, or parts of them, with commas between. */
const only = process.env.ONLY?.split(',');
const isWanted = (name) => !only || only.some((part) => name.includes(part));
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
// The fixtures were made for this moment; a real server has its own clock.
const FIXTURE_NOW = new Date('2026-11-21T21:00:00Z');

const browser = await chromium.launch({
	executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
	args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync']
});

/** The session: a sign-in link works once, so its cookie is handed to every later context. */
let session;
let passed = 0;
let failed = 0;
function report(name, problems) {
	if (problems.length === 0) passed += 1;
	else failed += 1;
	console.log(`${problems.length ? 'not ok' : 'ok'} ${passed + failed} - ${name}`);
	for (const problem of problems) console.log(`  # ${problem}`);
}

async function open([width, height], language = 'en') {
	const context = await browser.newContext({ baseURL: base, viewport: { width, height }, locale: language === 'zh' ? 'zh-CN' : 'en-GB', timezoneId: 'Europe/Berlin', reducedMotion: 'reduce', permissions: ['clipboard-read', 'clipboard-write'], storageState: session });
	// Not within the frames of previews: they have no storage.
	await context.addInitScript((l) => window.top === window && localStorage.setItem('rapport.language', l), language);
	const page = await context.newPage();
	if (shop.mock) await page.clock.setFixedTime(FIXTURE_NOW);
	const errors = [];
	// Chromium says this of what the walk itself puts into the frame of a preview, where nothing may run.
	const isOurs = (text) => text.startsWith("Blocked script execution in 'about:srcdoc'");
	page.on('console', (message) => message.type() === 'error' && !isOurs(message.text()) && errors.push(`console: ${message.text()}`));
	page.on('pageerror', (error) => errors.push(`page: ${error.message}`));
	page.setDefaultTimeout(10_000);
	if (shop.link && !session) {
		await page.goto(shop.link);
		session = { cookies: (await context.storageState()).cookies, origins: [] };
	}
	errors.length = 0;
	return { context, page, errors };
}

/** Nothing is on its way: no first answer (a skeleton), no newer one (`aria-busy`). A page caught in between would be another one each time. */
const quiet = (page) => page.waitForFunction(() => !document.querySelector('.skeleton, [aria-busy="true"]'));

/** Waits until nothing is being asked and nothing is being loaded, and the chart, if any, is drawn. */
export async function settled(page) {
	await page.waitForSelector('main h1, main .failure', { state: 'attached' });
	await quiet(page);
	if (await page.locator('.chart').count()) await page.waitForSelector('.chart svg');
	await page.waitForTimeout(150);
}

/** Of what axe looks at, what another size can change, and what another theme can. */
const BY_SIZE = ['avoid-inline-spacing', 'color-contrast', 'link-in-text-block', 'scrollable-region-focusable', 'target-size'];
const BY_THEME = ['color-contrast'];

/** What axe finds; with `rules`, by those alone. */
async function violations(page, rules) {
	const runOnly = rules ? { type: 'rule', values: rules } : ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
	// Only what is wrong leaves the page: what is right is described as fully, and is most of it.
	const found = await page.evaluate(async (runOnly) => (await window.axe.run(document, { runOnly, resultTypes: ['violations'] })).violations, runOnly);
	return found.map((v) => `axe ${v.id}: ${v.help} (${v.nodes.length}) ${v.nodes.slice(0, 3).map((n) => `${n.target.join(' ')} ${n.any[0]?.message ?? ''}`).join(' | ')}`);
}

/** By size, what axe looks at there first: of the phone what differs from the desk. */
const SIZES = { phone: { viewport: [390, 844], rules: BY_SIZE }, desk: { viewport: [1440, 900], rules: undefined } };
const first = (error) => error.message.split('\n')[0];

/** Opens a page on the phone, does there what is to be done, as what works there works where there is room; then gives it room. Each load is looked at in both sizes and both themes:
 * the console follows its window and, without a choice of one's own, the system. */
async function look(page, errors, entry) {
	const problems = [];
	const turn = async (size, colorScheme) => {
		const [width, height] = SIZES[size].viewport;
		await page.setViewportSize({ width, height });
		await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
	};
	await turn('phone', 'light');
	try {
		await page.goto(base + entry.path);
		await settled(page);
		if (entry.act) await entry.act(page);
		if (entry.text) await page.getByText(entry.text).first().waitFor();
		// A real shop may know too little for a part.
		if (shop.mock) problems.push(...(await missing(page, entry.name)));
		await page.evaluate(axe);
	} catch (error) {
		problems.push(first(error));
	}
	for (const [size, { rules }] of Object.entries(SIZES)) {
		for (const theme of ['light', 'dark']) {
			const own = [];
			try {
				await turn(size, theme);
				await page.waitForTimeout(60);
				await quiet(page);
				const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
				if (wide > 0) own.push(`the page scrolls sideways by ${wide} px`);
				own.push(...(await violations(page, theme === 'dark' ? BY_THEME : rules)));
			} catch (error) {
				own.push(first(error));
			}
			const all = [...problems, ...own, ...errors.filter((text) => !entry.expects || !text.includes(entry.expects))];
			if (all.length || process.env.SHOTS !== 'failed') await page.screenshot({ path: join(shots, `${entry.name}-${size}-${theme}.png`), fullPage: !entry.act });
			report(`${entry.name}, ${size}, ${theme}`, all);
		}
	}
}

const start = await open(SIZES.phone.viewport);
const listed = await pages(start.page, base);
const left = listed.filter((entry) => isWanted(entry.name));
await start.context.close();
// Parts are looked for where their page is walked.
if (shop.mock) report('every page of insights is walked', Object.keys(PARTS).filter((name) => !listed.some((entry) => entry.name === name)).map((name) => `there is no page “${name}”`));

/** Takes one page after another, beside whoever else does. */
async function walk() {
	const { context, page, errors } = await open(SIZES.phone.viewport);
	for (let entry = left.shift(); entry; entry = left.shift()) {
		errors.length = 0;
		await look(page, errors, entry);
	}
	await context.close();
}

await Promise.all([walk(), walk()]);

const allScenarios = { ...scenarios, ...slotScenarios, ...surveyPageScenarios, ...surveyScenarios, ...textScenarios, ...followUpScenarios, ...complaintScenarios, ...advocacyScenarios, ...ideaScenarios, ...intentScenarios, ...loyaltyScenarios, ...loyaltyLawScenarios, ...loyaltyGiftCardScenarios, ...loyaltyLeaderboardScenarios, ...loyaltyMemberScenarios, ...loyaltyOfferScenarios, ...loyaltyPartnerScenarios, ...loyaltyReferralScenarios, ...loyaltyChallengeScenarios, ...loyaltyCodeScenarios, ...loyaltyHandScenarios, ...loyaltyHouseholdScenarios, ...loyaltyTransferScenarios, ...loyaltyTrialScenarios, ...noteScenarios };
for (const [name, run] of Object.entries(allScenarios)) {
	if (!isWanted(name)) continue;
	const { context, page, errors } = await open(SIZES.desk.viewport, name.includes('Chinese') ? 'zh' : 'en');
	const problems = [];
	// The browser logs every refusal of the server; a scenario that wants one says so.
	const refusals = [];
	try {
		await run(page, { base, settled, mock: shop.mock, refusals });
	} catch (error) {
		problems.push(error.message.split('\n').slice(0, 3).join(' '));
		await page.screenshot({ path: join(shots, `failed-${name.replace(/\W+/g, '-')}.png`) }).catch(() => {});
	}
	report(name, [...problems, ...errors.filter((text) => !refusals.some((status) => text.includes(status)))]);
	await context.close();
}

await browser.close();
await shop.close();
console.log(`1..${passed + failed}\n${passed} passed, ${failed} failed`);
process.exit(failed ? 1 : 0);
