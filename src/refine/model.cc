#include "refine/model.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <map>
#include <sstream>
#include <utility>

#include "base/error.h"
#include "refine/model_header.h"

namespace millrace::refine {
namespace {

constexpr std::uintmax_t kModelBytesMax = 1 << 20;
constexpr std::string_view kSparkSuffix = ".spark.sql";

/// "gold/daily/cards.sql" is the table "gold.daily.cards".
catalog::TableName NameOf(const std::filesystem::path& folder, const std::filesystem::path& file) {
  const auto relative = file.lexically_relative(folder);
  catalog::TableName name;
  for (const auto& part : relative.parent_path())
    name.name_space += (name.name_space.empty() ? "" : ".") + part.string();
  name.name = relative.stem().string();
  if (name.name_space.empty()) {
    throw Error(ErrorCode::kConfig, fmt::format("{}:1: a model lies in a folder named as its namespace: {}/gold/{}",
                                                file.string(), folder.string(), relative.string()));
  }
  if (name.name.find('.') != std::string::npos)
    throw Error(ErrorCode::kConfig, fmt::format("{}:1: the name of a table has no dot in it", file.string()));
  return name;
}

std::string ReadSql(const std::filesystem::path& file) {
  std::error_code failed;
  const auto size = std::filesystem::file_size(file, failed);
  if (!failed && size > kModelBytesMax)
    throw Error(ErrorCode::kConfig, fmt::format("{}: a model is at most 1 MiB of SQL", file.string()));
  std::ifstream in(file, std::ios::binary);
  if (failed || !in) throw Error(ErrorCode::kConfig, fmt::format("cannot read {}", file.string()));
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

bool IsSparkSql(const std::filesystem::path& file) { return file.filename().string().ends_with(kSparkSuffix); }

Model::SparkSql ReadSparkSql(const std::filesystem::path& file) {
  Model::SparkSql spark{.file = file, .sql = ReadSql(file)};
  const auto header = CutHeader(file, spark.sql);
  if (!header.yaml.empty())
    throw Error(ErrorCode::kConfig, fmt::format("{}:{}: the header of a model stands in its .sql file alone; take it "
                                                "out here",
                                                file.string(), header.first_line));
  return spark;
}

/// Gives each model the files in Spark's dialect that lie beside it.
void AddSparkSql(std::vector<Model>& models, const std::vector<std::filesystem::path>& files) {
  for (const auto& file : files) {
    auto beside = file.string();
    beside.replace(beside.size() - kSparkSuffix.size(), kSparkSuffix.size(), ".sql");
    const auto model = std::ranges::find_if(models, [&](const Model& one) { return one.file == beside; });
    if (model == models.end())
      throw Error(ErrorCode::kConfig, fmt::format("{}:1: it is the SQL for Spark of a model that there is not: {} is "
                                                  "missing, which has the header and the SQL for DuckDB",
                                                  file.string(), beside));
    model->spark_sql = ReadSparkSql(file);
  }
}

}  // namespace

Model ParseModel(catalog::TableName name, const std::filesystem::path& file, const std::string& text) {
  Model model;
  model.name = std::move(name);
  model.file = file;
  auto header = CutHeader(file, text);
  model.header_bytes = header.end;
  model.sql = std::move(header.sql);
  ReadHeader(header, model);
  return model;
}

Model ReadModel(const std::filesystem::path& folder, const std::filesystem::path& file) {
  return ParseModel(NameOf(folder, file), file, ReadSql(file));
}

std::vector<Model> ReadModels(const std::filesystem::path& folder, const EngineChoice& engine) {
  std::error_code failed;
  std::vector<std::filesystem::path> files;
  for (std::filesystem::recursive_directory_iterator entry(folder, failed), end; !failed && entry != end;
       entry.increment(failed)) {
    if (entry->is_regular_file() && entry->path().extension() == ".sql") files.push_back(entry->path());
  }
  if (failed)
    throw Error(ErrorCode::kConfig, fmt::format("cannot read the models in {}: {}", folder.string(), failed.message()));
  std::sort(files.begin(), files.end());
  std::vector<Model> models;
  std::map<catalog::TableName, std::filesystem::path> seen;
  std::vector<std::filesystem::path> for_spark;
  for (const auto& file : files) {
    if (IsSparkSql(file)) {
      for_spark.push_back(file);
      continue;
    }
    models.push_back(ReadModel(folder, file));
    const auto [other, added] = seen.emplace(models.back().name, file);
    if (!added) {
      throw Error(ErrorCode::kConfig, fmt::format("{} and {} both make {}", other->second.string(), file.string(),
                                                  ToString(models.back().name)));
    }
  }
  AddSparkSql(models, for_spark);
  for (auto& model : models) {
    model.engine = engine.asked ? *engine.asked : model.stated_engine.value_or(engine.fallback);
  }
  return models;
}

}  // namespace millrace::refine
