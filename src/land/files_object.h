#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace millrace::land {

/// What a file is made of. Persisted in plans by name: frozen.
enum class FilesForm {
  kLines,    // a record after the other, as FilesRecord says
  kParquet,  // columns
  kAvro,     // the same columns, in Avro's container
};
std::string_view ToString(FilesForm form);
/// Error kConfig when it is none of "lines", "parquet", "avro".
FilesForm ParseFilesForm(std::string_view name);

/// Persisted in plans by name: frozen. Avro writes gzip as deflate; lines are not written as snappy.
enum class FilesCompression { kNone, kGzip, kZstd, kSnappy };
std::string_view ToString(FilesCompression compression);
/// Error kConfig when it is none of "none", "gzip", "zstd", "snappy".
FilesCompression ParseFilesCompression(std::string_view name);
/// Of lines: ".jsonl", ".jsonl.gz", ".jsonl.zst".
std::string_view ExtensionOf(FilesCompression compression);

/// What a record becomes; of columns, its own with those that say where from (origin), or alone (json). Persisted in
/// plans by name: frozen.
enum class FilesRecord {
  kOrigin,   // a JSON document as it came, with members that say where from in front of its own
  kJson,     // a JSON document as it came
  kPayload,  // of {"schema": ..., "payload": ...}, as Connect's JsonConverter writes documents, the payload as it came
  kText,     // any text as a JSON string
  kBytes,    // any bytes as they came
};
std::string_view ToString(FilesRecord record);
/// Error kConfig when it is none of "origin", "json", "payload", "text", "bytes".
FilesRecord ParseFilesRecord(std::string_view name);

/// Gathers lines and packs them. Its bytes are a function of the lines alone: it feeds the packer in blocks of a fixed
/// size, however the lines came.
class FilesPacker {
 public:
  FilesPacker(FilesCompression compression, int level);
  ~FilesPacker();
  FilesPacker(FilesPacker&&) noexcept;
  FilesPacker& operator=(FilesPacker&&) noexcept;

  /// About so many bytes will come: what grows by doubling is copied as often.
  void Expect(size_t bytes) {
    if (!deflater_) room_.reserve(bytes);
  }
  /// Lines are appended here, then Settle is called.
  std::string& room() { return room_; }
  void Settle();

  /// Before packing.
  int64_t raw_bytes() const { return raw_bytes_ + static_cast<int64_t>(room_.size()); }
  /// What it holds in memory.
  int64_t held_bytes() const { return static_cast<int64_t>(room_.size() + packed_.size()); }

  std::string Finish() &&;

 private:
  class Deflater;

  void Pack(std::string_view bytes, bool last);

  std::unique_ptr<Deflater> deflater_;  // none: stored as it is, and stays in room_
  std::string room_;
  std::string packed_;
  int64_t raw_bytes_ = 0;
};

}  // namespace millrace::land
