// Words of picking somebody come with this page.
import { words } from '$lib/i18n/index.svelte';

export const load = () => words.with('feedback', 'outreach');
