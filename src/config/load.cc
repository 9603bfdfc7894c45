#include "config/load.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>

#include "base/error.h"
#include "config/yaml.h"

namespace millrace::config {
namespace {

namespace fs = std::filesystem;

constexpr uintmax_t kFileBytesMax = 4 << 20;

std::vector<fs::path> FilesOf(const std::string& given) {
  const fs::path path(given);
  std::error_code error;
  if (!fs::exists(path, error)) {
    throw Error(ErrorCode::kConfig, fmt::format("{} does not exist; name the configuration with -c FILE", given));
  }
  if (!fs::is_directory(path, error)) return {path};
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(path, error)) {
    const auto extension = entry.path().extension();
    if (entry.is_regular_file() && (extension == ".yaml" || extension == ".yml")) files.push_back(entry.path());
  }
  if (error) throw Error(ErrorCode::kConfig, fmt::format("{} cannot be listed: {}", given, error.message()));
  if (files.empty()) throw Error(ErrorCode::kConfig, fmt::format("the folder {} holds no *.yaml file", given));
  std::sort(files.begin(), files.end());
  return files;
}

std::string ReadText(const fs::path& path) {
  std::error_code error;
  const auto size = fs::file_size(path, error);
  std::ifstream file(path, std::ios::binary);
  if (error || !file) throw Error(ErrorCode::kConfig, fmt::format("{} cannot be read", path.string()));
  if (size > kFileBytesMax) {
    throw Error(ErrorCode::kConfig,
                fmt::format("{} has {} bytes; a configuration has at most {}", path.string(), size, kFileBytesMax));
  }
  return {(std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>()};
}

}  // namespace

Node LoadFiles(const std::vector<std::string>& paths, Environment& environment, Problems& problems) {
  std::vector<fs::path> files;
  for (const auto& path : paths) {
    for (auto& file : FilesOf(path)) files.push_back(std::move(file));
  }
  for (const auto& file : files) environment.ReadFile((file.parent_path() / ".env").string(), problems);
  Node root;
  root.mark = {files.empty() ? std::string() : files.front().string(), 1};
  for (const auto& file : files) {
    auto node = ParseYaml(ReadText(file), file.string(), problems);
    Interpolate(node, environment, problems);
    MergeInto(root, std::move(node));
  }
  return root;
}

}  // namespace millrace::config
