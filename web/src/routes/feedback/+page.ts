// The room opens with its first place.
import { redirect } from '@sveltejs/kit';

export const load = () => redirect(307, '/feedback/surveys');
