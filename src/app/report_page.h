#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "app/report_chart.h"
#include "base/clock.h"
#include "refine/expectation_results.h"
#include "refine/schedule/run_log.h"

namespace millrace::app {

/// The first rows of a model, as text.
struct ReportTable {
  struct Column {
    std::string name;
    bool is_number = false;
  };
  std::vector<Column> columns;
  std::vector<std::vector<std::optional<std::string>>> rows;  // none: null
};

struct ReportModel {
  std::string name;
  std::string kind;  // "table", "view, not stored", ...
  std::string description;
  std::string unreadable;  // why there are no rows to show; empty: there are
  std::optional<int64_t> rows;
  std::optional<Timestamp> committed;  // none: a view, or nothing yet
  std::vector<refine::LoggedRun> runs;
  std::vector<refine::ExpectationResult> results;
  ReportTable table;
  std::optional<ReportChart> chart;
};

struct Report {
  std::string pipeline;
  Timestamp made{};
  std::string graph_svg;  // what is made of what; may be empty
  std::vector<ReportModel> models;
};

/// One HTML document that asks for nothing else: no script, no font, no picture from elsewhere, and a policy that
/// forbids them. Light or dark as its reader has it, and dark on white on paper. Everything that is told is escaped.
std::string ReportPage(const Report& report);

}  // namespace millrace::app
