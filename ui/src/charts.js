// Charts for the pages that have some: each element with data-chart="ID" draws the ECharts option that stands as JSON in
// <script type="application/json" id="ID">. Nothing is evaluated and no style attribute is written into HTML, so a strict
// content security policy holds.
import { BarChart, LineChart, PieChart } from "echarts/charts";
import {
  AriaComponent,
  DatasetComponent,
  GridComponent,
  LegendComponent,
  MarkLineComponent,
  TitleComponent,
  TooltipComponent,
} from "echarts/components";
import * as echarts from "echarts/core";
import { LabelLayout } from "echarts/features";
import { SVGRenderer } from "echarts/renderers";

echarts.use([
  BarChart, LineChart, PieChart,
  AriaComponent, DatasetComponent, GridComponent, LegendComponent, MarkLineComponent, TitleComponent, TooltipComponent,
  LabelLayout, SVGRenderer,
]);

/** Draw `option` into `element`, or draw it anew. */
function draw(element, option) {
  const chart = echarts.getInstanceByDom(element) ?? echarts.init(element, null, { renderer: "svg" });
  chart.setOption({
    animation: false, // stands still on paper and for those who asked for it
    aria: { enabled: true },
    ...option,
    tooltip: { confine: true, ...option.tooltip, renderMode: "richText" }, // the HTML one writes style attributes
  }, true);
  return chart;
}

function drawAll(root) {
  for (const element of root.querySelectorAll("[data-chart]")) {
    const source = document.getElementById(element.dataset.chart);
    if (source) draw(element, JSON.parse(source.textContent));
  }
}

function resizeAll() {
  for (const element of document.querySelectorAll("[data-chart]")) echarts.getInstanceByDom(element)?.resize();
}

if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", () => drawAll(document));
else drawAll(document);
document.addEventListener("htmx:after:swap", () => drawAll(document));
window.dutydeskCharts = { draw };
window.addEventListener("resize", resizeAll);
window.addEventListener("beforeprint", resizeAll);
