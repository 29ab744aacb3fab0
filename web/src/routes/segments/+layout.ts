// The words of this room come with it.
import { words } from '$lib/i18n/index.svelte';

export const load = () => words.with('templates', 'portraits');
