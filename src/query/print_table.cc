#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <fmt/format.h>

#include <algorithm>
#include <ostream>
#include <string>
#include <vector>

#include "query/display_width.h"
#include "query/result_printer.h"
#include "query/value_text.h"

namespace millrace::query {
namespace {

constexpr size_t kRowsMeasured = 1000;
constexpr int kColumnWidthMin = 6;

std::string Repeat(std::string_view text, int times) {
  std::string repeated;
  for (int i = 0; i < times; ++i) repeated += text;
  return repeated;
}

/// Columns side by side. Their widths come from the first rows, which wait until there are enough of them; later cells
/// are cut to fit.
class TablePrinter final : public ResultPrinter {
 public:
  TablePrinter(const PrintOptions& options, std::ostream& out) : options_(options), out_(out) {}

  void Begin(const std::shared_ptr<arrow::Schema>& schema) override {
    plan_ = schema->num_fields() == 2 && schema->field(1)->name() == "explain_value";
    for (const auto& field : schema->fields()) {
      header_.push_back(FitInto(field->name(), options_.cell_width));
      right_.push_back(arrow::is_numeric(field->type()->id()) || arrow::is_decimal(field->type()->id()));
    }
  }

  void Write(const arrow::RecordBatch& rows) override {
    if (plan_) return WritePlan(rows);
    for (int64_t row = 0; row < rows.num_rows(); ++row) {
      waiting_.push_back(CellsOf(rows, row));
      ++rows_;
      if (!measured_ && waiting_.size() >= kRowsMeasured) Measure();
    }
    if (measured_) Flush();
  }

  void End() override {
    if (plan_) return;
    if (!measured_) Measure();
    Flush();
    out_ << fmt::format("({} {})\n", rows_, rows_ == 1 ? "row" : "rows");
  }

 private:
  using Cells = std::vector<std::string>;

  /// What EXPLAIN answers is a drawing.
  void WritePlan(const arrow::RecordBatch& rows) {
    std::string text;
    for (int64_t row = 0; row < rows.num_rows(); ++row) AppendText(text, *rows.column(1), row);
    out_ << text;
  }

  Cells CellsOf(const arrow::RecordBatch& rows, int64_t row) const {
    Cells cells;
    for (const auto& column : rows.columns()) {
      std::string text = "NULL";
      if (!column->IsNull(row) && column->type_id() != arrow::Type::NA) {
        text.clear();
        AppendText(text, *column, row);
      }
      cells.push_back(FitInto(text, options_.cell_width));
    }
    return cells;
  }

  void Measure() {
    for (const auto& name : header_) widths_.push_back(DisplayWidth(name));
    for (const auto& cells : waiting_) {
      for (size_t i = 0; i < cells.size(); ++i) widths_[i] = std::max(widths_[i], DisplayWidth(cells[i]));
    }
    ShrinkToFit();
    measured_ = true;
    out_ << Line(header_);
    std::string rule;
    for (const int width : widths_) rule += fmt::format("{}{}", rule.empty() ? "" : "┼", Repeat("─", width + 2));
    out_ << rule << "\n";
  }

  /// Takes from the widest column until the table is as narrow as asked.
  void ShrinkToFit() {
    if (options_.table_width <= 0 || widths_.empty()) return;
    int total = static_cast<int>(widths_.size()) * 3 - 1;
    for (const int width : widths_) total += width;
    while (total > options_.table_width) {
      auto& widest = *std::max_element(widths_.begin(), widths_.end());
      if (widest <= kColumnWidthMin) return;
      --widest;
      --total;
    }
  }

  std::string Line(const Cells& cells) const {
    std::string line;
    for (size_t i = 0; i < cells.size(); ++i) {
      const auto cell = FitInto(cells[i], widths_[i]);
      const std::string blank(static_cast<size_t>(widths_[i] - DisplayWidth(cell)), ' ');
      line += fmt::format("{} {}{} ", i == 0 ? "" : "│", right_[i] ? blank : cell, right_[i] ? cell : blank);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    return line + "\n";
  }

  void Flush() {
    for (const auto& cells : waiting_) out_ << Line(cells);
    waiting_.clear();
  }

  const PrintOptions options_;
  std::ostream& out_;
  Cells header_;
  std::vector<bool> right_;
  std::vector<int> widths_;
  std::vector<Cells> waiting_;
  bool measured_ = false;
  bool plan_ = false;
  int64_t rows_ = 0;
};

}  // namespace

std::unique_ptr<ResultPrinter> MakeTablePrinter(const PrintOptions& options, std::ostream& out) {
  return std::make_unique<TablePrinter>(options, out);
}

}  // namespace millrace::query
