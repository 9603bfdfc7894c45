#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace millrace::source {

enum class FileFormat {
  kAuto,       // by the name, then by the first bytes
  kJsonLines,  // one JSON document a line
  kJsonArray,  // the elements of one array; also documents one after the other, over any number of lines
  kCsv,        // RFC 4180; each row becomes a JSON object
};

enum class Compression {
  kAuto,  // by the first bytes
  kNone,
  kGzip,
  kZstd,
};

enum class CsvType { kString, kNumber, kBoolean };

struct CsvOptions {
  char delimiter = 0;  // 0: ',', or a tab for names that end in .tsv
  char quote = '"';
  /// Names of the columns of a file without a header line; empty: the first line names them.
  std::vector<std::string> columns;
  /// Given types; those of other columns are what every value in the first rows of a file agrees on.
  std::map<std::string, CsvType> types;
  /// Columns that are left out.
  std::vector<std::string> drop;
};

struct FileSourceOptions {
  std::string name;
  std::vector<std::string> paths;  // files, or patterns of glob(7)
  FileFormat format = FileFormat::kAuto;
  Compression compression = Compression::kAuto;
  /// Wait for more at the end of a file, and for new files.
  bool follow = false;
  CsvOptions csv;
  /// A longer record is cut behind this many bytes and one more, which a decoder with the same limit then rejects as
  /// too large. Memory for one record never exceeds twice this.
  size_t record_bytes_max = size_t{16} << 20;
  /// A compressed file that grows more than this many times, or to more than this many bytes, is taken for a bomb.
  double expansion_max = 1100;
  int64_t decompressed_bytes_max = int64_t{1} << 40;
};

}  // namespace millrace::source
