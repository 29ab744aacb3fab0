// The bar of languages says words of messages.
import { words } from '$lib/i18n/index.svelte';

export const load = () => words.with('feedback', 'outreach');
