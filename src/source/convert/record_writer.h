#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "source/convert/byte_sink.h"
#include "source/file/file_options.h"

namespace millrace::source {

/// Writes JSON records as a file of some format. Single-threaded.
class RecordWriter {
 public:
  virtual ~RecordWriter() = default;

  /// Appends one record. `record` is a JSON document (IsJson; anything where checks_json) followed by
  /// PaddedBuffer::kPadding readable bytes. False, and nothing written, when the format cannot hold it: CSV takes only
  /// objects of known columns.
  virtual bool Write(std::string_view record) = 0;
  /// Whether Write itself finds out that a record is no JSON, and returns false.
  virtual bool checks_json() const { return false; }
  /// Appends JSON documents that stand one a line already. False, and nothing written, when the format needs them
  /// apart.
  virtual bool WriteLines(std::string_view) { return false; }
  virtual void Finish() && = 0;
  virtual int64_t bytes_written() const = 0;
};

struct RecordWriterOptions {
  FileFormat format = FileFormat::kJsonLines;  // never kAuto
  char delimiter = ',';                        // CSV
  std::vector<std::string> columns;            // CSV: the header, in its order
};

std::unique_ptr<RecordWriter> MakeRecordWriter(std::unique_ptr<ByteSink> to, RecordWriterOptions options);

/// Looks into JSON documents; keeps its memory from one to the next. Single-threaded. Records must be followed by
/// PaddedBuffer::kPadding readable bytes.
class JsonInspector {
 public:
  JsonInspector();
  ~JsonInspector();
  JsonInspector(const JsonInspector&) = delete;
  JsonInspector& operator=(const JsonInspector&) = delete;

  /// Whether it is one valid JSON document, its text valid UTF-8.
  bool IsJson(std::string_view record);
  static bool IsUtf8(std::string_view text);

  struct Member {
    std::string_view name;
    enum class Kind { kNull, kText, kOther } kind = Kind::kNull;
    std::string_view text;  // kText: the string itself; kOther: its JSON, on one line
  };
  /// The members of an object in their order, alive until the next call and as long as `record` is; false when it is
  /// none, is not IsJson, or a string is no text (half a surrogate pair).
  bool Members(std::string_view record, std::vector<Member>* members);
  /// Their names alone, in what may turn out not to be JSON.
  bool Names(std::string_view record, std::vector<std::string_view>* names);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// The document without white space between its tokens.
std::string MinifiedJson(std::string_view record);

}  // namespace millrace::source
