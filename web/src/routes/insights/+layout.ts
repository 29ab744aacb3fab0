// The words of models come with this room.
import { words } from '$lib/i18n/index.svelte';

export const load = () => words.with('models');
