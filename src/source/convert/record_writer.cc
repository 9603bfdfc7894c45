#include "source/convert/record_writer.h"

#include <algorithm>
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

  bool checks_json() const override { return true; }

  bool Write(std::string_view record) override {
    using Kind = JsonInspector::Member::Kind;
    if (!inspector_.Members(record, &members_)) return false;
    cells_.assign(columns_.size(), nullptr);
    for (size_t i = 0; i < members_.size(); ++i) {
      const size_t column = ColumnOf(members_[i].name, i);
      if (column == columns_.size()) return false;
      cells_[column] = &members_[i];
    }
    row_.clear();
    for (size_t i = 0; i < cells_.size(); ++i) {
      if (i > 0) row_ += delimiter_;
      if (cells_[i] != nullptr && cells_[i]->kind != Kind::kNull) AppendField(cells_[i]->text);
    }
    row_ += "\r\n";
    to_->Write(row_);
    return true;
  }
  void Finish() && override { std::move(*to_).Finish(); }
  int64_t bytes_written() const override { return to_->bytes_written(); }

 private:
  /// `place`: where the member stands, and most often its column. The number of columns when there is none.
  size_t ColumnOf(std::string_view name, size_t place) const {
    if (place < columns_.size() && columns_[place] == name) return place;
    const auto found = index_.find(name);
    return found == index_.end() ? columns_.size() : found->second;
  }

  bool IsSpecial(char c) const { return (c == delimiter_) | (c == '"') | (c == '\r') | (c == '\n'); }

  void AppendField(std::string_view text) {
    // Not none_of, which looks for the first: without a way out of the loop it takes many bytes at once.
    bool special = text.empty();
    for (const char c : text) special |= IsSpecial(c);
    if (!special) {
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
  std::vector<const JsonInspector::Member*> cells_;  // of a row, by column
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
