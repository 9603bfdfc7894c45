#include "app/model_files.h"

#include <fmt/format.h>

#include "base/error.h"

namespace millrace::app {

std::vector<refine::Model> ModelsOf(const PipelineConfig& pipeline, std::optional<refine::ModelEngine> asked) {
  if (!pipeline.models) return {};
  const auto fallback =
      pipeline.model_engine == ModelEngineWord::kSpark ? refine::ModelEngine::kSpark : refine::ModelEngine::kDuckDb;
  auto models = refine::ReadModels(pipeline.models->value, {.fallback = fallback, .asked = asked});
  for (const auto& model : models) {
    if (model.engine != refine::ModelEngine::kSpark || pipeline.spark) continue;
    throw Error(ErrorCode::kConfig,
                fmt::format("{}:1: it runs on Spark, and nothing says where that is: add `spark: {{ remote: "
                            "\"sc://host:15002\" }}` to the configuration, or run it with --engine duckdb",
                            model.file.string()));
  }
  return models;
}

}  // namespace millrace::app
