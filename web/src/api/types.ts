/** The names by which the page calls what the server answers; all of them come from its OpenAPI file. */

import type { components } from "./schema";

type Schemas = components["schemas"];

export type Advice = Schemas["Advice"];
export type Arm = Schemas["Arm"];
export type At = Schemas["At"];
export type Best = Schemas["Best"];
export type Branch = Schemas["Branch"];
export type Comparison = Schemas["Comparison"];
export type DatasetItem = Schemas["DatasetItem"];
export type DatasetList = Schemas["DatasetList"];
export type DatasetName = Schemas["DatasetName"];
export type Decision = Schemas["Decision"];
export type Diagnostics = Schemas["Diagnostics"];
export type Entry = Schemas["LogEntry"];
export type Event = Schemas["Event"];
export type Family = Schemas["Family"];
export type Levels = Schemas["Levels"];
export type LogLine = Schemas["LogLine"];
export type Metric = Schemas["Metric"];
export type Model = Schemas["Model"];
export type MetricInfo = Schemas["MetricInfo"];
export type Direction = Schemas["Direction"];
export type Problem = Schemas["Problem"];
export type Reason = Schemas["Reason"];
export type ReportRow = Schemas["ReportRow"];
export type RunEquivalents = Schemas["RunEquivalents"];
export type SchedulerKind = Schemas["SchedulerKind"];
export type Segment = Schemas["Segment"];
export type Session = Schemas["Session"];
export type Sparkline = Schemas["Sparkline"];
export type SweepBest = Schemas["SweepBest"];
export type SweepDetail = Schemas["SweepDetail"];
export type SweepList = Schemas["SweepList"];
export type SweepPlan = Schemas["SweepPlan"];
export type SweepSpec = Schemas["SweepSpec"];
export type SweepStatus = Schemas["SweepStatus"];
export type SweepSummary = Schemas["SweepSummary"];
export type SweepTable = Schemas["SweepTable"];
export type TableCell = Schemas["TableCell"];
export type TableRow = Schemas["TableRow"];
export type TrialItem = Schemas["TrialItem"];
export type TrialKey = Schemas["TrialKey"];
export type TrialList = Schemas["TrialList"];
export type TrialStatus = Schemas["TrialStatus"];
export type TroubledWorker = Schemas["TroubledWorker"];
