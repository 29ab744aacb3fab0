// Walks every page in Chromium, light and dark, at 1440x900 and 390x844. Fails on axe findings, console errors and missing content;
// keeps the screenshots in tests/browser/shots, with SHOTS=failed only those of pages that failed (they are a third of the work, and where
// nobody looks at them they are for nobody). Then uses the console by hand: see scenarios.mjs.
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

/** Waits until nothing is being asked and nothing is being loaded, and the chart, if any, is drawn. */
/** Nothing is on its way: no first answer (a skeleton), no newer one (`aria-busy`). A page caught in between would be another one each time. */
const quiet = (page) => page.waitForFunction(() => !document.querySelector('.skeleton, [aria-busy="true"]'));

export async function settled(page) {
	await page.waitForSelector('main h1, main .failure', { state: 'attached' });
	await quiet(page);
	if (await page.locator('.chart').count()) await page.waitForSelector('.chart svg');
	await page.waitForTimeout(250);
}

/** What axe finds; with `only`, by that rule alone. */
async function violations(page, only) {
	if (!only) await page.evaluate(axe);
	const runOnly = only ? { type: 'rule', values: [only] } : ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
	const found = await page.evaluate((runOnly) => window.axe.run(document, { runOnly }), runOnly);
	return found.violations.map((v) => `axe ${v.id}: ${v.help} (${v.nodes.length}) ${v.nodes.slice(0, 3).map((n) => `${n.target.join(' ')} ${n.any[0]?.message ?? ''}`).join(' | ')}`);
}

const SIZES = { desk: [1440, 900], phone: [390, 844] };

async function walk(size, viewport) {
	const { context, page, errors } = await open(viewport);
	for (const entry of await pages(page, base)) {
		if (!isWanted(entry.name)) continue;
		errors.length = 0;
		const problems = [];
		await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' });
		try {
			await page.goto(base + entry.path);
			await settled(page);
			if (entry.act) await entry.act(page);
			if (entry.text) await page.getByText(entry.text).first().waitFor();
			const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
			if (wide > 0) problems.push(`the page scrolls sideways by ${wide} px`);
		} catch (error) {
			problems.push(error.message.split('\n')[0]);
		}
		// Without a choice of one's own the console follows the system, so one load shows both; of what axe looks at, only contrast changes.
		for (const theme of ['light', 'dark']) {
			await page.emulateMedia({ colorScheme: theme, reducedMotion: 'reduce' });
			await page.waitForTimeout(60);
			await quiet(page).catch((error) => problems.push(error.message.split('\n')[0]));
			const found = await violations(page, theme === 'dark' && 'color-contrast').catch((error) => [error.message]);
			const all = [...problems, ...found, ...errors.filter((text) => !entry.expects || !text.includes(entry.expects))];
			if (all.length || process.env.SHOTS !== 'failed') await page.screenshot({ path: join(shots, `${entry.name}-${size}-${theme}.png`), fullPage: !entry.act });
			report(`${entry.name}, ${size}, ${theme}`, all);
		}
	}
	await context.close();
}

// Both sizes at once, after one signed in for both.
if (shop.link) await (await open(SIZES.desk)).context.close();
await Promise.all(Object.entries(SIZES).map(([size, viewport]) => walk(size, viewport)));

const allScenarios = { ...scenarios, ...slotScenarios, ...surveyPageScenarios, ...surveyScenarios, ...textScenarios, ...followUpScenarios, ...complaintScenarios, ...advocacyScenarios, ...ideaScenarios, ...intentScenarios, ...loyaltyScenarios, ...loyaltyLawScenarios, ...loyaltyGiftCardScenarios, ...loyaltyLeaderboardScenarios, ...loyaltyMemberScenarios, ...loyaltyOfferScenarios, ...loyaltyPartnerScenarios, ...loyaltyReferralScenarios, ...loyaltyChallengeScenarios, ...loyaltyCodeScenarios, ...loyaltyHandScenarios, ...loyaltyHouseholdScenarios, ...loyaltyTransferScenarios, ...loyaltyTrialScenarios, ...noteScenarios };
for (const [name, run] of Object.entries(allScenarios)) {
	if (!isWanted(name)) continue;
	const { context, page, errors } = await open(SIZES.desk, name.includes('Chinese') ? 'zh' : 'en');
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
