#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <fmt/format.h>
#include <xlsxwriter.h>

#include <array>
#include <cctype>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <ostream>
#include <string>
#include <string_view>

#include "base/error.h"
#include "query/result_printer.h"
#include "query/value_text.h"

namespace millrace::query {
namespace {

/// Excel's own limits.
constexpr int64_t kSheetRowsMax = 1'048'576;
constexpr int kSheetColumnsMax = 16'384;
constexpr int64_t kCellCharactersMax = 32'767;
/// What a double, which every number of a sheet is, holds of any number.
constexpr size_t kDigitsMax = 15;
/// Days from the sheet's zero, 1899-12-30, to 1970-01-01, and to the first day that all programs count alike: they
/// take 1900 for a leap year.
constexpr int64_t kEpochDays = 25'569;
constexpr int64_t kFirstDay = 61;
constexpr int64_t kLastDay = 2'958'465;  // 9999-12-31

constexpr std::string_view kElsewhere = "csv, parquet and jsonl have no such limit";

/// Of UTF-16, as Excel counts.
int64_t Characters(std::string_view text) {
  int64_t count = 0;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    count += (byte & 0xC0) == 0x80 ? 0 : byte >= 0xF0 ? 2 : 1;
  }
  return count;
}

bool IsEscape(std::string_view text) {
  if (text.size() < 7 || !text.starts_with("_x") || text[6] != '_') return false;
  for (const char c : text.substr(2, 4)) {
    if (std::isxdigit(static_cast<unsigned char>(c)) == 0) return false;
  }
  return true;
}

/// Characters that XML has no place for, as Office writes them: "_x0001_"; what looks like that already is escaped too.
std::string Escaped(std::string_view text) {
  std::string escaped;
  escaped.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte < 0x20 && byte != '\t' && byte != '\n') {
      fmt::format_to(std::back_inserter(escaped), "_x{:04X}_", byte);
    } else if (byte == '_' && IsEscape(text.substr(i))) {
      escaped += "_x005F_";
    } else if (text.substr(i, 3) == "\xEF\xBF\xBE" || text.substr(i, 3) == "\xEF\xBF\xBF") {
      escaped += text[i + 2] == '\xBE' ? "_xFFFE_" : "_xFFFF_";
      i += 2;
    } else {
      escaped += text[i];
    }
  }
  return escaped;
}

size_t DigitsIn(std::string_view number) {
  size_t digits = 0;
  bool leading = true;
  for (const char c : number) {
    if (c < '0' || c > '9') continue;
    leading = leading && c == '0';
    if (!leading) ++digits;
  }
  return digits;
}

/// A folder of its own for what cannot be written at once; goes with the object.
class ScratchFolder {
 public:
  explicit ScratchFolder(const std::string& below) {
    const auto parent = below.empty() ? std::filesystem::temp_directory_path() : std::filesystem::path(below);
    auto pattern = (parent / "millrace-xlsx-XXXXXX").string();
    if (!::mkdtemp(pattern.data()))
      throw Error(ErrorCode::kUnavailable, fmt::format("no folder can be made in {}; set TMPDIR", parent.string()));
    path_ = pattern;
  }
  ~ScratchFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;

  std::string File(const char* name) const { return (path_ / name).string(); }
  std::string path() const { return path_.string(); }

 private:
  std::filesystem::path path_;
};

struct FreeWorkbook {
  void operator()(lxw_workbook* workbook) const { lxw_workbook_free(workbook); }
};

/// One sheet, a row at a time: the library keeps one row in memory and the rest in files, which become one at the end.
class XlsxPrinter final : public ResultPrinter {
 public:
  XlsxPrinter(const PrintOptions& options, std::ostream& out) : scratch_(options.scratch_folder), out_(out) {
    auto folder = scratch_.path();
    lxw_workbook_options chosen = {.constant_memory = LXW_TRUE, .tmpdir = folder.data(), .use_zip64 = LXW_TRUE};
    workbook_.reset(workbook_new_opt(scratch_.File("result.xlsx").c_str(), &chosen));
    sheet_ = workbook_ ? workbook_add_worksheet(workbook_.get(), "rows") : nullptr;
    if (!sheet_) throw Error(ErrorCode::kUnavailable, "no workbook can be made; is there memory and room for it?");
    const auto format = [&](const char* number) {
      auto* made = workbook_add_format(workbook_.get());
      format_set_num_format(made, number);
      return made;
    };
    header_ = workbook_add_format(workbook_.get());
    format_set_bold(header_);
    date_ = format("yyyy-mm-dd");
    time_ = format("hh:mm:ss.000");
    timestamp_ = format("yyyy-mm-dd hh:mm:ss.000");
  }

  void Begin(const std::shared_ptr<arrow::Schema>& schema) override {
    if (schema->num_fields() > kSheetColumnsMax) {
      throw Error(ErrorCode::kData, fmt::format("a sheet has at most {} columns, and this has {}; {}", kSheetColumnsMax,
                                                schema->num_fields(), kElsewhere));
    }
    names_ = UniqueNames(*schema);
    for (int i = 0; i < schema->num_fields(); ++i) {
      const auto type = schema->field(i)->type()->id();
      const auto column = static_cast<lxw_col_t>(i);
      if (arrow::is_temporal(type)) Check(worksheet_set_column(sheet_, column, column, 24, nullptr));
    }
    worksheet_freeze_panes(sheet_, 1, 0);
    for (size_t i = 0; i < names_.size(); ++i) WriteText(i, names_[i], header_);
    row_ = 1;
  }

  int64_t rows_max() const override { return kSheetRowsMax - 1; }
  int64_t bytes_waiting() const override { return bytes_; }

  void Write(const arrow::RecordBatch& rows) override {
    for (int64_t row = 0; row < rows.num_rows(); ++row, ++row_) {
      if (row_ >= kSheetRowsMax) {
        throw Error(ErrorCode::kData,
                    fmt::format("a sheet has at most {} rows, the names among them, and there are more; ask for fewer, "
                                "export into a folder, which takes several files, or choose another format: {}",
                                kSheetRowsMax, kElsewhere));
      }
      for (int i = 0; i < rows.num_columns(); ++i) {
        const auto& column = *rows.column(i);
        if (column.IsNull(row) || column.type_id() == arrow::Type::NA) continue;
        WriteCell(static_cast<size_t>(i), column, row);
      }
    }
  }

  void End() override {
    Check(workbook_close(workbook_.release()));
    std::ifstream done(scratch_.File("result.xlsx"), std::ios::binary);
    std::array<char, size_t{64} << 10> piece{};
    while (done.read(piece.data(), piece.size()) || done.gcount() > 0) out_.write(piece.data(), done.gcount());
    if (done.bad() || !done.eof()) throw Error(ErrorCode::kUnavailable, "the finished workbook cannot be read back");
    bytes_ = 0;
  }

 private:
  void Check(lxw_error error) const {
    if (error == LXW_NO_ERROR) return;
    throw Error(ErrorCode::kUnavailable,
                fmt::format("row {} of the workbook cannot be written: {}; is there room in {}?", row_ + 1,
                            lxw_strerror(error), scratch_.path()));
  }

  void WriteCell(size_t i, const arrow::Array& column, int64_t row) {
    text_.clear();
    switch (column.type_id()) {
      case arrow::Type::BOOL:
        bytes_ += 1;
        return Check(worksheet_write_boolean(
            sheet_, Row(), Column(i), static_cast<const arrow::BooleanArray&>(column).Value(row) ? 1 : 0, nullptr));
      case arrow::Type::DATE32:
        return WriteDays(i, column, row, static_cast<const arrow::Date32Array&>(column).Value(row), 0, date_);
      case arrow::Type::TIME64:
        return WriteDays(i, column, row, kFirstDay - kEpochDays,
                         static_cast<double>(static_cast<const arrow::Time64Array&>(column).Value(row)) /
                             UnitsADay(static_cast<const arrow::Time64Type&>(*column.type()).unit()),
                         time_);
      case arrow::Type::TIMESTAMP:
        return WriteTimestamp(i, column, row);
      default:
        break;
    }
    AppendText(text_, column, row);
    const bool is_number = arrow::is_numeric(column.type_id()) || arrow::is_decimal(column.type_id());
    if (is_number && WriteNumber(i, column.type_id())) return;
    WriteText(i, text_, nullptr);
  }

  /// False for what a sheet's number would change: more than 15 digits, NaN and infinities.
  bool WriteNumber(size_t i, arrow::Type::type type) {
    const double value = std::strtod(text_.c_str(), nullptr);
    const bool exact = type == arrow::Type::DOUBLE || type == arrow::Type::FLOAT ? std::isfinite(value)
                                                                                 : DigitsIn(text_) <= kDigitsMax;
    if (!exact) return false;
    bytes_ += 8;
    Check(worksheet_write_number(sheet_, Row(), Column(i), value, nullptr));
    return true;
  }

  static double UnitsADay(arrow::TimeUnit::type unit) {
    switch (unit) {
      case arrow::TimeUnit::SECOND:
        return 86'400.0;
      case arrow::TimeUnit::MILLI:
        return 86'400.0e3;
      case arrow::TimeUnit::MICRO:
        return 86'400.0e6;
      case arrow::TimeUnit::NANO:
        return 86'400.0e9;
    }
    return 1;
  }

  void WriteTimestamp(size_t i, const arrow::Array& column, int64_t row) {
    const auto& type = static_cast<const arrow::TimestampType&>(*column.type());
    const auto value = static_cast<const arrow::TimestampArray&>(column).Value(row);
    const auto units = static_cast<int64_t>(UnitsADay(type.unit()));
    const auto days = value / units - (value % units < 0 ? 1 : 0);
    WriteDays(i, column, row, days, static_cast<double>(value - days * units) / static_cast<double>(units), timestamp_);
  }

  /// Days since 1970 and a part of one. Days that a sheet does not count are text.
  void WriteDays(size_t i, const arrow::Array& column, int64_t row, int64_t days, double part, lxw_format* format) {
    const auto day = days + kEpochDays;
    if (day < kFirstDay || day > kLastDay) {
      AppendText(text_, column, row);
      return WriteText(i, text_, nullptr);
    }
    bytes_ += 8;
    const auto value = format == time_ ? part : static_cast<double>(day) + part;
    Check(worksheet_write_number(sheet_, Row(), Column(i), value, format));
  }

  void WriteText(size_t i, const std::string& text, lxw_format* format) {
    const auto escaped = Escaped(text);
    if (const auto characters = Characters(escaped); characters > kCellCharactersMax) {
      throw Error(
          ErrorCode::kData,
          fmt::format("row {}, column {}: {} characters, and a cell of a sheet has at most {}; shorten it in SQL "
                      "(left(column, {})), or choose another format: {}",
                      row_, names_[i], characters, kCellCharactersMax, kCellCharactersMax, kElsewhere));
    }
    bytes_ += static_cast<int64_t>(escaped.size());
    Check(worksheet_write_string(sheet_, Row(), Column(i), escaped.c_str(), format));
  }

  lxw_row_t Row() const { return static_cast<lxw_row_t>(row_); }
  static lxw_col_t Column(size_t i) { return static_cast<lxw_col_t>(i); }

  const ScratchFolder scratch_;
  std::ostream& out_;
  std::unique_ptr<lxw_workbook, FreeWorkbook> workbook_;
  lxw_worksheet* sheet_ = nullptr;
  lxw_format* header_ = nullptr;
  lxw_format* date_ = nullptr;
  lxw_format* time_ = nullptr;
  lxw_format* timestamp_ = nullptr;
  std::vector<std::string> names_;
  std::string text_;
  int64_t row_ = 0;
  int64_t bytes_ = 0;
};

}  // namespace

std::unique_ptr<ResultPrinter> MakeXlsxPrinter(const PrintOptions& options, std::ostream& out) {
  return std::make_unique<XlsxPrinter>(options, out);
}

}  // namespace millrace::query
