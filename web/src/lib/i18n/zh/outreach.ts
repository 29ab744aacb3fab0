// The words of journeys, campaigns, audiences, slots and sending: they come with the rooms that say them.
import { audiences } from './audiences';
import { journeys } from './journeys';
import { sending } from './sending';
import { slots } from './slots';

export const outreach = { ...audiences, ...journeys, ...sending, ...slots };
