#pragma once

#include <string>
#include <vector>

#include "app/config_model.h"

namespace millrace::app {

/// The pipeline of these files or folders; without any, of ./millrace.yaml. Error kConfig with every mistake in it.
PipelineConfig LoadConfig(const std::vector<std::string>& paths);

/// The same, but without any file and without ./millrace.yaml everything is as declared: for verbs that need no
/// pipeline.
PipelineConfig LoadConfigOrDefaults(const std::vector<std::string>& paths);

}  // namespace millrace::app
