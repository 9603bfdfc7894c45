#include "app/load_config.h"

#include <filesystem>

#include "app/config_blocks.h"
#include "base/error.h"
#include "config/load.h"

namespace millrace::app {
namespace {

constexpr const char* kDefaultFile = "millrace.yaml";

PipelineConfig Load(const std::vector<std::string>& paths) {
  config::Problems problems;
  auto environment = config::Environment::OfProcess();
  const auto node = config::LoadFiles(paths, environment, problems);
  config::ParseContext context{problems, environment};
  auto pipeline = PipelineBlock().Parse(node, "", context);
  problems.ThrowIfAny();
  // A relative default, like every relative path of the file, starts at the file.
  const std::filesystem::path data_dir(pipeline.data_dir.value);
  if (!pipeline.Given("data_dir") && data_dir.is_relative()) {
    pipeline.data_dir.value = (std::filesystem::path(node.mark.file).parent_path() / data_dir).string();
  }
  return pipeline;
}

}  // namespace

PipelineConfig LoadConfig(const std::vector<std::string>& paths) {
  if (!paths.empty()) return Load(paths);
  if (!std::filesystem::exists(kDefaultFile)) {
    throw Error(ErrorCode::kConfig,
                "there is no millrace.yaml in this folder; name a configuration with -c FILE, or start from "
                "examples/generator/millrace.yaml");
  }
  return Load({kDefaultFile});
}

PipelineConfig LoadConfigOrDefaults(const std::vector<std::string>& paths) {
  if (!paths.empty() || std::filesystem::exists(kDefaultFile)) return LoadConfig(paths);
  return PipelineBlock().Defaults();
}

}  // namespace millrace::app
