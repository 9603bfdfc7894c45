#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace millrace::table {

/// Builds one Puffin file of deletion vectors (Iceberg spec, "Puffin file format"; frozen):
///
///     "PFA1" | blobs | "PFA1" | JSON of the blobs | its length (4 bytes) | flags (4 bytes) | "PFA1"
///
/// In memory: what a commit deletes is there as positions already. Single-threaded.
class PuffinFile {
 public:
  PuffinFile();

  struct Blob {
    int64_t offset = 0;
    int64_t size = 0;
  };
  /// `vector`: a deletion-vector-v1 of `cardinality` positions in the data file.
  Blob AddDeletionVector(std::string_view vector, const std::string& data_file, int64_t cardinality);
  std::string Finish() &&;

 private:
  std::string bytes_;
  nlohmann::json blobs_ = nlohmann::json::array();
};

}  // namespace millrace::table
