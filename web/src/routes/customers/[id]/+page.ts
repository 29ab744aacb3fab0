// What a customer got is said in the words of journeys, what they wrote in those of feedback.
import { words } from '$lib/i18n/index.svelte';

export const load = () => words.with('outreach', 'feedback', 'loyalty', 'models');
