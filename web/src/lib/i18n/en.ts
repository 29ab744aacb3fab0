// All words of the console in English, by room. Other languages have exactly these keys.
import { frame } from './en/frame';
import { customers } from './en/customers';
import { insights } from './en/insights';
import { segments } from './en/segments';
import { exploring } from './en/exploring';
import { lists } from './en/lists';

export const en = { ...frame, ...customers, ...insights, ...segments, ...exploring, ...lists };
