// The words of journeys, campaigns and sending: they come with the rooms that say them.
import { journeys } from './journeys';
import { sending } from './sending';

export const outreach = { ...journeys, ...sending };
