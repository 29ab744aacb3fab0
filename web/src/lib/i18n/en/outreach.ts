// The words of journeys, campaigns, slots and sending: they come with the rooms that say them.
import { journeys } from './journeys';
import { sending } from './sending';
import { slots } from './slots';

export const outreach = { ...journeys, ...sending, ...slots };
