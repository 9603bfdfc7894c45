#pragma once

#include <stop_token>
#include <string>
#include <vector>

#include "app/config_model.h"
#include "app/test_cases.h"

namespace millrace::app {

/// Runs one test of a pipeline in a lake of its own, in a folder that is gone afterwards: lands the given rows as the
/// pipeline's tables would, runs the models and compares. Nothing of the pipeline's own data or peers is touched.
/// Returns what differs, a line each; empty: it passed. Error kConfig with file:line for a test that cannot be run.
std::vector<std::string> RunTest(const PipelineConfig& pipeline, const TestCase& test, const std::stop_token& stop);

}  // namespace millrace::app
