// Themes of what customers write, as pages show them. Pure: words and places, no screen.
import type { components } from '$lib/api/schema';

type Schemas = components['schemas'];
export type Theme = Schemas['ThemeShape'];
export type Themes = Schemas['ThemesAnswer'];

/** What a theme is called: the words that set it apart. */
export const themeName = (theme: Pick<Theme, 'words'>, most = 4): string => theme.words.slice(0, most).join(', ');

/** What a theme is known by in an address: it has no other name than its words. */
export const themeKey = (theme: Pick<Theme, 'words'>): string => theme.words.join('.');

/** A theme that somebody should look at: it is new, grows, or is spoken of worse than before. */
export const isAlarm = (theme: Theme): boolean => theme.texts > 0 && (theme.volume === 'new' || theme.volume === 'growing' || theme.feeling === 'worse');

/** Those that somebody should look at, what is said worse and most first. */
export function alarms(themes: Theme[]): Theme[] {
	const weight = (it: Theme) => it.texts * (0.5 + it.negative_share) * (it.feeling === 'worse' ? 1.5 : 1);
	return themes.filter(isAlarm).sort((a, b) => weight(b) - weight(a));
}

/** How far the words of a theme go together, for people. */
export const coherenceOf = (value: number): 'well' | 'loosely' | 'hardly' => (value >= 0.25 ? 'well' : value >= 0.05 ? 'loosely' : 'hardly');

/** How far half of the texts gives the same themes, for people. */
export const stabilityOf = (value: number): 'firm' | 'mostly' | 'first_look' => (value >= 0.7 ? 'firm' : value >= 0.5 ? 'mostly' : 'first_look');

/** Where a theme stands in the picture. */
export interface Bubble {
	theme: Theme;
	/** Doublings against the period before; what is new stands beyond them. */
	x: number;
	/** The mean sentiment, -1 to 1. */
	y: number;
	isNew: boolean;
}

/** What is beyond so many doublings stands at the edge. */
const MOST_DOUBLINGS = 3;

/** The bubbles of the themes that are spoken of now, and how many doublings the axis shows to each side. */
export function bubbles(themes: Theme[]): { bubbles: Bubble[]; doublings: number } {
	const now = themes.filter((theme) => theme.texts > 0 && theme.sentiment !== null && theme.sentiment !== undefined);
	const moved = (theme: Theme) => (theme.factor ? Math.log2(theme.factor) : 0);
	const far = Math.max(1, ...now.map((theme) => Math.abs(moved(theme))));
	const doublings = Math.min(MOST_DOUBLINGS, Math.ceil(far));
	const place = (theme: Theme): Bubble => {
		const isNew = theme.factor === null || theme.factor === undefined;
		return { theme, isNew, x: isNew ? doublings + 0.6 : Math.max(-doublings, Math.min(doublings, moved(theme))), y: theme.sentiment! };
	};
	return { bubbles: now.map(place).sort((a, b) => b.theme.texts - a.theme.texts), doublings };
}

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;

/** The period of so many days that ends with this hour. */
export function span(period: string, now: number): { from: string; to: string } {
	const to = Math.ceil(now / HOUR_MS) * HOUR_MS;
	return { from: new Date(to - parseInt(period, 10) * DAY_MS).toISOString(), to: new Date(to).toISOString() };
}
