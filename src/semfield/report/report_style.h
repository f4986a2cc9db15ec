#pragma once

namespace semfield {

// The style sheet of the report; light or dark as the reader's system is.
inline constexpr char kReportStyle[] = R"css(
:root { color-scheme: light dark; --page: #fbfaf8; --card: #ffffff; --ink: #23262b; --soft: #666c75; --line: #e3e1dc;
  --accent: #2f6f8f; --warn-back: #fdf5e2; --warn-line: #e3c77c; }
@media (prefers-color-scheme: dark) { :root { --page: #16181b; --card: #1e2125; --ink: #e4e5e7; --soft: #9aa1ab;
  --line: #33373d; --accent: #7cbcd9; --warn-back: #2b2617; --warn-line: #6d5a24; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink);
  font: 15px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; }
main { max-width: 1120px; margin: 0 auto; padding: 40px 24px 80px; }
header p { color: var(--soft); margin: 0; }
h1 { font-size: 30px; font-weight: 650; line-height: 1.2; margin: 2px 0 20px; overflow-wrap: anywhere; }
h2 { font-size: 20px; font-weight: 600; margin: 52px 0 6px; }
h3 { font-size: 15px; font-weight: 600; margin: 22px 0 6px; }
h3 span { color: var(--soft); font-weight: 400; margin-left: 8px; }
p.lead { color: var(--soft); margin: 0 0 14px; max-width: 78ch; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(165px, 1fr)); gap: 12px; }
.tile { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 14px 16px; }
.tile b { display: block; font-size: 25px; font-weight: 600; line-height: 1.25; font-variant-numeric: tabular-nums; }
.tile span { color: var(--soft); font-size: 13px; }
.notes { background: var(--warn-back); border: 1px solid var(--warn-line); border-radius: 10px; padding: 10px 16px;
  margin: 20px 0 0; }
.notes p { margin: 4px 0; overflow-wrap: anywhere; }
.columns { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 440px), 1fr)); gap: 12px 32px; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: 14px; }
th, td { text-align: left; vertical-align: top; padding: 6px 14px 6px 0; border-bottom: 1px solid var(--line); }
th { font-weight: 600; color: var(--soft); }
td { overflow-wrap: anywhere; }
th.number, td.number { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; overflow-wrap: normal; }
td.number + td:not(.number) { padding-left: 14px; }
th.number + th:not(.number) { padding-left: 14px; }
td.label { color: var(--soft); white-space: nowrap; overflow-wrap: normal; }
td.name { white-space: nowrap; overflow-wrap: normal; }
.row { display: grid; gap: 8px; }
.row.four { grid-template-columns: repeat(4, 1fr); }
.row.two { grid-template-columns: repeat(2, 1fr); }
@media (max-width: 720px) { .row.four { grid-template-columns: repeat(2, 1fr); } }
figure { margin: 0; }
figure img { display: block; width: 100%; height: auto; border-radius: 6px; background: var(--line); }
figcaption { color: var(--soft); font-size: 13px; margin-top: 3px; }
.panel { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 14px 16px 8px; }
.panel h3 { margin: 0 0 8px; }
svg.chart { display: block; width: 100%; height: auto; }
.chart-grid { stroke: var(--line); stroke-width: 1; }
.chart-line { fill: none; stroke: var(--accent); stroke-width: 2; stroke-linejoin: round; }
.chart-dot { fill: var(--accent); }
.chart-text { fill: var(--soft); font-size: 12px; font-family: inherit; }
details { margin: 10px 0; }
summary { cursor: pointer; font-weight: 600; padding: 4px 0; }
)css";

}  // namespace semfield
