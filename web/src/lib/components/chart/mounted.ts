// A picture that stands in the page as long as its place does. Its part of ECharts is loaded when the first one is shown.
import type { EChartsType, init as Init } from 'echarts/core';

/** Attaches a chart to its place. `hold` is given it once it can be drawn on, and nothing when the place is gone. */
export function mounted(load: () => Promise<{ init: typeof Init }>, hold: (chart: EChartsType | undefined) => void, fail: () => void) {
	return (element: HTMLElement) => {
		let gone = false;
		let chart: EChartsType | undefined;
		let observer: ResizeObserver | undefined;
		load()
			.then(({ init }) => {
				if (gone) return;
				chart = init(element, null, { renderer: 'svg' });
				observer = new ResizeObserver(() => chart?.resize());
				observer.observe(element);
				hold(chart);
			})
			.catch(fail);
		return () => {
			gone = true;
			observer?.disconnect();
			chart?.dispose();
			chart = undefined;
			hold(undefined);
		};
	};
}
