// The parts of ECharts in use, drawn as SVG. Imported only when a page shows such a chart, so the first load stays small.
import { BarChart, LineChart } from 'echarts/charts';
import { AriaComponent, GridComponent, MarkAreaComponent, TooltipComponent } from 'echarts/components';
import { LabelLayout } from 'echarts/features';
import { init, use } from 'echarts/core';
import { SVGRenderer } from 'echarts/renderers';

use([BarChart, LineChart, AriaComponent, GridComponent, MarkAreaComponent, TooltipComponent, LabelLayout, SVGRenderer]);

export { init };
export type { EChartsType } from 'echarts/core';
