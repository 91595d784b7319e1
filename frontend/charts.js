// Draws the figures that the macro chart() describes: <figure data-chart="line|area|bar|stacked|sankey"> with its data
// as JSON.
// The numbers also stand in a table beneath, so nothing is lost without this script.

import { BarChart, LineChart, SankeyChart } from "echarts/charts";
import { GridComponent, LegendComponent, TooltipComponent } from "echarts/components";
import { init, use } from "echarts/core";
import { SVGRenderer } from "echarts/renderers";

use([BarChart, LineChart, SankeyChart, GridComponent, LegendComponent, TooltipComponent, SVGRenderer]);

const PALETTE = 6;
const language = document.documentElement.lang || "en";
const calm = window.matchMedia("(prefers-reduced-motion: reduce)");
const drawn = new Map();

// ECharts needs plain colours, the theme's are light-dark(…): the browser works them out on a probe.
function colour(value) {
  const probe = document.createElement("i");
  probe.style.color = value;
  document.body.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}

function look() {
  return {
    palette: Array.from({ length: PALETTE }, (_, n) => colour(`var(--lb-chart-${n + 1})`)),
    text: colour("light-dark(#45555a, #c8d3d5)"),
    line: colour("var(--tblr-border-color)"),
    surface: colour("light-dark(#ffffff, #17262a)"),
    font: getComputedStyle(document.body).fontFamily,
  };
}

function numberFormat({ unit, currency = "EUR" }, short) {
  if (unit === "percent") return new Intl.NumberFormat(language, { style: "percent", maximumFractionDigits: 1 });
  const compact = short ? { notation: "compact" } : {};
  const kind = unit === "money" ? { style: "currency", currency } : { maximumFractionDigits: 1 };
  return new Intl.NumberFormat(language, { ...kind, ...compact });
}

function seriesOf(kind, series) {
  const line = (series.kind ?? kind) === "line" || (series.kind ?? kind) === "area";
  return {
    name: series.name,
    data: series.values,
    type: line ? "line" : "bar",
    stack: kind === "stacked" && !line ? "all" : undefined,
    areaStyle: (series.kind ?? kind) === "area" ? { opacity: 0.15 } : undefined,
    showSymbol: series.values.length < 40,
    symbolSize: 6,
    lineStyle: { width: 2.5 },
    barMaxWidth: 36,
    emphasis: { focus: "series" },
  };
}

// Streams between two columns: `nodes` say their label and side, `links` how many went from where to where.
function streams(data) {
  const { palette, text, line, surface, font } = look();
  const exact = numberFormat(data, false);
  const narrow = window.innerWidth < 640;
  const hues = [...new Set(data.nodes.map((node) => node.label))];
  const hue = (label) => palette[hues.indexOf(label) % palette.length];
  return {
    textStyle: { fontFamily: font, color: text },
    animation: !calm.matches,
    tooltip: {
      backgroundColor: surface,
      borderColor: line,
      textStyle: { color: text },
      formatter: ({ dataType, data: one, value }) =>
        dataType === "edge" ? `${one.source.slice(2)} → ${one.target.slice(2)}: ${exact.format(one.value)}` : `${one.label_text}: ${exact.format(value)}`,
    },
    series: [{
      type: "sankey",
      left: 4,
      right: narrow ? 92 : 120,
      top: 8,
      bottom: 8,
      nodeGap: 14,
      layoutIterations: 0,
      emphasis: { focus: "adjacency" },
      lineStyle: { color: "source", opacity: 0.35 },
      label: { color: text, textBorderWidth: 0, fontSize: 12 },
      data: data.nodes.map((node) => ({
        name: node.name,
        label_text: node.label,
        depth: node.side === "left" ? 0 : 1,
        itemStyle: { color: hue(node.label) },
        label: { formatter: node.label, position: "right" },
      })),
      links: data.links,
    }],
  };
}

function options(kind, data) {
  if (kind === "sankey") return streams(data);
  const { palette, text, line, surface, font } = look();
  const exact = numberFormat(data, false);
  const short = numberFormat(data, true);
  const bars = kind === "bar" || kind === "stacked";
  return {
    color: palette,
    textStyle: { fontFamily: font, color: text },
    animation: !calm.matches,
    animationDuration: 300,
    legend: { show: data.series.length > 1, top: 0, right: 0, icon: "roundRect", itemWidth: 14, itemHeight: 8, textStyle: { color: text } },
    grid: { top: data.series.length > 1 ? 40 : 16, left: 4, right: 12, bottom: 4, outerBoundsMode: "same" },
    tooltip: {
      trigger: "axis",
      axisPointer: { type: bars ? "shadow" : "line" },
      backgroundColor: surface,
      borderColor: line,
      textStyle: { color: text },
      valueFormatter: (value) => (value == null ? "–" : exact.format(value)),
    },
    xAxis: {
      type: "category",
      data: data.labels,
      boundaryGap: bars || data.series.some((one) => one.kind === "bar"),
      axisLine: { lineStyle: { color: line } },
      axisTick: { show: false },
      axisLabel: { color: text, hideOverlap: true },
    },
    yAxis: {
      type: "value",
      minInterval: data.unit ? undefined : 1,
      axisLabel: { color: text, formatter: (value) => short.format(value) },
      splitLine: { lineStyle: { color: line } },
    },
    series: data.series.map((series) => seriesOf(kind, series)),
  };
}

function draw(figure) {
  const canvas = figure.querySelector(".lb-chart-canvas");
  const data = JSON.parse(figure.querySelector("script[type='application/json']").textContent);
  const chart = drawn.get(canvas) ?? init(canvas, null, { renderer: "svg" });
  if (!drawn.has(canvas)) sizes.observe(canvas);
  drawn.set(canvas, chart);
  chart.setOption(options(figure.dataset.chart, data), { notMerge: true });
}

// htmx may have swapped figures away: let go of those before drawing what is there.
function drawAll() {
  for (const [canvas, chart] of drawn) {
    if (canvas.isConnected) continue;
    sizes.unobserve(canvas);
    chart.dispose();
    drawn.delete(canvas);
  }
  document.querySelectorAll("[data-chart]").forEach(draw);
}

const sizes = new ResizeObserver((entries) => entries.forEach(({ target }) => drawn.get(target)?.resize()));
const themes = new MutationObserver(drawAll);

themes.observe(document.documentElement, { attributes: true, attributeFilter: ["data-bs-theme"] });
document.addEventListener("htmx:after:swap", drawAll);
drawAll();
