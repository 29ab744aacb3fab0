// A static single page: nothing is rendered on a server, and only the fallback page is built ahead.
export const ssr = false;
export const prerender = false;
