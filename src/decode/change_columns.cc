#include "decode/change_columns.h"

#include <arrow/api.h>

#include <algorithm>
#include <string_view>
#include <utility>

namespace millrace::decode {
namespace {

/// A column of a schema at any depth of structs; a name may itself hold dots.
std::shared_ptr<arrow::Field> FindField(const arrow::FieldVector& fields, std::string_view path) {
  for (size_t end = path.size(); end != std::string_view::npos && end > 0; end = path.rfind('.', end - 1)) {
    const auto name = path.substr(0, end);
    const auto found =
        std::ranges::find(fields, name, [](const auto& field) -> std::string_view { return field->name(); });
    if (found == fields.end()) continue;
    if (end == path.size()) return *found;
    if ((*found)->type()->id() == arrow::Type::STRUCT)
      return FindField((*found)->type()->fields(), path.substr(end + 1));
  }
  return nullptr;
}

}  // namespace

std::shared_ptr<arrow::Schema> DeleteColumns(const arrow::Schema& rows, const ChangeForm& form) {
  arrow::FieldVector fields;
  for (const auto& path : form.key) {
    const auto field = FindField(rows.fields(), path);
    if (!field) return nullptr;
    fields.push_back(arrow::field(path, field->type()));
  }
  const auto order = form.order_by.empty() ? nullptr : FindField(rows.fields(), form.order_by);
  if (order && std::ranges::find(form.key, form.order_by) == form.key.end()) {
    fields.push_back(arrow::field(form.order_by, order->type()));
  }
  return arrow::schema(std::move(fields));
}

void Renumber(const std::vector<uint32_t>& of_document, event::Decoded& decoded) {
  for (auto& reject : decoded.rejects) reject.record = of_document[reject.record];
  auto& records = decoded.record_of_row;
  if (records.empty() && decoded.rows) records.resize(of_document.size());
  const bool all = records.size() == of_document.size();
  for (size_t row = 0; row < records.size(); ++row) records[row] = of_document[all ? row : records[row]];
}

}  // namespace millrace::decode
