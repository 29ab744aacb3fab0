// The words that new blocks begin with, in the language of whoever writes.
import { t } from '$lib/i18n/index.svelte';
import type { Words } from '$lib/message-templates';

export const blockWords = (): Words => ({ heading: t('message.blank.heading'), text: t('message.blank.text'), label: t('message.blank.label') });
