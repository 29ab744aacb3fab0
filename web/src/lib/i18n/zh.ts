// All words of the console in Chinese; the types keep the keys equal to the English ones.
import { frame } from './zh/frame';
import { customers } from './zh/customers';
import { insights } from './zh/insights';
import { segments } from './zh/segments';
import { exploring } from './zh/exploring';
import { lists } from './zh/lists';

export const zh = { ...frame, ...customers, ...insights, ...segments, ...exploring, ...lists };
