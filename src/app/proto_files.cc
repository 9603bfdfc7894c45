#include "app/proto_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>
#include <utility>

#include "app/schemas.h"
#include "base/error.h"
#include "schema/protobuf/protobuf_schema.h"

namespace millrace::app {
namespace {

namespace fs = std::filesystem;

constexpr size_t kFilesMax = 1000;

/// Reads files depth first, so that each comes behind what it imports.
class Collector {
 public:
  explicit Collector(const std::string& path) : folder_(fs::absolute(path).lexically_normal().parent_path()) {}

  void Add(const std::string& name, const std::string& path) {
    if (read_.size() + open_.size() > kFilesMax) {
      throw Error(ErrorCode::kConfig, fmt::format("it imports more than {} files", kFilesMax));
    }
    open_.insert(name);
    ProtoFile file{.name = name, .text = ReadSchemaFile(path), .imports = {}};
    WithContext(path, [&] {
      file.imports = schema::ProtobufImports(file.text);
      for (const auto& import : file.imports) {
        if (open_.contains(import)) throw Error(ErrorCode::kConfig, fmt::format("imports {} in a circle", import));
        if (!read_.contains(import)) Add(import, Find(import));
      }
    });
    open_.erase(name);
    read_.insert(name);
    files_.push_back(std::move(file));
  }
  std::vector<ProtoFile> Take() && { return std::move(files_); }

 private:
  std::string Find(const std::string& import) const {
    const fs::path name(import);
    if (name.is_absolute() || std::ranges::find(name, fs::path("..")) != name.end()) {
      throw Error(ErrorCode::kConfig, fmt::format("imports \"{}\"; name it by its path from a folder above", import));
    }
    for (auto folder = folder_;; folder = folder.parent_path()) {
      if (const auto file = folder / name; fs::is_regular_file(file)) return file.string();
      if (folder == folder.parent_path()) break;
    }
    throw Error(ErrorCode::kConfig, fmt::format("imports \"{}\", which is neither in {} nor in a folder above; put it "
                                                "there",
                                                import, folder_.string()));
  }

  const fs::path folder_;
  std::set<std::string> open_;
  std::set<std::string> read_;
  std::vector<ProtoFile> files_;
};

}  // namespace

std::vector<ProtoFile> ReadProtoFiles(const std::string& path) {
  Collector collector(path);
  try {
    collector.Add(path, path);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kData) throw;
    throw Error(ErrorCode::kConfig, error.message());
  }
  return std::move(collector).Take();
}

SchemaToRegister RegisterImports(const std::vector<ProtoFile>& files, schema::SchemaRegistry& registry) {
  std::map<std::string, int32_t> versions;
  SchemaToRegister made;
  for (const auto& file : files) {
    schema::SchemaText text{.kind = schema::SchemaKind::kProtobuf, .text = file.text};
    for (const auto& import : file.imports) {
      text.references.push_back({.name = import, .subject = import, .version = versions.at(import)});
    }
    if (&file == &files.back()) {
      made.text = std::move(text);
      break;
    }
    WithContext(file.name, [&] { return registry.Register(file.name, text); });
    versions[file.name] = registry.VersionOf(file.name, text);
    made.used.push_back({.name = file.name, .text = file.text});
  }
  return made;
}

}  // namespace millrace::app
