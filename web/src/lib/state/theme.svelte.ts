// Light, dark, or as the system says. static/theme.js applies the stored choice before the first paint; this keeps it in step.
import { browser } from '$app/environment';

export type ThemeChoice = 'system' | 'light' | 'dark';

class Theme {
	choice = $state<ThemeChoice>('system');
	dark = $state(false);

	start(): void {
		if (!browser) return;
		const stored = localStorage.getItem('rapport.theme');
		this.choice = stored === 'light' || stored === 'dark' ? stored : 'system';
		const system = matchMedia('(prefers-color-scheme: dark)');
		system.addEventListener('change', () => this.#apply());
		this.#apply();
	}

	choose(choice: ThemeChoice): void {
		this.choice = choice;
		if (choice === 'system') localStorage.removeItem('rapport.theme');
		else localStorage.setItem('rapport.theme', choice);
		this.#apply();
	}

	#apply(): void {
		this.dark = this.choice === 'dark' || (this.choice === 'system' && matchMedia('(prefers-color-scheme: dark)').matches);
		document.documentElement.dataset.theme = this.dark ? 'dark' : 'light';
	}
}

export const theme = new Theme();
