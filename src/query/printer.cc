#include "query/printer.h"

#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <fmt/format.h>

#include <ostream>
#include <set>
#include <string>

#include "base/error.h"
#include "query/result_printer.h"

namespace millrace::query {
namespace {

void RequireGood(const std::ostream& out) {
  if (!out) throw Error(ErrorCode::kUnavailable, "cannot write the result: the output is closed or full");
}

}  // namespace

std::unique_ptr<ResultPrinter> MakePrinter(OutputFormat format, const PrintOptions& options, std::ostream& out) {
  switch (format) {
    case OutputFormat::kTable:
      return MakeTablePrinter(options, out);
    case OutputFormat::kJson:
      return MakeJsonPrinter(false, out);
    case OutputFormat::kJsonLines:
      return MakeJsonPrinter(true, out);
    case OutputFormat::kCsv:
      return MakeCsvPrinter(out);
    case OutputFormat::kArrow:
      return MakeArrowPrinter(out);
    case OutputFormat::kParquet:
      return MakeParquetPrinter(options, out);
    case OutputFormat::kXlsx:
      return MakeXlsxPrinter(options, out);
  }
  throw Error(ErrorCode::kInternal, "no such output format");
}

std::optional<OutputFormat> ParseOutputFormat(std::string_view name) {
  if (name == "table") return OutputFormat::kTable;
  if (name == "json") return OutputFormat::kJson;
  if (name == "jsonl" || name == "ndjson") return OutputFormat::kJsonLines;
  if (name == "csv") return OutputFormat::kCsv;
  if (name == "arrow") return OutputFormat::kArrow;
  if (name == "parquet") return OutputFormat::kParquet;
  if (name == "xlsx") return OutputFormat::kXlsx;
  return std::nullopt;
}

std::vector<std::string> UniqueNames(const arrow::Schema& schema) {
  std::vector<std::string> names;
  std::set<std::string> taken;
  for (const auto& field : schema.fields()) {
    auto name = field->name();
    for (int copy = 2; !taken.insert(name).second; ++copy) name = fmt::format("{}_{}", field->name(), copy);
    names.push_back(name);
  }
  return names;
}

int64_t Print(ResultStream& result, OutputFormat format, const PrintOptions& options, std::ostream& out) {
  const auto printer = MakePrinter(format, options, out);
  printer->Begin(result.schema());
  int64_t rows = 0;
  while (const auto batch = result.Next()) {
    printer->Write(*batch);
    rows += batch->num_rows();
    RequireGood(out);
  }
  printer->End();
  out.flush();
  RequireGood(out);
  return rows;
}

}  // namespace millrace::query
