#pragma once

#include <arrow/api.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "event/decoder.h"

namespace millrace::testing {

/// JSON objects of whole numbers and texts, column by column as they come. Small and slow: for sinks' tests, which may
/// not lean on the real decoder.
class PlainDecoder final : public event::Decoder {
 public:
  /// `cause`: of records that are no object.
  explicit PlainDecoder(event::RejectCause cause = event::RejectCause::kMalformed) : cause_(cause) {}

  event::Decoded Decode(const event::EventBatch& events) override {
    event::Decoded decoded;
    std::vector<nlohmann::json> rows;
    for (uint32_t i = 0; i < events.size(); ++i) {
      const std::string_view text = events.record(i);
      if (text.find_first_not_of(" \t\r") == std::string_view::npos) {
        ++decoded.blank;
        continue;
      }
      auto row = nlohmann::json::parse(text, nullptr, false);
      if (!row.is_object()) {
        decoded.rejects.push_back({.record = i, .cause = cause_, .detail = "no object"});
        continue;
      }
      for (const auto& [name, value] : row.items()) Discover(name, value);
      decoded.record_of_row.push_back(i);
      rows.push_back(std::move(row));
    }
    if (!rows.empty()) decoded.rows = Build(rows);
    return decoded;
  }

  std::shared_ptr<arrow::Schema> schema() const override {
    if (fields_.empty()) return nullptr;
    arrow::FieldVector all = fields_;
    all.push_back(arrow::field(std::string(event::kRescuedColumn), arrow::utf8()));
    return arrow::schema(all);
  }

  void Adopt(std::shared_ptr<arrow::Schema> schema) override {
    fields_.clear();
    for (const auto& field : schema->fields()) {
      if (field->name() != event::kRescuedColumn) fields_.push_back(field);
    }
  }

 private:
  void Discover(const std::string& name, const nlohmann::json& value) {
    if (value.is_null()) return;
    for (const auto& field : fields_) {
      if (field->name() == name) return;
    }
    fields_.push_back(arrow::field(name, value.is_string() ? arrow::utf8() : arrow::int64()));
  }

  std::shared_ptr<arrow::RecordBatch> Build(const std::vector<nlohmann::json>& rows) const {
    const auto builder = arrow::RecordBatchBuilder::Make(schema(), arrow::default_memory_pool()).ValueOrDie();
    const int rescued = static_cast<int>(fields_.size());
    for (const auto& row : rows) {
      for (int i = 0; i < rescued; ++i) {
        const auto value = row.find(fields_[static_cast<size_t>(i)]->name());
        arrow::ArrayBuilder& column = *builder->GetField(i);
        if (value == row.end() || value->is_null()) {
          (void)column.AppendNull();
        } else if (auto* text = dynamic_cast<arrow::StringBuilder*>(&column)) {
          (void)text->Append(value->get<std::string>());
        } else {
          (void)dynamic_cast<arrow::Int64Builder&>(column).Append(value->get<int64_t>());
        }
      }
      (void)builder->GetField(rescued)->AppendNull();
    }
    return builder->Flush().ValueOrDie();
  }

  const event::RejectCause cause_;
  arrow::FieldVector fields_;
};

/// The same for changes: {"id": 7, "op": "d"} deletes, and so does an empty record with the key 7.
class PlainChangeDecoder final : public event::Decoder {
 public:
  explicit PlainChangeDecoder(std::string key) : key_(std::move(key)) {}

  event::Decoded Decode(const event::EventBatch& events) override {
    event::EventBatch rows = events;
    rows.newline_joined = false;
    std::vector<std::pair<uint32_t, int64_t>> deletes;
    for (uint32_t i = 0; i < events.size(); ++i) {
      const auto row = nlohmann::json::parse(events.record(i), nullptr, false);
      if (row.is_object() && row.value("op", "") == "d") {
        deletes.emplace_back(i, row[key_].get<int64_t>());
        rows.records[i].size = 0;
      } else if (events.record(i).empty() && !events.key(i).empty()) {
        deletes.emplace_back(i, std::stoll(std::string(events.key(i))));
      }
    }
    event::Decoded decoded = rows_.Decode(rows);
    decoded.blank -= static_cast<uint32_t>(deletes.size());
    if (!rows_.schema() || !rows_.schema()->GetFieldByName(key_)) {
      decoded.early_deletes = static_cast<uint32_t>(deletes.size());
      return decoded;
    }
    if (deletes.empty()) return decoded;
    arrow::Int64Builder keys;
    for (const auto& [record, key] : deletes) {
      (void)keys.Append(key);
      decoded.record_of_delete.push_back(record);
    }
    decoded.deletes =
        arrow::RecordBatch::Make(arrow::schema({arrow::field(key_, arrow::int64())}),
                                 static_cast<int64_t>(deletes.size()), arrow::ArrayVector{keys.Finish().ValueOrDie()});
    return decoded;
  }
  std::shared_ptr<arrow::Schema> schema() const override { return rows_.schema(); }
  void Adopt(std::shared_ptr<arrow::Schema> schema) override { rows_.Adopt(std::move(schema)); }

 private:
  const std::string key_;
  PlainDecoder rows_;
};

}  // namespace millrace::testing
