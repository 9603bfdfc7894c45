#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <ostream>
#include <string>

#include "query/result_printer.h"
#include "query/value_text.h"

namespace millrace::query {
namespace {

/// One object a line; as an array, or bare.
class JsonPrinter final : public ResultPrinter {
 public:
  JsonPrinter(bool lines, std::ostream& out) : lines_(lines), out_(out) {}

  void Begin(const std::shared_ptr<arrow::Schema>& schema) override {
    for (const auto& name : UniqueNames(*schema)) {
      std::string quoted;
      AppendJsonString(quoted, name);
      names_.push_back(quoted + ":");
    }
    if (!lines_) out_ << "[";
  }

  void Write(const arrow::RecordBatch& rows) override {
    std::string text;
    for (int64_t row = 0; row < rows.num_rows(); ++row) {
      if (!lines_) text += first_ ? "\n" : ",\n";
      first_ = false;
      text += '{';
      for (int i = 0; i < rows.num_columns(); ++i) {
        if (i > 0) text += ',';
        text += names_[static_cast<size_t>(i)];
        AppendJson(text, *rows.column(i), row);
      }
      text += lines_ ? "}\n" : "}";
    }
    out_ << text;
  }

  void End() override {
    if (!lines_) out_ << (first_ ? "]\n" : "\n]\n");
  }

 private:
  const bool lines_;
  std::ostream& out_;
  std::vector<std::string> names_;
  bool first_ = true;
};

/// RFC 4180: lines end in CR LF, a cell is quoted when it must be; null is an empty cell, empty text is "".
class CsvPrinter final : public ResultPrinter {
 public:
  explicit CsvPrinter(std::ostream& out) : out_(out) {}

  void Begin(const std::shared_ptr<arrow::Schema>& schema) override {
    std::string line;
    for (const auto& field : schema->fields()) {
      if (!line.empty()) line += ',';
      AppendCell(line, field->name());
    }
    out_ << line << "\r\n";
  }

  void Write(const arrow::RecordBatch& rows) override {
    std::string text;
    std::string cell;
    for (int64_t row = 0; row < rows.num_rows(); ++row) {
      for (int i = 0; i < rows.num_columns(); ++i) {
        if (i > 0) text += ',';
        if (rows.column(i)->IsNull(row) || rows.column(i)->type_id() == arrow::Type::NA) continue;
        cell.clear();
        AppendText(cell, *rows.column(i), row);
        AppendCell(text, cell);
      }
      text += "\r\n";
    }
    out_ << text;
  }

  void End() override {}

 private:
  static void AppendCell(std::string& out, const std::string& cell) {
    if (!cell.empty() && cell.find_first_of(",\"\r\n") == std::string::npos) {
      out += cell;
      return;
    }
    out += '"';
    for (const char c : cell) {
      if (c == '"') out += '"';
      out += c;
    }
    out += '"';
  }

  std::ostream& out_;
};

}  // namespace

std::unique_ptr<ResultPrinter> MakeJsonPrinter(bool lines, std::ostream& out) {
  return std::make_unique<JsonPrinter>(lines, out);
}

std::unique_ptr<ResultPrinter> MakeCsvPrinter(std::ostream& out) { return std::make_unique<CsvPrinter>(out); }

}  // namespace millrace::query
