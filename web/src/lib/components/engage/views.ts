// How a preview is looked at.
export const VIEWS = ['desk', 'phone', 'plain'] as const;
export type View = (typeof VIEWS)[number];
