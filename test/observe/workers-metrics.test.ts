import { expect, test } from "@jest/globals";
import { createWorkersMetrics } from "../../src/observe/workers-metrics.ts";
import { metricOf } from "../support/gateways/workers.ts";

const STATE = { starting: 0, droppedLines: 0 };
const help = "of a test";

/** What a worker measured: so many streams ended, so many run now, and the time to their first byte. */
const values = (ended: number, running: number, late = 0, isAvailable = 1) => [
  {
    name: "sluice_streams_ended_total",
    type: "counter",
    help,
    aggregator: "sum",
    values: [{ labels: { route: "a" }, value: ended }],
  },
  {
    name: "sluice_streams",
    type: "gauge",
    help,
    aggregator: "sum",
    values: [{ labels: { state: "active" }, value: running }],
  },
  {
    name: "sluice_event_loop_delay_seconds",
    type: "gauge",
    help,
    aggregator: "sum",
    values: [{ labels: { quantile: 1 }, value: late }],
  },
  {
    name: "sluice_first_byte_seconds",
    type: "histogram",
    help,
    aggregator: "sum",
    values: [
      { labels: { le: 1 }, value: ended, metricName: "sluice_first_byte_seconds_bucket" },
      { labels: {}, value: ended, metricName: "sluice_first_byte_seconds_count" },
    ],
  },
  {
    name: "sluice_ledger_available",
    type: "gauge",
    help,
    aggregator: "min",
    values: [{ labels: {}, value: isAvailable }],
  },
];

test("counters, histograms and gauges are sums, and figures of one process name the worker", async () => {
  const page = await createWorkersMetrics().text(
    [
      { worker: 1, values: values(3, 1, 0.25) },
      { worker: 2, values: values(4, 2, 0.5, 0) },
    ],
    STATE,
  );
  expect(metricOf(page, 'sluice_streams_ended_total{route="a"}')).toBe(7);
  expect(metricOf(page, 'sluice_first_byte_seconds_bucket{le="1"}')).toBe(7);
  expect(metricOf(page, "sluice_first_byte_seconds_count")).toBe(7);
  expect(metricOf(page, 'sluice_streams{state="active"}')).toBe(3);
  expect(metricOf(page, 'sluice_event_loop_delay_seconds{worker="1",quantile="1"}')).toBe(0.25);
  expect(metricOf(page, 'sluice_event_loop_delay_seconds{worker="2",quantile="1"}')).toBe(0.5);
  // One that cannot write is enough.
  expect(metricOf(page, "sluice_ledger_available")).toBe(0);
  expect(metricOf(page, 'sluice_workers{state="running"}')).toBe(2);
});

test("a worker that does not answer is counted as silent, and its counters stay", async () => {
  const metrics = createWorkersMetrics();
  await metrics.text(
    [
      { worker: 1, values: values(3, 1) },
      { worker: 2, values: values(4, 2) },
    ],
    STATE,
  );
  const page = await metrics.text(
    [
      { worker: 1, values: values(5, 1) },
      { worker: 2, values: undefined },
    ],
    STATE,
  );
  expect(metricOf(page, 'sluice_workers{state="running"}')).toBe(1);
  expect(metricOf(page, 'sluice_workers{state="silent"}')).toBe(1);
  expect(metricOf(page, 'sluice_streams_ended_total{route="a"}')).toBe(9);
  expect(metricOf(page, 'sluice_streams{state="active"}')).toBe(1);
});

test("no counter falls when workers are replaced", async () => {
  const metrics = createWorkersMetrics();
  const total = async (ended: number) =>
    metricOf(
      await metrics.text([{ worker: 1, values: values(ended, 0) }], STATE),
      'sluice_streams_ended_total{route="a"}',
    );
  expect(await total(3)).toBe(3);
  metrics.replaced(1);
  expect(await total(0)).toBe(3);
  expect(await total(2)).toBe(5);
  metrics.replaced(1);
  expect(await total(1)).toBe(6);
});

test("log lines that the primary lost are added to those that its workers lost", async () => {
  const metrics = createWorkersMetrics();
  const lost = {
    name: "sluice_log_lines_dropped_total",
    type: "counter",
    help,
    aggregator: "sum",
    values: [{ labels: {}, value: 2 }],
  };
  await metrics.text([], { starting: 2, droppedLines: 3 });
  const page = await metrics.text([{ worker: 1, values: [lost] }], { starting: 1, droppedLines: 5 });
  expect(metricOf(page, "sluice_log_lines_dropped_total")).toBe(7);
  expect(metricOf(page, 'sluice_workers{state="starting"}')).toBe(1);
});
