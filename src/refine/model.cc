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
  std::error_code failed;
  const auto size = std::filesystem::file_size(file, failed);
  if (!failed && size > kModelBytesMax)
    throw Error(ErrorCode::kConfig, fmt::format("{}: a model is at most 1 MiB of SQL", file.string()));
  std::ifstream in(file, std::ios::binary);
  if (failed || !in) throw Error(ErrorCode::kConfig, fmt::format("cannot read {}", file.string()));
  const std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  return ParseModel(NameOf(folder, file), file, text);
}

std::vector<Model> ReadModels(const std::filesystem::path& folder) {
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
  for (const auto& file : files) {
    models.push_back(ReadModel(folder, file));
    const auto [other, added] = seen.emplace(models.back().name, file);
    if (!added) {
      throw Error(ErrorCode::kConfig, fmt::format("{} and {} both make {}", other->second.string(), file.string(),
                                                  ToString(models.back().name)));
    }
  }
  return models;
}

}  // namespace millrace::refine
