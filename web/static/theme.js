// Runs before the first paint, so that a dark page never flashes white. Without a choice the system decides.
(function () {
	var root = document.documentElement;
	var theme = null;
	try {
		theme = localStorage.getItem('rapport.theme');
		root.lang = localStorage.getItem('rapport.language') || 'en';
	} catch (e) {
		// Storage may be switched off; the system's preference applies then.
	}
	if (theme !== 'light' && theme !== 'dark') theme = matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light';
	root.dataset.theme = theme;
})();
