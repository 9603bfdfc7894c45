#include "source/file/file_name.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace millrace::source {
namespace {

struct Ending {
  std::string_view text;
  Compression compression = Compression::kNone;
};
constexpr std::array<Ending, 4> kEndings{{{".gz", Compression::kGzip},
                                          {".gzip", Compression::kGzip},
                                          {".zst", Compression::kZstd},
                                          {".zstd", Compression::kZstd}}};

std::string LowerName(const std::string& path) {
  std::string name = path.substr(path.rfind('/') + 1);
  std::transform(name.begin(), name.end(), name.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return name;
}

}  // namespace

std::string BareName(const std::string& path) {
  auto name = LowerName(path);
  for (const auto& ending : kEndings) {
    if (name.ends_with(ending.text)) return name.substr(0, name.size() - ending.text.size());
  }
  return name;
}

Compression CompressionOfName(const std::string& path) {
  const auto name = LowerName(path);
  for (const auto& ending : kEndings) {
    if (name.ends_with(ending.text)) return ending.compression;
  }
  return Compression::kNone;
}

FileFormat FormatOfName(const std::string& path) {
  const auto name = BareName(path);
  if (name.ends_with(".csv") || name.ends_with(".tsv")) return FileFormat::kCsv;
  if (name.ends_with(".jsonl") || name.ends_with(".ndjson")) return FileFormat::kJsonLines;
  return FileFormat::kAuto;
}

char DelimiterOfName(const std::string& path) { return BareName(path).ends_with(".tsv") ? '\t' : ','; }

}  // namespace millrace::source
