#include "catalog/sql/metadata_rows.h"

#include <fmt/format.h>
#include <zstd.h>

#include "base/error.h"

namespace millrace::catalog {
namespace {

/// Below, packing costs more than the page it saves.
constexpr size_t kPackedFrom = 2 << 10;
constexpr int kZstdLevel = 1;
constexpr std::string_view kZstdMagic = "\x28\xB5\x2F\xFD";
constexpr size_t kUnpackedBytesMax = size_t{1} << 30;

}  // namespace

bool MetadataRows::IsThere() {
  SqliteStatement query(file_, "SELECT 1 FROM sqlite_master WHERE name = 'millrace_metadata_files'", {});
  return query.Step();
}

int64_t MetadataRows::Insert(const std::string& location, std::string_view bytes) {
  if (!IsThere()) {
    file_.Execute(
        "CREATE TABLE millrace_metadata_files (id INTEGER PRIMARY KEY, location TEXT NOT NULL, bytes BLOB NOT NULL)");
  }
  SqliteStatement insert(file_, "INSERT INTO millrace_metadata_files (location, bytes) VALUES (?, ?)",
                         {location, SqliteBlob{bytes}});
  insert.Run();
  return file_.last_inserted_id();
}

void MetadataRows::Remove(const MetadataRow& row) {
  SqliteStatement remove(file_, "DELETE FROM millrace_metadata_files WHERE id = ? AND location = ?",
                         {row.id, row.location});
  remove.Run();
}

std::vector<MetadataRow> MetadataRows::All() {
  std::vector<MetadataRow> rows;
  if (!IsThere()) return rows;
  SqliteStatement query(file_, "SELECT id, location FROM millrace_metadata_files ORDER BY id", {});
  while (query.Step()) rows.push_back({.id = query.Integer(0), .location = query.Text(1)});
  return rows;
}

std::string MetadataRows::Bytes(const MetadataRow& row) {
  SqliteStatement query(file_, "SELECT bytes FROM millrace_metadata_files WHERE id = ? AND location = ?",
                        {row.id, row.location});
  return query.Step() ? query.Blob(0) : "";
}

std::string PackMetadata(std::string_view text) {
  if (text.size() < kPackedFrom) return std::string(text);
  std::string packed(ZSTD_compressBound(text.size()), '\0');
  const size_t size = ZSTD_compress(packed.data(), packed.size(), text.data(), text.size(), kZstdLevel);
  if (ZSTD_isError(size)) throw Error(ErrorCode::kInternal, fmt::format("zstd: {}", ZSTD_getErrorName(size)));
  packed.resize(size);
  return packed;
}

std::string UnpackMetadata(const std::string& bytes, const std::string& location) {
  if (!bytes.starts_with(kZstdMagic)) return bytes;
  const auto size = ZSTD_getFrameContentSize(bytes.data(), bytes.size());
  std::string text(size <= kUnpackedBytesMax ? size : 0, '\0');  // errors are numbers above
  if (ZSTD_decompress(text.data(), text.size(), bytes.data(), bytes.size()) != size) {
    throw Error(ErrorCode::kStop,
                fmt::format("what the catalogue keeps of {} is damaged; restore the catalogue from a copy", location));
  }
  return text;
}

}  // namespace millrace::catalog
