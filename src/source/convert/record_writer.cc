#include "source/convert/record_writer.h"

#include <map>

namespace millrace::source {
namespace {

/// One document a line.
class LinesWriter final : public RecordWriter {
 public:
  explicit LinesWriter(std::unique_ptr<ByteSink> to) : to_(std::move(to)) {}

  bool Write(std::string_view record) override {
    // A line break between tokens is white space to JSON, and the end of a record here.
    const bool lines = record.find('\n') != record.npos || record.find('\r') != record.npos;
    to_->Write(lines ? MinifiedJson(record) : record);
    to_->Write("\n");
    return true;
  }
  bool WriteLines(std::string_view lines) override {
    to_->Write(lines);
    return true;
  }
  void Finish() && override { std::move(*to_).Finish(); }
  int64_t bytes_written() const override { return to_->bytes_written(); }

 private:
  std::unique_ptr<ByteSink> to_;
};

/// One array, an element a line.
class ArrayWriter final : public RecordWriter {
 public:
  explicit ArrayWriter(std::unique_ptr<ByteSink> to) : to_(std::move(to)) {}

  bool Write(std::string_view record) override {
    to_->Write(any_ ? ",\n" : "[\n");
    to_->Write(record);
    any_ = true;
    return true;
  }
  void Finish() && override {
    to_->Write(any_ ? "\n]\n" : "[]\n");
    std::move(*to_).Finish();
  }
  int64_t bytes_written() const override { return to_->bytes_written(); }

 private:
  std::unique_ptr<ByteSink> to_;
  bool any_ = false;
};

/// RFC 4180 with a header. Null and absent members are empty, an empty string is "", nested values are their JSON.
class CsvWriter final : public RecordWriter {
 public:
  CsvWriter(std::unique_ptr<ByteSink> to, RecordWriterOptions options)
      : to_(std::move(to)), delimiter_(options.delimiter), columns_(std::move(options.columns)) {
    for (size_t i = 0; i < columns_.size(); ++i) {
      index_.emplace(columns_[i], i);
      row_ += i == 0 ? "" : std::string(1, delimiter_);
      AppendField(columns_[i]);
    }
    if (!columns_.empty()) to_->Write(row_ + "\r\n");
  }

  bool Write(std::string_view record) override {
    using Kind = JsonInspector::Member::Kind;
    if (!inspector_.Members(record, &members_)) return false;
    std::vector<const JsonInspector::Member*> cells(columns_.size());
    for (const auto& member : members_) {
      const auto found = index_.find(member.name);
      if (found == index_.end()) return false;
      cells[found->second] = &member;
    }
    row_.clear();
    for (size_t i = 0; i < cells.size(); ++i) {
      if (i > 0) row_ += delimiter_;
      if (cells[i] != nullptr && cells[i]->kind != Kind::kNull) AppendField(cells[i]->text);
    }
    to_->Write(row_);
    to_->Write("\r\n");
    return true;
  }
  void Finish() && override { std::move(*to_).Finish(); }
  int64_t bytes_written() const override { return to_->bytes_written(); }

 private:
  void AppendField(std::string_view text) {
    const char special[] = {delimiter_, '"', '\r', '\n'};
    const bool quoted = text.empty() || text.find_first_of(std::string_view(special, 4)) != std::string_view::npos;
    if (!quoted) {
      row_ += text;
      return;
    }
    row_ += '"';
    for (const char c : text) {
      if (c == '"') row_ += '"';
      row_ += c;
    }
    row_ += '"';
  }

  std::unique_ptr<ByteSink> to_;
  char delimiter_;
  std::vector<std::string> columns_;
  std::map<std::string, size_t, std::less<>> index_;
  JsonInspector inspector_;
  std::vector<JsonInspector::Member> members_;
  std::string row_;
};

}  // namespace

std::unique_ptr<RecordWriter> MakeRecordWriter(std::unique_ptr<ByteSink> to, RecordWriterOptions options) {
  switch (options.format) {
    case FileFormat::kJsonArray:
      return std::make_unique<ArrayWriter>(std::move(to));
    case FileFormat::kCsv:
      return std::make_unique<CsvWriter>(std::move(to), std::move(options));
    case FileFormat::kAuto:
    case FileFormat::kJsonLines:
      return std::make_unique<LinesWriter>(std::move(to));
  }
  return std::make_unique<LinesWriter>(std::move(to));
}

}  // namespace millrace::source
