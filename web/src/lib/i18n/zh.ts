// All words of the console in Chinese; the types keep the keys equal to the English ones.
import { frame } from './zh/frame';
import { customers } from './zh/customers';
import { data } from './zh/data';
import { insights } from './zh/insights';

export const zh = { ...frame, ...customers, ...insights, ...data };
