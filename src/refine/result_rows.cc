#include "refine/result_rows.h"

#include <arrow/api.h>
#include <arrow/compute/api.h>
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <string>
#include <utility>

#include "base/error.h"
#include "land/arrow_compute.h"
#include "land/arrow_status.h"
#include "refine/fresh_rows.h"

namespace millrace::refine {
namespace {

std::string SqlTypeOf(const arrow::Field& field) {
  const int at = field.metadata() ? field.metadata()->FindKey("sql.type") : -1;
  return at < 0 ? std::string() : field.metadata()->value(at);
}

/// The field as a table is to have it.
std::shared_ptr<arrow::Field> TableField(const std::shared_ptr<arrow::Field>& field) {
  const auto sql_type = SqlTypeOf(*field);
  if (sql_type == "HUGEINT") return arrow::field(field->name(), arrow::int64());
  if (sql_type == "UUID") {
    return arrow::field(field->name(), arrow::fixed_size_binary(16), true,
                        arrow::key_value_metadata({{"iceberg.type", "uuid"}}));
  }
  return field->WithMetadata(nullptr)->WithNullable(true);
}

/// The 16 bytes of "00112233-4455-6677-8899-aabbccddeeff".
std::string UuidBytes(std::string_view text) {
  std::string bytes;
  int high = -1;
  for (const char c : text) {
    if (c == '-') continue;
    const int digit =
        std::isdigit(static_cast<unsigned char>(c)) ? c - '0' : std::tolower(static_cast<unsigned char>(c)) - 'a' + 10;
    if (high < 0) {
      high = digit;
    } else {
      bytes += static_cast<char>(high * 16 + digit);
      high = -1;
    }
  }
  return bytes;
}

std::shared_ptr<arrow::Array> UuidColumn(const arrow::StringArray& text) {
  arrow::FixedSizeBinaryBuilder builder(arrow::fixed_size_binary(16));
  for (int64_t row = 0; row < text.length(); ++row) {
    const auto bytes = text.IsNull(row) ? std::string() : UuidBytes(text.GetView(row));
    land::Check(bytes.size() == 16 ? builder.Append(bytes) : builder.AppendNull(), "a column of UUIDs");
  }
  return land::ValueOf(builder.Finish(), "a column of UUIDs");
}

std::shared_ptr<arrow::Array> TableColumn(const std::shared_ptr<arrow::Array>& column, const arrow::Field& from,
                                          const arrow::Field& to) {
  if (column->type()->Equals(*to.type())) return column;
  const auto sql_type = SqlTypeOf(from);
  if (sql_type == "UUID") return UuidColumn(static_cast<const arrow::StringArray&>(*column));
  const auto what =
      fmt::format("column {}: a sum does not fit 64 bits; cast it to DECIMAL(38, 0) in the model", to.name());
  return land::ValueOf(arrow::compute::Cast(*column, to.type(), arrow::compute::CastOptions::Safe()), what);
}

const arrow::BooleanArray& Met(const arrow::RecordBatch& batch, size_t index) {
  return static_cast<const arrow::BooleanArray&>(*batch.GetColumnByName(ExpectationColumn(index)));
}

/// Rows that the table had already were looked at when they came.
int64_t FreshIn(const arrow::RecordBatch& batch) {
  const auto column = batch.GetColumnByName(std::string(kFreshColumn));
  if (!column) return batch.num_rows();
  const auto& fresh = static_cast<const arrow::Int32Array&>(*column);
  int64_t count = 0;
  for (int64_t row = 0; row < fresh.length(); ++row) count += fresh.Value(row);
  return count;
}

}  // namespace

ResultRows::ResultRows(const Model& model, std::shared_ptr<arrow::Schema> result)
    : model_(model), result_(std::move(result)), violations_(model.expectations.size()) {
  arrow::FieldVector fields;
  for (const auto& field : result_->fields()) {
    if (!field->name().starts_with(kOwnPrefix)) fields.push_back(TableField(field));
  }
  if (fields.empty()) throw Error(ErrorCode::kData, "the model makes no column");
  arrow_columns_ = arrow::schema(std::move(fields));
  columns_ = schema::FromArrow(*arrow_columns_);
}

std::shared_ptr<arrow::Array> ResultRows::Kept(const arrow::RecordBatch& batch) {
  std::vector<bool> keep(static_cast<size_t>(batch.num_rows()), true);
  for (size_t i = 0; i < model_.expectations.size(); ++i) {
    const auto& met = Met(batch, i);
    const auto broken = met.length() - met.true_count();
    violations_[i] += broken;
    if (broken == 0 || !LeavesOut(model_.expectations[i])) continue;
    for (int64_t row = 0; row < met.length(); ++row) {
      if (!met.Value(row)) keep[static_cast<size_t>(row)] = false;
    }
  }
  // One that is to be dropped as well is kept in quarantine.
  quarantined_ = BrokenIn(model_, batch);
  const auto quarantined = static_cast<int64_t>(quarantined_.size());
  quarantined_total_ += quarantined;
  dropped_ += std::ranges::count(keep, false) - quarantined;
  arrow::BooleanBuilder builder;
  land::Check(builder.AppendValues(keep), "a column of booleans");
  return land::ValueOf(builder.Finish(), "a column of booleans");
}

std::vector<land::BrokenRow> BrokenIn(const Model& model, const arrow::RecordBatch& batch) {
  std::vector<land::BrokenRow> broken;
  const auto column = batch.GetColumnByName(std::string(kRowColumn));
  if (!column) return broken;
  const auto& json = static_cast<const arrow::StringArray&>(*column);
  for (int64_t row = 0; row < json.length(); ++row) {
    if (json.IsNull(row)) continue;
    auto& one = broken.emplace_back(land::BrokenRow{.row = json.GetString(row), .rule = {}, .rules = {}});
    for (size_t i = 0; i < model.expectations.size(); ++i) {
      const auto& [condition, action, line] = model.expectations[i];
      if (Met(batch, i).Value(row)) continue;
      if (one.rule.empty() && action == Expectation::Action::kQuarantine) one.rule = condition;
      one.rules += (one.rules.empty() ? "does not meet: " : "; ") + condition;
    }
  }
  return broken;
}

bool ResultRows::failed() const {
  for (size_t i = 0; i < violations_.size(); ++i) {
    if (violations_[i] > 0 && model_.expectations[i].action == Expectation::Action::kFail) return true;
  }
  return false;
}

std::shared_ptr<arrow::RecordBatch> ResultRows::Take(const arrow::RecordBatch& batch) {
  land::StartCompute();
  arrow::ArrayVector columns;
  for (const auto& field : arrow_columns_->fields()) {
    columns.push_back(
        TableColumn(batch.GetColumnByName(field->name()), *result_->GetFieldByName(field->name()), *field));
  }
  auto rows = arrow::RecordBatch::Make(arrow_columns_, batch.num_rows(), std::move(columns));
  checked_ += FreshIn(batch);
  if (model_.expectations.empty()) return rows;
  const auto kept = Kept(batch);
  return land::ValueOf(arrow::compute::Filter(rows, kept), "dropping rows that break an expectation").record_batch();
}

}  // namespace millrace::refine
