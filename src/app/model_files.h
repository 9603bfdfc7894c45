#pragma once

#include <optional>
#include <vector>

#include "app/config_model.h"
#include "refine/model.h"

namespace millrace::app {

/// The models of a pipeline, each on its engine; none without `models:`. `asked`: on this one, whatever their headers
/// and the pipeline say. Error kConfig for one that cannot be read, or that runs on Spark where there is none.
std::vector<refine::Model> ModelsOf(const PipelineConfig& pipeline,
                                    std::optional<refine::ModelEngine> asked = std::nullopt);

}  // namespace millrace::app
