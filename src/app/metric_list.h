#pragma once

#include <string>
#include <vector>

#include "base/metrics.h"

namespace millrace::app {

/// Every metric there is, in the order of the page. A test finds those that are declared and missing here.
std::vector<const Metric*> AllMetrics();

/// docs/metrics.md.
std::string MetricsMarkdown();

}  // namespace millrace::app
