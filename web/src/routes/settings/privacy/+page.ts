// Where this page was before there was a room for it.
import { redirect } from '@sveltejs/kit';

export const load = ({ url }: { url: URL }) => redirect(308, `/privacy/requests${url.search}`);
