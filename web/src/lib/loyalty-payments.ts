// What members paid of receipts with points at tills: how a payment can stand.
export const PAYMENT_STATES = ['', 'open', 'told', 'returned', 'cancelled', 'lapsed', 'refused'] as const;
export const PAYMENT_TONES: Record<string, string> = { open: 'warn', told: 'good', refused: 'bad' };
