#pragma once

#include <stop_token>
#include <vector>

#include "app/opened_lake.h"
#include "app/report_page.h"

namespace millrace::app {

struct ReportOptions {
  std::vector<std::string> models;  // as refine::Select takes them; empty: all
  int64_t rows_max = 20;            // that are shown of each
  int64_t runs_max = 5;
};

/// Reads what a report tells. A model that cannot be read says so in its place.
Report ReadReport(const OpenedLake& opened, const ReportOptions& options, const std::stop_token& stop);

}  // namespace millrace::app
