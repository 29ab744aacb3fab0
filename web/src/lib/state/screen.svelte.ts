// Whether the window is a phone's: tables become lists there, and the rail a bottom bar.
import { browser } from '$app/environment';

class Screen {
	phone = $state(false);

	start(): void {
		if (!browser) return;
		const narrow = matchMedia('(max-width: 700px)');
		this.phone = narrow.matches;
		narrow.addEventListener('change', (event) => (this.phone = event.matches));
	}
}

export const screenSize = new Screen();
